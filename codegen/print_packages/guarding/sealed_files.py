"""Files sealed for one recipient: AES-256-GCM in chunks (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar, 2015).

    file    = head || chunk 0 || chunk 1 || ... || last chunk          each chunk: up to 256 KiB of content and a tag of 16 bytes
    head    = "ONEMARK1" || lock || AES-256-GCM(lock key, file key)
    lock    = 01 || ephemeral X25519 public key (32)                   lock key = HKDF-SHA256(shared secret, salt: both public keys)
            | 02 || salt (16) || log2 N (1)                            lock key = scrypt(passphrase, salt, N, r = 8, p = 1)
    nonce   = 7 zero bytes || chunk number (4) || 1 for the last chunk, else 0
    content key = HKDF-SHA256(file key, salt: SHA-256 of head)

Promises: constant memory; a chunk can be sealed alone, so a torn file is continued where it stopped; a file that was altered, reordered or
cut, even between two chunks, is refused before its end is believed. Refuses other formats, other recipients and costs of scrypt above its
limit, which a stranger's file could ask for. File key, ephemeral key and salt are arguments: whoever calls makes them unpredictable
and new for every content. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from kit.refusals import Invalid

CHUNK_BYTES = 256 << 10
TAG_BYTES = 16
KEY_BYTES = 32
SALT_BYTES = 16
SCRYPT_LOG2_N = 17  # 128 MiB for a moment, as OWASP advises
SCRYPT_LOG2_N_MAX = 18
PASSPHRASE_LENGTH_MIN = 12

_MAGIC = b"ONEMARK1"
_X25519 = b"\x01"
_PASSPHRASE = b"\x02"
_LOCK_BYTES = {_X25519: KEY_BYTES, _PASSPHRASE: SALT_BYTES + 1}
_NONCE_ONCE = bytes(12)  # each lock key seals one thing


class SealedMalformed(Invalid):
    code = "sealed_malformed"
    says = "This is no file that was sealed here: {why}."


class SealedForAnother(Invalid):
    code = "sealed_for_another"
    says = "This key or passphrase does not open the file."


class SealedDamaged(Invalid):
    code = "sealed_damaged"
    says = "The file was altered or cut short near byte {byte}."


class RecipientKeyMalformed(Invalid):
    code = "recipient_key_malformed"
    says = "This is no X25519 key in PEM."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """What a sealed file begins with, and the key of its chunks."""

    head: bytes
    content_key: bytes = field(repr=False)

    def chunk(self, content: bytes, *, number: int, last: bool) -> bytes:
        return AESGCM(self.content_key).encrypt(_nonce(number, last=last), content, None)

    def chunk_opened(self, sealed: bytes, *, number: int) -> bytes:
        """The content of a chunk that is not the last one."""
        return AESGCM(self.content_key).decrypt(_nonce(number, last=False), sealed, None)

    def rest(self, content: bytes, *, stop: int) -> bytes:
        """The last bytes up to byte `stop` of the content, which do not fill a chunk yet, sealed for the time between two steps.

        Its key is one of its own and its nonce is `stop`: what stands before a byte of one content is the same at every try.
        """
        return AESGCM(self._rest_key()).encrypt(stop.to_bytes(12), content, None)

    def rest_opened(self, sealed: bytes, *, stop: int) -> bytes:
        return AESGCM(self._rest_key()).decrypt(stop.to_bytes(12), sealed, None)

    def _rest_key(self) -> bytes:
        return _hkdf(self.content_key, salt=b"", info=b"onemark/1/sealed/rest")

    def size_bytes(self, content_bytes: int) -> int:
        """The size of a sealed file with that much content, which is at least one byte."""
        return len(self.head) + content_bytes + TAG_BYTES * -(-content_bytes // CHUNK_BYTES)


def sealed_for_key(public_pem: str, *, file_key: bytes, ephemeral: bytes) -> FileKey:
    """`ephemeral` is the secret of the one-time key pair, 32 bytes."""
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    theirs = public_key(public_pem)
    lock_key = _agreed(private.exchange(theirs), ours=private.public_key().public_bytes_raw(), theirs=theirs.public_bytes_raw())
    return _sealed(_X25519 + private.public_key().public_bytes_raw(), lock_key, file_key)


def sealed_for_passphrase(passphrase: str, *, file_key: bytes, salt: bytes) -> FileKey:
    lock_key = _stretched(passphrase, salt=salt, log2_n=SCRYPT_LOG2_N)
    return _sealed(_PASSPHRASE + salt + bytes((SCRYPT_LOG2_N,)), lock_key, file_key)


def resumed(head: bytes, file_key: bytes) -> FileKey:
    """The key of a file whose head is written already."""
    digest = Hash(SHA256())
    digest.update(head)
    return FileKey(head=head, content_key=_hkdf(file_key, salt=digest.finalize(), info=b"onemark/1/sealed/content"))


def is_sealed(start: bytes) -> bool:
    """Do a file's first bytes say that it is one of ours?"""
    return start.startswith(_MAGIC)


