"""Signed addresses: what the brand signed is recognised without it, whatever else is refused with its exact reason."""

import csv
import io
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import url_signatures
from codegen.addresses import Addresses
from codegen.cipher import EpochKeys, SerialCipher
from codegen.code_lists import listing
from codegen.gtin import Gtin
from codegen.keys import public_keys
from codegen.keys.keyring import Epoch
from codegen.kinds import Profile
from codegen.proofs import Proofs
from codegen.url_signatures import (
    KeySetMalformed,
    SignatureEpochRevoked,
    SignatureEpochUnknown,
    SignatureMalformed,
    SignatureWrong,
    UrlUnreadable,
    UrlUnsigned,
)
from kit.refusals import Refusal
from tests.codegen.conftest import GTIN
from tests.codegen.test_listing import CIPHER, ORIGIN, an_order, ignore

RIVAL = SerialCipher(3, EpochKeys.derive(bytes(32)))


def key_set(slug: str = "tea", cipher: SerialCipher = CIPHER, *, state: str = "open", **more: Any) -> dict[str, Any]:
    epoch = Epoch(number=cipher.epoch, state=state, next_counter=0, cipher=cipher)
    return {**public_keys.key_set(slug, [epoch]), **more}


def signed(counter: int = 5_000, *, profile: Profile = Profile.GS1, cipher: SerialCipher = CIPHER) -> str:
    addresses = Addresses.of(origin=ORIGIN, gtin=Gtin(GTIN), profile=profile, signer=url_signatures.signer(cipher))
    return addresses.of_serial(cipher.serial_of(counter))


@pytest.mark.parametrize("profile", Profile)
def test_what_the_brand_signed_is_right_however_a_browser_writes_it(profile: Profile) -> None:
    url = signed(profile=profile)
    found = url_signatures.verify(url, key_set())
    assert (found.brand, found.epoch, found.serial) == ("tea", 3, CIPHER.serial_of(5_000))
    assert found.gtin == (GTIN if profile is Profile.GS1 else None)
    printed, _, query = url.partition("?")
    head, _, path = printed.removeprefix("HTTPS://").partition("/")
    for written in (
        f"https://{head.lower()}/{path}?{query}",
        f"{printed.lower()}?{query}",
        f"  {url}\n",
        f"{printed}?linkType=all&{query}#top",
    ):
        assert url_signatures.verify(written, key_set()) == found


@given(place=st.integers(min_value=0), letter=st.sampled_from(string.ascii_letters + string.digits + "/-_.:"))
def test_no_character_can_be_another(place: int, letter: str) -> None:
    url = signed()
    place %= len(url)
    altered = url[:place] + letter + url[place + 1 :]
    printed, _, query = altered.partition("?")
    if (printed.upper(), query) == tuple(url.split("?")):
        return
    with pytest.raises(Refusal):
        url_signatures.verify(altered, key_set())


def test_each_fault_has_its_own_name() -> None:
    url = signed()
    printed, _, signature = url.partition("?s=")
    other = signed(5_001)
    faults: list[tuple[str, type[Refusal]]] = [
        (printed, UrlUnsigned),
        (f"{printed}?s=", SignatureMalformed),
        (f"{url}&s={signature}", SignatureMalformed),
        (f"{printed}?s={signature[:-1]}", SignatureMalformed),
        (f"{printed}?s={signature[:-1]}{chr(ord(signature[-1]) + 1)}", SignatureMalformed),
        (f"{printed}?s={'A' * 86}", SignatureWrong),
        (f"{printed}?s={other.partition('?s=')[2]}", SignatureWrong),
        (url.replace("ID.EXAMPLE", "ID.EXAMPLE.TEST"), SignatureWrong),
        (url.replace("HTTPS", "HTTP"), SignatureWrong),
        (url.replace(GTIN, "09521111111115"), SignatureWrong),
        (url.replace("HTTPS", "FTP"), UrlUnreadable),
        ("", UrlUnreadable),
        ("https://id.example/" + "A" * 3000, UrlUnreadable),
        (f"HTTPS://ID.EXAMPLE/01/{GTIN}/21/LEMON?s={signature}", UrlUnreadable),
        (signed(cipher=SerialCipher(4, EpochKeys.derive(bytes(range(32))))), SignatureEpochUnknown),
        (signed(cipher=RIVAL), SignatureWrong),
    ]
    for text, refused in faults:
        with pytest.raises(refused):
            url_signatures.verify(text, key_set())
    with pytest.raises(SignatureEpochRevoked):
        url_signatures.verify(url, key_set(state="revoked"))
    for broken in ({}, {"format": "x"}, key_set(epochs=[{"epoch": 3}]), key_set(brand=7), key_set(keys=[])):
        with pytest.raises(KeySetMalformed):
            url_signatures.verify(url, broken)


def test_a_revoked_epoch_leaves_no_key_behind_for_readers_that_know_no_states() -> None:
    assert key_set(state="revoked")["keys"] == []
    assert key_set(state="closed")["keys"] == key_set()["keys"]


def test_the_keys_of_one_brand_never_vouch_for_anothers_codes_nor_manifests_for_addresses() -> None:
    ours, theirs = signed(), signed(cipher=RIVAL)
    for url, keys in ((ours, key_set("rival", RIVAL)), (theirs, key_set())):
        with pytest.raises(SignatureWrong):
            url_signatures.verify(url, keys)
    kids = {key["kid"]: key["x"] for key in key_set()["keys"]}
    assert kids["tea/3/url"] != kids["tea/3/manifest"]
    crossed = [{**key, "kid": "tea/3/url"} for key in key_set()["keys"] if key["kid"] == "tea/3/manifest"]
    with pytest.raises(SignatureWrong):
        url_signatures.verify(ours, key_set(keys=crossed))


def test_a_list_of_a_signed_order_carries_the_signature_of_each_row() -> None:
    order = an_order(quantity=40_000, proofs=Proofs(signed=True))
    out = io.BytesIO()
    listing.write(order, CIPHER, origin=ORIGIN, out=out, progress=ignore, first=32_700, last=32_900)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode())))
    assert len(rows) == 201
    for row in (rows[0], rows[68], rows[200]):
        assert url_signatures.verify(row["url"], key_set()).serial == row["serial"]
    layout = listing.Layout.of(order, CIPHER, origin=ORIGIN)
    assert len(out.getvalue()) == layout.bytes_of(201, first=32_700)
