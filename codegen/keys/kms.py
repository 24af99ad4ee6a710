"""What keeps epoch masters: a key-encryption key, wherever it lives. Built in: 32 bytes from a file or the environment (kit.settings).

Promises: a wrapped master is useless without its key, and a keeper names its key without telling it. A keeper in a hardware module or a cloud
implements the same three members, and is handed to codegen.keys.keyring in place of the bytes. Refuses what was wrapped otherwise by WrongKey.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

KEK_ID_CHARS = 8


class WrongKey(Exception):  # noqa: N818 - keyring says what it means
    """The wrapped bytes were not made by this key, or were damaged since."""


class Kms(Protocol):
    @property
    def key_id(self) -> str: ...

    def wrap(self, master: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """Raises WrongKey."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKms:
    """AES key wrap (RFC 3394) under a key that this process holds."""

    kek: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"onemark kek" + self.kek).hexdigest()[:KEK_ID_CHARS]

    def wrap(self, master: bytes) -> bytes:
        return aes_key_wrap(self.kek, master)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self.kek, wrapped)
        except InvalidUnwrap as error:
            raise WrongKey from error


Kek = bytes | Kms


def keeper(kek: Kek) -> Kms:
    return LocalKms(kek) if isinstance(kek, bytes) else kek
