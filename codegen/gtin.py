"""GTINs: check digits (GS1 General Specifications section 7.9, modulo 10), normalisation to 14 digits, company prefixes.

Promises: what `normalise` returns has 14 ASCII digits and a right check digit. Refuses: other lengths, other characters and a
wrong check digit, naming the digit that it expected. Pure: no database, no network.
"""

from collections.abc import Iterable
from typing import NewType

from kit.refusals import Invalid

Gtin = NewType("Gtin", str)

GTIN_LENGTH = 14
GTIN_LENGTHS = frozenset({8, 12, 13, 14})
PREFIX_LENGTH_MIN = 3
PREFIX_LENGTH_MAX = 12


class GtinDigits(Invalid):
    code = "gtin_digits"
    says = "A GTIN has digits only; found {found!r} at position {position}."


class GtinLength(Invalid):
    code = "gtin_length"
    says = "A GTIN has 8, 12, 13 or 14 digits; this one has {length}."


class GtinCheckDigit(Invalid):
    code = "gtin_check_digit"
    says = "The check digit of {gtin} is wrong: expected {expected}, found {found}."


class GtinPrefixMalformed(Invalid):
    code = "gtin_prefix_malformed"
    says = "A GTIN prefix has 3 to 12 digits; {prefix!r} has not."


class GtinPrefixForeign(Invalid):
    code = "gtin_prefix_foreign"
    says = "GTIN {gtin} carries none of this brand's prefixes."


def check_digit(payload: str) -> str:
    """The digit that belongs behind `payload` (all digits but the last), for GTIN, SSCC, GLN and GSRN alike."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(payload)))
    return str(-weighted % 10)


def is_digits(text: str) -> bool:
    # str.isdigit alone also accepts superscripts and the digits of other scripts.
    return text.isascii() and text.isdigit()


def normalise(text: str) -> Gtin:
    """`text` (8, 12, 13 or 14 digits) as a GTIN-14, padded with zeros on the left."""
    for position, character in enumerate(text, start=1):
        if not is_digits(character):
            raise GtinDigits(found=character, position=position)
    if len(text) not in GTIN_LENGTHS:
        raise GtinLength(length=len(text))
    expected = check_digit(text[:-1])
    if text[-1] != expected:
        raise GtinCheckDigit(gtin=text, expected=expected, found=text[-1])
    return Gtin(text.zfill(GTIN_LENGTH))


def checked_prefix(text: str) -> str:
    """`text` where it can be a GS1 company prefix (or the front of one); a GS1-8 prefix is written with its five zeros."""
    if not is_digits(text) or not PREFIX_LENGTH_MIN <= len(text) <= PREFIX_LENGTH_MAX:
        raise GtinPrefixMalformed(prefix=text)
    return text


def carries(gtin: Gtin, *, prefix: str) -> bool:
    """A prefix stands behind the indicator digit, whatever level of packaging that digit names."""
    return gtin[1:].startswith(prefix)


def require_prefix(gtin: Gtin, *, prefixes: Iterable[str]) -> None:
    if not any(carries(gtin, prefix=prefix) for prefix in prefixes):
        raise GtinPrefixForeign(gtin=gtin)
