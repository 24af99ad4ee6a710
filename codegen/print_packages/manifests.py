"""Manifests: what a print package is, which of its rows the press skips, and the brand's signature over both.

Promises: a manifest is one JSON object in canonical form (RFC 8785 for what stands in it: texts, whole numbers, booleans, null), signed with
the brand's Ed25519 key of the order's epoch (RFC 8032); `verify` needs the public key set alone, no server and no clock, and fails when any
byte of manifest or file is another. Refuses unknown keys, other forms of the same JSON, and a file of another size, hash or row count.
The manifest is sent another way than the file: it names the canaries. Pure.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from codegen.cipher import SerialCipher
from codegen.print_packages import sealed_files
from codegen.print_packages.templates import Encoding, Template
from kit.refusals import Invalid

FORMAT = "onemark-manifest/1"
MANIFEST_BYTES_MAX = 1 << 20
READ_BYTES = 1 << 20
_SIGNED = b"onemark/1/manifest\n"
_SIGNATURE = "signature"
_LINE_FEED = ord("\n")


class ManifestMalformed(Invalid):
    code = "manifest_malformed"
    says = "This is no manifest as it was signed: {why}."


class ManifestKeyUnknown(Invalid):
    code = "manifest_key_unknown"
    says = "The manifest names key {key_id!r}, which the key set does not hold."


class ManifestForged(Invalid):
    code = "manifest_forged"
    says = "The signature of the manifest is wrong: it was altered, or is not the brand's."


class FileDiffers(Invalid):
    code = "file_differs"
    says = "The file is not the one of the manifest: {what} is {found}, not {wanted}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """`rows` stand in the file, `skip` of them (counted from 1, without the header) are not printed. `sealed`: only its bytes were checked."""

    package_id: str
    recipient: str
    rows: int
    codes: int
    skip: tuple[int, ...]
    sealed: bool


def key_id(slug: str, epoch: int) -> str:
    return f"{slug}/{epoch}/manifest"


def key_set(slug: str, ciphers: Sequence[SerialCipher]) -> dict[str, Any]:
    """The public keys of a brand's epochs as a JSON Web Key Set (RFC 7517, RFC 8037): for printers, and to be published."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "kid": key_id(slug, one.epoch),
                "use": "sig",
                "x": _text(_private(one).public_key().public_bytes_raw()),
            }
            for one in ciphers
        ]
    }


def canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signed(content: Mapping[str, Any], *, slug: str, cipher: SerialCipher) -> bytes:
    """The manifest file: `content` with its format, the key's name and the signature, and a line feed behind it."""
    named = {**content, "format": FORMAT, "key_id": key_id(slug, cipher.epoch)}
    signature = _private(cipher).sign(_SIGNED + canonical(named))
    return canonical({**named, _SIGNATURE: _text(signature)}) + b"\n"


def read(raw: bytes, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a manifest whose signature is right."""
    if len(raw) > MANIFEST_BYTES_MAX:
        raise ManifestMalformed(why="it is too large")
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ManifestMalformed(why="it is no JSON") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ManifestMalformed(why=f"its format is not {FORMAT}")
    try:
        same = canonical(manifest) + b"\n" == raw
    except ValueError as error:  # a half of a surrogate pair, or a number that is none
        raise ManifestMalformed(why="it is no canonical JSON") from error
    if not same:
        raise ManifestMalformed(why="its bytes were rearranged")
    signature = _bytes(manifest.pop(_SIGNATURE, None))
    public = _public(keys, str(manifest.get("key_id")))
    try:
        public.verify(signature, _SIGNED + canonical(manifest))
    except InvalidSignature as error:
        raise ManifestForged from error
    return manifest


def verify(raw: bytes, file: BinaryIO, *, keys: Mapping[str, Any]) -> Verified:
    """Checks signature, then size, hash and number of rows of the file, which may still be sealed."""
    manifest = read(raw, keys)
    start = file.read(READ_BYTES)
    sealed = manifest["sealed"] is not None and sealed_files.is_sealed(start)
    wanted = manifest["sealed"] if sealed else manifest["file"]
    template = Template.from_plain(manifest["template"])
    units = np.dtype("<u2" if template.encoding is Encoding.UTF_16_LE else "u1")
    digest, size, lines = hashlib.sha256(), 0, 0
    piece = start
    while piece:
        digest.update(piece)
        size += len(piece)
        lines += int(
            np.count_nonzero(np.frombuffer(piece[: len(piece) // units.itemsize * units.itemsize], dtype=units) == _LINE_FEED)
        )
        piece = file.read(READ_BYTES)
    rows = lines - template.header
    for what, found, right in (
        ("size", size, wanted["bytes"]),
        ("SHA-256", digest.hexdigest(), wanted["sha256"]),
        ("row count", manifest["rows"] if sealed else rows, manifest["rows"]),
    ):
        if found != right:
            raise FileDiffers(what=what, found=found, wanted=right)
    return Verified(
        package_id=manifest["package_id"],
        recipient=manifest["recipient"]["name"],
        rows=manifest["rows"],
        codes=manifest["codes"],
        skip=tuple(manifest["skip"]),
        sealed=sealed,
    )


def _private(cipher: SerialCipher) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(cipher.keys.manifest)


def _public(keys: Mapping[str, Any], wanted: str) -> Ed25519PublicKey:
    listed = keys.get("keys") if isinstance(keys, Mapping) else None
    for key in listed if isinstance(listed, list) else []:
        if isinstance(key, dict) and (key.get("kid"), key.get("kty"), key.get("crv")) == (wanted, "OKP", "Ed25519"):
            try:
                return Ed25519PublicKey.from_public_bytes(_bytes(key.get("x")))
            except ValueError as error:
                raise ManifestKeyUnknown(key_id=wanted) from error
    raise ManifestKeyUnknown(key_id=wanted)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: object) -> bytes:
    """Only the one spelling that `_text` gives: the last letter has bits to spare, which a change could hide in."""
    try:
        raw = base64.b64decode(f"{text}{'=' * (-len(str(text)) % 4)}", altchars=b"-_", validate=True)
    except ValueError as error:
        raise ManifestMalformed(why="a key or signature is no base64") from error
    if _text(raw) != text:
        raise ManifestMalformed(why="a key or signature is spelt otherwise")
    return raw
