"""Entries of the scan log: what the edge packs is what the ingester reads, and older edges' entries too."""

from uuid import UUID

import msgspec
import pytest

from scanservice.hot import log
from scanservice.hot.log import EntryMalformed, Known, Sighting, Visit
from scanservice.verdicts import Reason, Role, Signature, Standing

SCAN_ID = UUID("0193a7b0-c0de-7abc-8123-456789abcdef")
ORDER_ID = UUID("0193a7b0-c0de-7abc-8000-000000000001")
AT_MS = 1_764_288_000_000

SIGHTED = Sighting(
    SCAN_ID,
    AT_MS,
    123_456,
    "",
    Known(7, Standing.RECALLED, "crack in the cap", "06901234567892", "LOT-7", 0, ORDER_ID, 60, 10),
    Visit(
        True,
        b"visitor8",
        b"net\x00\x01",
        bytes((203, 0, 113, 9)),
        "wechat",
        "zh-CN",
        Role.SHOP,
        31.2,
        121.5,
        25.0,
        Signature.RIGHT,
        (Reason("reported_late_s", 90),),
        bytes(range(16)),
    ),
)
NOBODYS = Sighting(
    SCAN_ID,
    AT_MS,
    None,
    "0123456789ABCDEFGHJK",
    Known(7, Standing.BAD_SERIAL, "", "", ""),
    Visit(False, b"visitor8", b"net\x00\x01", b""),
)
# The same two as an edge of 0.1 wrote them.
FLAT = {
    SIGHTED: "dc001ac4100193a7b0c0de7abc8123456789abcdef07cf0000019ac7c27000c3c40876697369746f7238c4056e65740001c404cb007109a8726563616c6c6564"
    "ae3036393031323334353637383932a54c4f542d3700ce0001e240c4100193a7b0c0de7abc8000000000000001a6776563686174a57a682d434ecb403f33333333"
    "3333cb405e600000000000cb4039000000000000a0b0637261636b20696e2074686520636170a473686f703c0aa572696768749192af7265706f727465645f6c61"
    "74655f735ac410000102030405060708090a0b0c0d0e0f",
    NOBODYS: "dc001ac4100193a7b0c0de7abc8123456789abcdef07cf0000019ac7c27000c2c40876697369746f7238c4056e65740001c400aa6261645f73657269616ca0a0"
    "c0c0c0a0a0c0c0c0b43031323334353637383941424344454647484a4ba0a8636f6e73756d65723200a090c400",
}


def packed(sighting: Sighting) -> bytes:
    return log.encode(
        sighting.scan_id,
        sighting.at_ms,
        counter=sighting.counter,
        serial=sighting.serial,
        known=log.pack(sighting.known),
        visit=log.pack(sighting.visit),
    )


@pytest.mark.parametrize("sighting", [SIGHTED, NOBODYS])
def test_an_entry_packed_from_parts_is_read_whole(sighting: Sighting) -> None:
    assert log.decode(packed(sighting)) == sighting


@pytest.mark.parametrize(("sighting", "flat"), FLAT.items())
def test_entries_of_an_older_edge_are_read_alike(sighting: Sighting, flat: str) -> None:
    assert log.decode(bytes.fromhex(flat)) == sighting


def test_a_member_that_a_newer_edge_has_added_is_no_reason_to_refuse() -> None:
    head, *rest = msgspec.msgpack.decode(packed(NOBODYS))
    assert log.decode(msgspec.msgpack.encode([head, *rest, "news"])) == NOBODYS


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (b"", "truncated"),
        (b"\xc0", "array"),
        (packed(SIGHTED)[:-1], "truncated"),
        (packed(SIGHTED) + b"\x00", "trailing"),
        (packed(msgspec.structs.replace(SIGHTED, counter=None)), "epoch and counter belong together"),
        (packed(msgspec.structs.replace(NOBODYS, serial="a\0b")), "a text with a NUL"),
        (
            packed(msgspec.structs.replace(NOBODYS, visit=msgspec.structs.replace(NOBODYS.visit, trace=b"x"))),
            "a trace of 1 bytes",
        ),
        (bytes.fromhex(FLAT[SIGHTED])[:-1], "."),
    ],
)
def test_what_no_edge_writes_is_refused_with_what_is_wrong(entry: bytes, why: str) -> None:
    with pytest.raises(EntryMalformed, match=why):
        log.decode(entry)
