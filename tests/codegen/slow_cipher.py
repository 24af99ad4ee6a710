"""The serial cipher a second time, written straight from its definition with big integers and a library CMAC.

It shares nothing with the code under test, so that a mistake made there is not made here again.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def hkdf_16(master: bytes, info: bytes) -> bytes:
    """RFC 5869 by hand: extract with a salt of zeros, expand by one block."""
    extracted = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()[:16]


def serial(master: bytes, *, epoch: int, n: int) -> str:
    mac = CMAC(algorithms.AES(hkdf_16(master, b"onemark/1/serial/mac")))
    mac.update(b"OM\x01" + bytes([epoch]) + b"\x00" * 7 + n.to_bytes(5, "big"))
    tag_bits = f"{int.from_bytes(mac.finalize(), 'big'):0128b}"[:55]

    synthetic = int(tag_bits, 2).to_bytes(7, "big") + b"\x01" + bytes([epoch]) + b"\x00" * 7
    encryptor = Cipher(algorithms.AES(hkdf_16(master, b"onemark/1/serial/enc")), modes.CBC(b"\x00" * 16)).encryptor()
    stream_bits = f"{int.from_bytes(encryptor.update(synthetic), 'big'):0128b}"[:40]

    number = epoch * 2**95 + (n ^ int(stream_bits, 2)) * 2**55 + int(tag_bits, 2)
    characters = []
    for _ in range(20):
        number, digit = divmod(number, 32)
        characters.append(LETTERS[digit])
    assert number == 0
    return "".join(reversed(characters))
