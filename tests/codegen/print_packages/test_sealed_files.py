"""Sealed files: opened by their recipient alone, and refused when a byte was altered, cut off or moved."""

import io
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from codegen.print_packages.guarding import sealed_files
from codegen.print_packages.guarding.sealed_files import CHUNK_BYTES, TAG_BYTES, FileKey

FILE_KEY = bytes(range(32))
SALT = bytes(16)
SIZES = (1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES)


def pems() -> tuple[str, str]:
    """(private, public)"""
    key = X25519PrivateKey.generate()
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


PRIVATE, PUBLIC = pems()
KEY = sealed_files.sealed_for_key(PUBLIC, file_key=FILE_KEY, ephemeral=bytes(range(32, 64)))


def sealed(key: FileKey, content: bytes) -> bytes:
    cuts = [*range(0, len(content), CHUNK_BYTES), len(content)]
    chunks = [key.chunk(content[a:b], number=number, last=b == len(content)) for number, (a, b) in enumerate(pairwise(cuts))]
    return key.head + b"".join(chunks)


def opened(raw: bytes, private_pem: str = PRIVATE) -> bytes:
    return b"".join(sealed_files.opened(io.BytesIO(raw), private_pem=private_pem))


@pytest.mark.parametrize("size", SIZES)
def test_the_recipient_opens_it(size: int) -> None:
    content = (b"0123456789abcde" * (size // 15 + 1))[:size]
    raw = sealed(KEY, content)
    assert len(raw) == KEY.size_bytes(size)
    assert opened(raw) == content
    assert sealed_files.is_sealed(raw)
    assert content[:15] not in raw or size < 15


def test_a_passphrase_opens_what_was_sealed_with_it() -> None:
    key = sealed_files.sealed_for_passphrase("correct horse battery", file_key=FILE_KEY, salt=SALT)
    raw = sealed(key, b"codes")
    assert b"".join(sealed_files.opened(io.BytesIO(raw), passphrase="correct horse battery")) == b"codes"
    with pytest.raises(sealed_files.SealedForAnother):
        list(sealed_files.opened(io.BytesIO(raw), passphrase="Correct horse battery"))
    with pytest.raises(sealed_files.SealedMalformed, match="passphrase"):
        opened(raw)


def test_strangers_do_not_open_it() -> None:
    raw = sealed(KEY, b"codes")
    with pytest.raises(sealed_files.SealedForAnother):
        opened(raw, pems()[0])
    with pytest.raises(sealed_files.SealedMalformed, match="private key"):
        list(sealed_files.opened(io.BytesIO(raw), passphrase="x"))


def test_no_altered_byte_goes_unnoticed() -> None:
    raw = sealed(KEY, b"codes of a lot")
    for place in range(len(raw)):
        altered = bytearray(raw)
        altered[place] ^= 1
        with pytest.raises((sealed_files.SealedMalformed, sealed_files.SealedForAnother, sealed_files.SealedDamaged)):
            opened(bytes(altered))


def test_a_cut_is_noticed_wherever_it_is() -> None:
    raw = sealed(KEY, bytes(CHUNK_BYTES + 5))
    end_of_first = len(KEY.head) + CHUNK_BYTES + TAG_BYTES
    for size in (3, 20, len(KEY.head), len(KEY.head) + 9, end_of_first, end_of_first + 4, len(raw) - 1):
        with pytest.raises((sealed_files.SealedMalformed, sealed_files.SealedDamaged)):
            opened(raw[:size])
    with pytest.raises(sealed_files.SealedDamaged):
        opened(raw + b"x")


def test_chunks_cannot_change_places() -> None:
    raw = sealed(KEY, bytes(3 * CHUNK_BYTES))
    size = CHUNK_BYTES + TAG_BYTES
    first, second, third = (raw[len(KEY.head) + size * number :][:size] for number in range(3))
    for order in ((second, first, third), (first, second), (third,), (first, third)):
        with pytest.raises(sealed_files.SealedDamaged):
            opened(KEY.head + b"".join(order))


def test_a_file_cannot_ask_for_endless_work() -> None:
    key = sealed_files.sealed_for_passphrase("correct horse battery", file_key=FILE_KEY, salt=SALT)
    asking = bytearray(sealed(key, b"x"))
    asking[8 + 1 + 16] = 30
    with pytest.raises(sealed_files.SealedMalformed, match="more work"):
        list(sealed_files.opened(io.BytesIO(asking), passphrase="correct horse battery"))


def test_a_signing_key_is_no_key_for_sealing() -> None:
    wrong = Ed25519PrivateKey.generate()
    public = wrong.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for pem in (public, "", "-----BEGIN PUBLIC KEY-----"):
        with pytest.raises(sealed_files.RecipientKeyMalformed):
            sealed_files.public_key(pem)
    private = wrong.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(sealed_files.RecipientKeyMalformed):
        opened(sealed(KEY, b"x"), private)
