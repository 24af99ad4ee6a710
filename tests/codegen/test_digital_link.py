"""Digital Link paths of items: what is read, what is refused and by which name, what is printed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import digital_link
from codegen.digital_link import CodeAddress
from codegen.gtin import Gtin
from codegen.kinds import Profile
from kit.refusals import Malformed

GTIN = Gtin("09521234543213")
SERIAL = "0816MZTTBH7PFP77PTNS"


def test_the_plain_form_names_gtin_and_serial() -> None:
    assert digital_link.parse(f"/01/{GTIN}/21/{SERIAL}") == CodeAddress(gtin=GTIN, serial=SERIAL)


def test_qualifiers_come_in_their_order() -> None:
    assert digital_link.parse(f"/01/{GTIN}/22/2A/10/L1/21/{SERIAL}") == CodeAddress(gtin=GTIN, serial=SERIAL, lot="L1", cpv="2A")


@pytest.mark.parametrize("stem", ["/a", "/a/b", "/21", "/00/952", "/01/09521234543213/21/X"])
def test_any_stem_is_passed_over_and_the_rightmost_key_wins(stem: str) -> None:
    assert digital_link.parse(f"{stem}/01/{GTIN}/21/{SERIAL}") == CodeAddress(gtin=GTIN, serial=SERIAL)


def test_values_are_decoded_and_an_encoded_slash_does_not_split_them() -> None:
    assert digital_link.parse(f"/01/{GTIN}/10/A%2fB%2B/21/x+1").lot == "A/B+"
    assert digital_link.parse(f"/01/{GTIN}/21/x+1").serial == "x+1"


def test_case_is_kept() -> None:
    assert digital_link.parse(f"/01/{GTIN}/21/a7k2").serial == "a7k2"


@pytest.mark.parametrize(
    ("path", "code", "data"),
    [
        (f"/01/09521234543214/21/{SERIAL}", "dl_check_digit", {"ai": "01", "expected": "3", "found": "4"}),
        (f"/01/9521234543213/21/{SERIAL}", "dl_value_too_short", {"ai": "01", "length": 13, "length_min": 14}),
        (f"/01/009521234543213/21/{SERIAL}", "dl_value_too_long", {"ai": "01", "length": 15, "length_max": 14}),
        (f"/01/0952123454321X/21/{SERIAL}", "dl_character", {"ai": "01", "position": 14}),
        (f"/01//21/{SERIAL}", "dl_value_missing", {"ai": "01"}),
        (f"/01/{GTIN}", "dl_serial_missing", {}),
        (f"/01/{GTIN}/10/L1", "dl_serial_missing", {}),
        (f"/01/{GTIN}/21", "dl_value_missing", {"ai": "21"}),
        ("/01", "dl_value_missing", {"ai": "01"}),
        (f"/01/{GTIN}/21/{SERIAL}/", "dl_syntax", {"why": "it ends with a slash"}),
        (f"/01/{GTIN}/10//21/{SERIAL}", "dl_value_missing", {"ai": "10"}),
        (f"/01/{GTIN}/21/{SERIAL}/10/L1", "dl_qualifier_order", {"ai": "10", "after": "21"}),
        (f"/01/{GTIN}/10/L1/22/2A/21/{SERIAL}", "dl_qualifier_order", {"ai": "22", "after": "10"}),
        (f"/01/{GTIN}/10/L1/10/L2/21/{SERIAL}", "dl_duplicate_ai", {"ai": "10"}),
        (f"/01/{GTIN}/17/261122/21/{SERIAL}", "dl_unknown_ai", {"ai": "17"}),
        (f"/gtin/{GTIN}/ser/{SERIAL}", "dl_unknown_ai", {"ai": "ser"}),
        (f"/01/{GTIN}/21/{SERIAL}X", "dl_value_too_long", {"ai": "21", "length": 21, "length_max": 20}),
        (f"/01/{GTIN}/21/A%00", "dl_character", {"ai": "21", "position": 2}),
        (f"/01/{GTIN}/21/A%20B", "dl_character", {"ai": "21", "position": 2}),
        (f"/01/{GTIN}/21/%E8%8C%B6", "dl_character", {"ai": "21", "position": 1}),
        (f"/01/{GTIN}/21/A%2", "dl_percent_encoding", {"part": "A%2"}),
        (f"/01/{GTIN}/21/A%FF", "dl_percent_encoding", {"part": "A%FF"}),
        ("/00/009521234512345675", "dl_key_unsupported", {"ai": "00"}),
        ("", "dl_syntax", {"why": "it does not start with a slash"}),
        ("/" + "a/" * 600 + "b", "dl_syntax", {"why": "longer than 1024 characters"}),
    ],
)
def test_each_fault_has_its_name_and_names_its_part(path: str, code: str, data: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        digital_link.parse(path)
    assert (refused.value.code, refused.value.status, refused.value.data) == (code, 400, data)


def test_a_path_without_any_key_says_so() -> None:
    with pytest.raises(Malformed) as refused:
        digital_link.parse("/favicon.ico")
    assert refused.value.code == "dl_key_missing"


@given(st.text(max_size=60))
def test_no_path_breaks_the_reader(text: str) -> None:
    # Any other exception than a refusal would end the test.
    with suppress(Malformed):
        assert len(digital_link.parse("/" + text).gtin) == 14


def test_what_is_printed_is_upper_case() -> None:
    origin = "https://id.example.com"
    assert digital_link.build(origin, GTIN, SERIAL, Profile.GS1) == f"HTTPS://ID.EXAMPLE.COM/01/{GTIN}/21/{SERIAL}"
    assert digital_link.build(origin, GTIN, SERIAL, Profile.SHORT) == f"HTTPS://ID.EXAMPLE.COM/{SERIAL}"


def test_what_is_printed_is_read_back() -> None:
    printed = digital_link.build("http://127.0.0.1:8000", GTIN, SERIAL, Profile.GS1)
    assert digital_link.parse(printed.removeprefix("HTTP://127.0.0.1:8000")).serial == SERIAL


def test_an_origin_with_a_path_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="scheme and host"):
        digital_link.build("https://id.example.com/q", GTIN, SERIAL, Profile.GS1)


@pytest.mark.parametrize(
    ("path", "serial"),
    [
        (f"/{SERIAL}", SERIAL),
        (f"/{SERIAL}X", None),
        (f"/{SERIAL.lower()}", None),
        (f"{SERIAL}A", None),
        ("/" + "Z" * 20, None),
        ("/static/site.css.1234", None),
    ],
)
def test_a_short_path_is_one_serial(path: str, serial: str | None) -> None:
    assert digital_link.short_serial(path) == serial
