"""GTINs: check digits, lengths, digits, prefixes; each wrong one gets its own answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import gtin
from codegen.gtin import Gtin, GtinCheckDigit, GtinDigits, GtinLength, GtinPrefixForeign, GtinPrefixMalformed


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("09521234543213", "09521234543213"),
        ("9521234543213", "09521234543213"),
        ("614141123452", "00614141123452"),
        ("95200002", "00000095200002"),
    ],
)
def test_every_length_becomes_fourteen_digits(text: str, normalised: str) -> None:
    assert gtin.normalise(text) == normalised


def test_a_wrong_check_digit_names_the_expected_one() -> None:
    with pytest.raises(GtinCheckDigit) as refused:
        gtin.normalise("09521234543214")
    assert refused.value.code == "gtin_check_digit"
    assert refused.value.data == {"gtin": "09521234543214", "expected": "3", "found": "4"}
    assert "expected 3, found 4" in refused.value.detail


@pytest.mark.parametrize("text", ["", "1", "952123454321", "095212345432130", "9" * 400])
def test_a_wrong_length_is_said_before_anything_about_check_digits(text: str) -> None:
    with pytest.raises((GtinLength, GtinCheckDigit)) as refused:
        gtin.normalise(text)
    assert (refused.value.code == "gtin_length") == (len(text) not in {8, 12, 13, 14})


@pytest.mark.parametrize(
    ("text", "position"), [("0952123454321X", 14), ("O9521234543213", 1), ("0952123454321３", 14), (" 952", 1)]
)
def test_other_characters_are_refused_with_their_place(text: str, position: int) -> None:
    with pytest.raises(GtinDigits) as refused:
        gtin.normalise(text)
    assert refused.value.data["position"] == position


@given(st.text("0123456789", min_size=13, max_size=13), st.integers(0, 13), st.integers(1, 9))
def test_any_one_wrong_digit_is_found(payload: str, place: int, step: int) -> None:
    right = payload + gtin.check_digit(payload)
    assert gtin.normalise(right) == right
    wrong = right[:place] + str((int(right[place]) + step) % 10) + right[place + 1 :]
    with pytest.raises(GtinCheckDigit):
        gtin.normalise(wrong)


def test_a_prefix_stands_behind_the_indicator_digit() -> None:
    assert gtin.carries(Gtin("09521234543213"), prefix="952")
    assert gtin.carries(gtin.normalise("1952123454321" + gtin.check_digit("1952123454321")), prefix="9521234")
    assert not gtin.carries(Gtin("09521234543213"), prefix="0952")


def test_a_gtin_of_another_brand_is_refused() -> None:
    gtin.require_prefix(Gtin("09521234543213"), prefixes=("690", "952"))
    with pytest.raises(GtinPrefixForeign) as refused:
        gtin.require_prefix(Gtin("09521234543213"), prefixes=("690",))
    assert refused.value.code == "gtin_prefix_foreign"


@pytest.mark.parametrize("prefix", ["", "95", "9521234567890", "95a", "９５２"])
def test_a_prefix_has_three_to_twelve_digits(prefix: str) -> None:
    with pytest.raises(GtinPrefixMalformed):
        gtin.checked_prefix(prefix)