def opened(file: BinaryIO, *, passphrase: str | None = None, private_pem: str | None = None) -> Iterator[bytes]:
    """The content, piece by piece; only after the last piece is the whole known to be whole: keep it apart until then."""
    head = _head(file, passphrase=passphrase, private_pem=private_pem)
    aes = AESGCM(head.content_key)
    number, place = 0, len(head.head)
    chunk = file.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + TAG_BYTES) if len(chunk) == CHUNK_BYTES + TAG_BYTES else b""
        try:
            yield aes.decrypt(_nonce(number, last=not following), chunk, None)
        except InvalidTag as error:
            raise SealedDamaged(byte=place) from error
        if not following:
            return
        number, place, chunk = number + 1, place + len(chunk), following


def public_key(pem: str) -> X25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise RecipientKeyMalformed from error
    if not isinstance(key, X25519PublicKey):
        raise RecipientKeyMalformed
    return key


def _head(file: BinaryIO, *, passphrase: str | None, private_pem: str | None) -> FileKey:
    magic, kind = file.read(len(_MAGIC)), file.read(1)
    if magic != _MAGIC or kind not in _LOCK_BYTES:
        raise SealedMalformed(why="it begins otherwise")
    lock = file.read(_LOCK_BYTES[kind])
    wrapped = file.read(KEY_BYTES + TAG_BYTES)
    if len(wrapped) != KEY_BYTES + TAG_BYTES:
        raise SealedMalformed(why="its head is cut short")
    lock_key = _lock_key(kind, lock, passphrase=passphrase, private_pem=private_pem)
    try:
        file_key = AESGCM(lock_key).decrypt(_NONCE_ONCE, wrapped, None)
    except InvalidTag as error:
        raise SealedForAnother from error
    return resumed(magic + kind + lock + wrapped, file_key)


def _lock_key(kind: bytes, lock: bytes, *, passphrase: str | None, private_pem: str | None) -> bytes:
    if kind == _PASSPHRASE:
        if passphrase is None:
            raise SealedMalformed(why="it opens with a passphrase, and none was given")
        log2_n = lock[-1]
        if not 1 <= log2_n <= SCRYPT_LOG2_N_MAX:
            raise SealedMalformed(why="it asks for more work than a passphrase needs")
        return _stretched(passphrase, salt=lock[:-1], log2_n=log2_n)
    if private_pem is None:
        raise SealedMalformed(why="it opens with a private key, and none was given")
    try:
        private = load_pem_private_key(private_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise RecipientKeyMalformed from error
    if not isinstance(private, X25519PrivateKey):
        raise RecipientKeyMalformed
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(lock))
    except ValueError as error:
        raise SealedMalformed(why="its public key is a weak one") from error
    return _agreed(shared, ours=lock, theirs=private.public_key().public_bytes_raw())


def _sealed(lock: bytes, lock_key: bytes, file_key: bytes) -> FileKey:
    wrapped = AESGCM(lock_key).encrypt(_NONCE_ONCE, file_key, None)
    return resumed(_MAGIC + lock + wrapped, file_key)


def _agreed(shared: bytes, *, ours: bytes, theirs: bytes) -> bytes:
    return _hkdf(shared, salt=ours + theirs, info=b"onemark/1/sealed/x25519")


def _stretched(passphrase: str, *, salt: bytes, log2_n: int) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=1 << log2_n, r=8, p=1).derive(passphrase.encode())


def _hkdf(secret: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4) + bytes((last,))
