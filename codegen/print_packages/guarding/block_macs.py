"""AES-CMAC (RFC 4493) of messages of exactly one block: AES(message xor K1), for one message or for an array of them.

Promises: the same answers as any CMAC; arrays of any length in constant extra memory. Pure: no database, no clock, no chance.
"""

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

BLOCK_BYTES = 16
_CMAC_RB = 0x87  # RFC 4493 section 2.3
_LOW = 2**64 - 1
_CHUNK = 1 << 15  # 512 KiB of blocks stay in the second-level cache

Words = npt.NDArray[np.uint64]


class BlockMac:
    """The CMAC of one key. `of` feeds a shared context exactly one block, which leaves no state behind; `words` makes its own."""

    __slots__ = ("_aes", "_key", "_subkey")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._aes = _ecb(key)
        doubled = int.from_bytes(self._aes.update(bytes(BLOCK_BYTES))) << 1
        self._subkey = (doubled & 2**128 - 1) ^ (_CMAC_RB if doubled >> 128 else 0)

    def of(self, message: bytes) -> bytes:
        """The tag of one message of 16 bytes."""
        if len(message) != BLOCK_BYTES:
            raise ValueError(f"a message has {BLOCK_BYTES} bytes here, not {len(message)}")
        return self._aes.update((int.from_bytes(message) ^ self._subkey).to_bytes(BLOCK_BYTES))

    def words(self, *, high: int, low: Words) -> Words:
        """The first 8 bytes, as a number, of the tag of high || low[i], both big-endian."""
        out = np.empty(len(low), dtype=np.uint64)
        aes = _ecb(self._key)
        blocks = np.empty((min(len(low), _CHUNK), 2), dtype=">u8")
        tags = np.empty(blocks.nbytes + BLOCK_BYTES - 1, dtype=np.uint8)  # update_into asks for room of one block less one byte
        for start in range(0, len(low), _CHUNK):
            rows = min(_CHUNK, len(low) - start)
            blocks[:rows, 0] = high ^ self._subkey >> 64
            blocks[:rows, 1] = low[start : start + rows] ^ np.uint64(self._subkey & _LOW)
            aes.update_into(blocks[:rows].data.cast("B"), tags.data)
            out[start : start + rows] = tags[: rows * BLOCK_BYTES].view(">u8")[::2]
        return out


def _ecb(key: bytes) -> CipherContext:
    # Single blocks under a PRF, never a message: this is the AES permutation that CMAC is made of.
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
