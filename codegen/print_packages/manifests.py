"""Manifests: what a print package is, which of its rows the press skips, and the brand's signature over both.

Promises: a manifest is one JSON object in canonical form (RFC 8785 for what stands in it: texts, whole numbers, booleans, null), signed with
the brand's Ed25519 key of the order's epoch (RFC 8032); `verify` needs the public key set alone, no server and no clock, and fails when any
byte of manifest or file is another. Refuses unknown keys, other forms of the same JSON, and a file of another size, hash or row count.
The manifest is sent another way than the file: it names the canaries. Pure.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidSignature

from codegen.cipher import SerialCipher
from codegen.keys import public_keys
from codegen.keys.public_keys import KeyUnknown, Use
from codegen.print_packages.file_designs import FileDesign, Format
from codegen.print_packages.guarding import sealed_files
from codegen.print_packages.templates import Encoding
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


def canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signed(content: Mapping[str, Any], *, slug: str, cipher: SerialCipher) -> bytes:
    """The manifest file: `content` with its format, the key's name and the signature, and a line feed behind it."""
    named = {**content, "format": FORMAT, "key_id": public_keys.key_id(slug, cipher.epoch, Use.MANIFEST)}
    signature = public_keys.private(cipher, Use.MANIFEST).sign(_SIGNED + canonical(named))
    return canonical({**named, _SIGNATURE: public_keys.text_of(signature)}) + b"\n"


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
    wanted = str(manifest.get("key_id"))
    try:
        public = public_keys.find(keys, wanted)
        public.verify(signature, _SIGNED + canonical(manifest))
    except KeyUnknown as error:
        raise ManifestKeyUnknown(key_id=wanted) from error
    except InvalidSignature as error:
        raise ManifestForged from error
    return manifest


def verify(raw: bytes, file: BinaryIO, *, keys: Mapping[str, Any]) -> Verified:
    """Checks signature, then size, hash and number of lines of the file, which may still be sealed."""
    manifest = read(raw, keys)
    start = file.read(READ_BYTES)
    sealed = manifest["sealed"] is not None and sealed_files.is_sealed(start)
    wanted = manifest["sealed"] if sealed else manifest["file"]
    # Manifests of the time before there were other files than lines have a template alone.
    design = FileDesign.from_plain(manifest.get("design") or {"template": manifest["template"]})
    units = np.dtype("<u2" if design.template.encoding is Encoding.UTF_16_LE else "u1")
    digest, size, lines = hashlib.sha256(), 0, 0
    piece = start
    while piece:
        digest.update(piece)
        size += len(piece)
        lines += int(
            np.count_nonzero(np.frombuffer(piece[: len(piece) // units.itemsize * units.itemsize], dtype=units) == _LINE_FEED)
        )
        piece = file.read(READ_BYTES)
    # Lines can be counted in passing; what a table or an archive holds is what its hash says.
    counted = design.format is Format.ROWS and not sealed
    for what, found, right in (
        ("size", size, wanted["bytes"]),
        ("SHA-256", digest.hexdigest(), wanted["sha256"]),
        ("row count", lines - design.template.header if counted else manifest["rows"], manifest["rows"]),
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


def _bytes(text: object) -> bytes:
    try:
        return public_keys.raw_of(text)
    except ValueError as error:
        raise ManifestMalformed(why="a key or signature is no base64, or spelt otherwise") from error
