"""PINs: the scratch-off second factor of a code, six digits that follow from its counter and are stored nowhere.

    PIN = first 64 bits of AES-CMAC(K_pin, "OM" 01 e 0^7 n40) mod 10^6

Promises: the same PIN for a code for ever; who knows serials and other PINs learns nothing of one (the modulus favours none by more than
2^-44). `agrees` takes the same time for every wrong PIN. Refuses nothing by exception that a consumer could have typed. Limiting tries is
the business of whoever asks. Pure.
"""

import unicodedata
from hmac import compare_digest

import numpy as np
import numpy.typing as npt

from codegen.cipher import COUNTER_MAX, SerialCipher
from codegen.print_packages.guarding.block_macs import BlockMac, Words

PIN_DIGITS = 6
_FORMAT = 1
_DIGIT_ZERO = np.uint64(ord("0"))


def of_counters(cipher: SerialCipher, counters: Words) -> npt.NDArray[np.uint8]:
    """The PINs of these counters as digits in ASCII, an array of shape (len(counters), 6)."""
    high = int.from_bytes(b"OM" + bytes((_FORMAT, cipher.epoch)) + bytes(4))
    numbers = BlockMac(cipher.keys.pin).words(high=high, low=counters) % np.uint64(10**PIN_DIGITS)
    out = np.empty((len(counters), PIN_DIGITS), dtype=np.uint8)
    for place in range(PIN_DIGITS):
        out[:, place] = numbers // np.uint64(10 ** (PIN_DIGITS - 1 - place)) % np.uint64(10) + _DIGIT_ZERO
    return out


def pin_of(cipher: SerialCipher, n: int) -> str:
    if not 0 <= n <= COUNTER_MAX:
        raise ValueError(f"a counter is 0 to {COUNTER_MAX}, not {n}")
    return of_counters(cipher, np.array([n], dtype=np.uint64)).tobytes().decode("ascii")


def agrees(cipher: SerialCipher, n: int, typed: str) -> bool:
    """Is this the code's PIN? Full-width digits, spaces and hyphens are forgiven."""
    plain = unicodedata.normalize("NFKC", typed).replace(" ", "").replace("-", "")
    return compare_digest(plain.encode(), pin_of(cipher, n).encode())
