"""Manifests: what a printer checks without a server, and that no byte of manifest or file can be another."""

import hashlib
import io
import json
from typing import Any

import pytest

from codegen.cipher import EpochKeys, SerialCipher
from codegen.keys import public_keys
from codegen.keys.keyring import Epoch
from codegen.print_packages import manifests, templates

CIPHER = SerialCipher(4, EpochKeys.derive(bytes(range(32))))


def keys_of(slug: str, *ciphers: SerialCipher) -> dict[str, Any]:
    return public_keys.key_set(slug, [Epoch(number=one.epoch, state="closed", next_counter=0, cipher=one) for one in ciphers])


KEYS = keys_of("tea", CIPHER, SerialCipher(5, EpochKeys.derive(bytes(32))))
FILE = "url,serial\n茶,1\n茶,2\n茶,3\n".encode()


def content(file: bytes = FILE, template: str = "csv", **more: Any) -> dict[str, Any]:
    return {
        "package_id": "p1",
        "recipient": {"name": "Caps & Co 瓶盖"},
        "rows": 3,
        "codes": 2,
        "skip": [2],
        "file": {"bytes": len(file), "sha256": hashlib.sha256(file).hexdigest()},
        "sealed": None,
        "template": templates.built_in(template).as_plain(),
        **more,
    }


def signed(**more: Any) -> bytes:
    return manifests.signed(content(**more), slug="tea", cipher=CIPHER)


def test_a_printer_verifies_file_and_manifest_with_the_public_keys_alone() -> None:
    found = manifests.verify(signed(), io.BytesIO(FILE), keys=json.loads(json.dumps(KEYS)))
    assert (found.rows, found.codes, found.skip, found.recipient, found.sealed) == (3, 2, (2,), "Caps & Co 瓶盖", False)


def test_no_byte_of_the_manifest_can_be_another() -> None:
    raw = signed()
    for place in range(len(raw)):
        for flip in (1, 0x20):
            altered = bytearray(raw)
            altered[place] ^= flip
            with pytest.raises((manifests.ManifestMalformed, manifests.ManifestForged, manifests.ManifestKeyUnknown)):
                manifests.read(bytes(altered), KEYS)


def test_no_byte_of_the_file_can_be_another() -> None:
    raw = signed()
    for place in range(len(FILE)):
        altered = bytearray(FILE)
        altered[place] ^= 1
        with pytest.raises(manifests.FileDiffers):
            manifests.verify(raw, io.BytesIO(bytes(altered)), keys=KEYS)
    for other in (FILE[:-1], FILE + b"\n", b""):
        with pytest.raises(manifests.FileDiffers, match="size"):
            manifests.verify(raw, io.BytesIO(other), keys=KEYS)


def test_the_same_json_in_another_form_is_refused() -> None:
    raw = signed()
    for form in (json.dumps(json.loads(raw)).encode(), raw.rstrip(), b" " + raw, raw.replace(b"{", b'{"rows":3,', 1)):
        with pytest.raises(manifests.ManifestMalformed):
            manifests.read(form, KEYS)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format":"onemark-manifest/1"}\n', b"9" * 5000])
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises((manifests.ManifestMalformed, manifests.ManifestKeyUnknown)):
        manifests.read(raw, KEYS)


def test_another_brands_keys_do_not_fit() -> None:
    stranger = SerialCipher(4, EpochKeys.derive(bytes(32)))
    with pytest.raises(manifests.ManifestForged):
        manifests.read(signed(), keys_of("tea", stranger))
    with pytest.raises(manifests.ManifestKeyUnknown):
        manifests.read(signed(), keys_of("rival", CIPHER))
    for broken in ({}, {"keys": 3}, {"keys": [3]}):
        with pytest.raises(manifests.ManifestKeyUnknown):
            manifests.read(signed(), broken)


def test_a_row_count_that_does_not_fit_is_refused() -> None:
    with pytest.raises(manifests.FileDiffers, match="row count"):
        manifests.verify(signed(rows=4), io.BytesIO(FILE), keys=KEYS)


def test_rows_of_two_byte_characters_are_counted_as_characters() -> None:
    file = b"\xff\xfe" + "h\r\n上Ċ\r\n上\r\n上\r\n".encode("utf-16-le")
    assert manifests.verify(signed(file=file, template="unicode"), io.BytesIO(file), keys=KEYS).rows == 3


def test_the_key_set_holds_public_keys_by_epoch() -> None:
    assert [key["kid"] for key in KEYS["keys"]] == ["tea/4/manifest", "tea/4/url", "tea/5/manifest", "tea/5/url"]
    assert all(set(key) == {"kty", "crv", "kid", "use", "alg", "x"} for key in KEYS["keys"])
