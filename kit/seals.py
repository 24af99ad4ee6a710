"""Keys by purpose, keyed hashes and sealed fields: personal data lie encrypted, and are found by a keyed hash.

Sources: HKDF (RFC 5869), BLAKE2b (RFC 7693), AES-GCM (NIST SP 800-38D).
"""

import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


def derive(secret: bytes, purpose: str, *, size_bytes: int = KEY_BYTES) -> bytes:
    """The key of one purpose, such as `onemark/ticket`."""
    return HKDF(algorithm=SHA256(), length=size_bytes, salt=None, info=purpose.encode()).derive(secret)


def keyed_hash(key: bytes, value: bytes, *, size_bytes: int) -> bytes:
    """A hash that only the holder of `key` can compute (BLAKE2b in keyed mode)."""
    return hashlib.blake2b(value, key=key, digest_size=size_bytes).digest()


def seal(key: bytes, plain: bytes, *, context: bytes) -> bytes:
    """Encrypts with AES-256-GCM; `context` must be the same when opening."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """Raises cryptography.exceptions.InvalidTag when the key, the context or the bytes are others."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)


def same(a: bytes, b: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(a, b)
