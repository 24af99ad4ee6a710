"""What the content of a value must satisfy beyond its characters: check digits, dates, times and a few closed lists.

Each check is given the AI (to name it) and the stretch of the value that it is about, whose length and characters are right already.
Promises: a check returns, or raises a refusal of `link_refusals`. Pure: no clock; the century of a two-digit year only decides leap years,
and every fourth year in reach is one but 2100.
"""

import calendar
from collections.abc import Callable, Mapping

from codegen.gs1.link_refusals import DlCharacter, DlCheckCharacters, DlCheckDigit, DlContent, DlDate, DlValueTooShort
from codegen.gtin import check_digit

Check = Callable[[str, str], None]

COMPANY_PREFIX_MIN = 4  # the shortest GS1 company prefix
_CENTURY = 2000  # of the window of 50 years around today, whatever the day until 2050
_MONTHS = 12
_HOURS = 24
_SIXTY = 60
# General Specifications section 7.9.5: prime weights from right to left, modulo 1021, two characters of a 32-letter alphabet.
_PAIR_LENGTH = 2
_PADDING_MAX = 2
_PAIR_MODULUS = 1021
_PAIR_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PAIR_VALUES = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def check_pair(payload: str) -> str:
    """The two check characters behind a global model number (AI 8013) without them."""
    total = sum(_PAIR_VALUES.index(character) * prime for character, prime in zip(reversed(payload), _PRIMES, strict=False))
    total %= _PAIR_MODULUS
    return _PAIR_ALPHABET[total >> 5] + _PAIR_ALPHABET[total & 31]


def _mod10(ai: str, text: str) -> None:
    expected = check_digit(text[:-1])
    if text[-1] != expected:
        raise DlCheckDigit(ai=ai, expected=expected, found=text[-1])


def _company(ai: str, text: str) -> None:
    if len(text) < COMPANY_PREFIX_MIN:
        raise DlValueTooShort(ai=ai, length=len(text), length_min=COMPANY_PREFIX_MIN)
    for position, character in enumerate(text[:COMPANY_PREFIX_MIN], start=1):
        if not character.isdigit():
            raise DlCharacter(ai=ai, position=position)


def _pair(ai: str, text: str) -> None:
    _company(ai, text)
    expected = check_pair(text[:-_PAIR_LENGTH])
    if text[-_PAIR_LENGTH:] != expected:
        raise DlCheckCharacters(ai=ai, expected=expected, found=text[-_PAIR_LENGTH:])


def _pair_mixed(ai: str, text: str) -> None:
    _pair(ai, text)
    _listed("a value with a character that is no digit", lambda value: not value.isdigit())(ai, text)


def _date0(ai: str, text: str) -> None:
    """YYMMDD where day 00 leaves the day open."""
    _day(ai, text, year=_CENTURY + int(text[:2]), month=int(text[2:4]), day=int(text[4:]) or 1)


def _date(ai: str, text: str) -> None:
    _day(ai, text, year=_CENTURY + int(text[:2]), month=int(text[2:4]), day=int(text[4:]))


def _long_date(ai: str, text: str) -> None:
    _day(ai, text, year=int(text[:4]), month=int(text[4:6]), day=int(text[6:]))


def _day(ai: str, text: str, *, year: int, month: int, day: int) -> None:
    if not 1 <= month <= _MONTHS or not 1 <= day <= calendar.monthrange(max(year, 1), month)[1]:
        raise DlDate(ai=ai, value=text)


def _listed(wanted: str, allowed: Callable[[str], bool]) -> Check:
    def check(ai: str, text: str) -> None:
        if not allowed(text):
            raise DlContent(ai=ai, value=text, wanted=wanted)

    return check


def _is_base64(text: str) -> bool:
    """Padding stands at the end, at most two of it, and only where the whole is a multiple of three: GS1's rule for CSET 64."""
    bare = text.rstrip("=")
    padding = len(text) - len(bare)
    return "=" not in bare and padding <= _PADDING_MAX and (not padding or len(text) % 3 == 0)


def _is_birth_order(text: str) -> bool:
    place, slash, total = text.partition("/")
    return bool(slash) and place.isdigit() and total.isdigit() and 1 <= int(place) <= int(total)


CHECKS: Mapping[str, Check] = {
    "mod10": _mod10,
    "pair": _pair,
    "pair_mixed": _pair_mixed,
    "company": _company,
    "date0": _date0,
    "date": _date,
    "long_date": _long_date,
    "time": _listed("a time of day, HHMM", lambda text: int(text[:2]) < _HOURS and int(text[2:]) < _SIXTY),
    "hour": _listed("an hour from 00 to 23", lambda text: int(text) < _HOURS),
    "sixty": _listed("a number from 00 to 59", lambda text: int(text) < _SIXTY),
    "zero": _listed("0", lambda text: text == "0"),
    "some": _listed("more than zero", lambda text: int(text) > 0),
    "no_zero": _listed("a number without a zero in front", lambda text: not text.startswith("0")),
    "piece": _listed("a piece number and the total of pieces", lambda text: 1 <= int(text[:2]) <= int(text[2:])),
    "yes_no": _listed("0 or 1", lambda text: text in "01"),
    "minus": _listed("a minus sign", lambda text: text == "-"),
    "winding": _listed("0, 1 or 9", lambda text: text in "019"),
    "sex": _listed("0, 1, 2 or 9 (ISO/IEC 5218)", lambda text: text in "0129"),
    "importer": _listed("a letter, a digit, - or _", lambda text: text.isalnum() or text in "-_"),
    "letters": _listed("two capital letters", lambda text: text.isalpha() and text.isupper()),
    "base64": _listed("base64url", _is_base64),
    "birth_order": _listed("a place and a total, such as 1/2", _is_birth_order),
}
