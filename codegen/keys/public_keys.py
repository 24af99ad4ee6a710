"""The public keys of a brand: one set for printers, who check manifests, and for everybody, who checks signed addresses.

Promises: a JSON Web Key Set (RFC 7517, Ed25519 by RFC 8037) that also tells the state of each epoch; a key's name says brand, epoch and use,
and there is one spelling of a key alone. Epochs that were revoked stand among `epochs` and have no key: a reader that
knows nothing of states cannot trust what is forged with a lost master. Pure.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from codegen.cipher import SerialCipher

FORMAT = "onemark-keys/1"
WELL_KNOWN = "/.well-known/onemark-keys.json"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Use(StrEnum):
    """What a key signs. Each use has a seed of its own, so no signature is ever good for another."""

    MANIFEST = "manifest"
    URL = "url"


class KeyUnknown(LookupError):  # noqa: N818 - it says what the key is
    """The set holds no such key, or one that is none."""


class Epoch(Protocol):
    """An epoch of the key ring (codegen.keys.keyring), as far as its public side goes: this module knows no database."""

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def revoked(self) -> bool: ...
    @property
    def cipher(self) -> SerialCipher: ...


def key_set(slug: str, epochs: Iterable[Epoch]) -> dict[str, Any]:
    known = sorted(epochs, key=lambda one: one.number)
    return {
        "format": FORMAT,
        "brand": slug,
        "epochs": [{"epoch": one.number, "state": one.state} for one in known],
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "kid": key_id(slug, one.number, use),
                "use": "sig",
                "alg": "EdDSA",
                "x": text_of(private(one.cipher, use).public_key().public_bytes_raw()),
            }
            for one in known
            if not one.revoked
            for use in Use
        ],
    }


def key_id(slug: str, epoch: int, use: Use) -> str:
    return f"{slug}/{epoch}/{use.value}"


def private(cipher: SerialCipher, use: Use) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(cipher.keys.url if use is Use.URL else cipher.keys.manifest)


def find(keys: Mapping[str, Any], wanted: str) -> Ed25519PublicKey:
    """The key named `wanted`. Raises KeyUnknown."""
    listed = keys.get("keys") if isinstance(keys, Mapping) else None
    for key in listed if isinstance(listed, list) else []:
        if isinstance(key, dict) and (key.get("kid"), key.get("kty"), key.get("crv")) == (wanted, "OKP", "Ed25519"):
            try:
                return Ed25519PublicKey.from_public_bytes(raw_of(key.get("x")))
            except ValueError as error:
                raise KeyUnknown(wanted) from error
    raise KeyUnknown(wanted)


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def raw_of(text: object) -> bytes:
    """Only of the one spelling that `text_of` gives: the last letter has bits to spare, which a change could hide in. Raises ValueError."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise ValueError("it has letters that base64url lacks")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if text_of(raw) != text:
        raise ValueError("it is spelt otherwise")
    return raw
