"""GS1 Digital Link URIs of our items (URI syntax 1.6.0): reading paths, writing what is printed.

Promises: `parse` finds GTIN and serial behind any stem, the rightmost key winning, and gives decoded values; `build` writes one form only,
upper case throughout, so that a QR symbol stays in alphanumeric mode. Refuses, with status 400 and the name of the part at fault,
everything that the syntax forbids. Pure: no database, no network.

This is the reader of the scan path, small and quick; `gs1_links` reads and writes every other Digital Link.

Paths are taken raw, still percent-encoded: an encoded slash belongs to a value and must not split it.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from codegen import cipher
from codegen.gs1.link_refusals import (
    DlCharacter,
    DlCheckDigit,
    DlDuplicateAi,
    DlKeyMissing,
    DlKeyUnsupported,
    DlPercentEncoding,
    DlQualifierOrder,
    DlSerialMissing,
    DlSyntax,
    DlUnknownAi,
    DlValueMissing,
    DlValueTooLong,
    DlValueTooShort,
)
from codegen.gtin import GTIN_LENGTH, Gtin, check_digit, is_digits
from codegen.kinds import Profile

__all__ = ["CodeAddress", "DlSyntax", "build", "checked_gtin", "parse", "prefix", "short_serial"]

AI_GTIN = "01"
AI_CPV = "22"
AI_LOT = "10"
AI_SERIAL = "21"
QUALIFIERS = (AI_CPV, AI_LOT, AI_SERIAL)  # in the order that the syntax asks for
VALUE_LENGTH_MAX = 20
PATH_LENGTH_MAX = 1024

# Primary keys of other things than trade items: known, so that the refusal can say more than "unknown".
_OTHER_KEYS = frozenset({"00", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8013", "8017", "8018"})
_CSET_82 = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
# What is printed, and so nearly all that is scanned: no stem, no other qualifier, nothing encoded. Everything else takes the long way.
_PLAIN = re.compile(r"/01/([0-9]{14})/21/([0-9A-Za-z]{1,20})")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ORIGIN = re.compile(r"HTTPS?://[^/?#\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAddress:
    """What a path of one item says, decoded. The serial is compared as it stands: upper and lower case are two serials."""

    gtin: Gtin
    serial: str
    lot: str | None = None
    cpv: str | None = None


def parse(path: str) -> CodeAddress:
    """The item that a raw path names: `/01/{gtin}[/22/{cpv}][/10/{lot}]/21/{serial}` behind any stem."""
    plain = _PLAIN.fullmatch(path)
    if plain and _is_right(plain[1]):
        return CodeAddress(gtin=Gtin(plain[1]), serial=plain[2])
    values = _values(_segments(path))
    gtin = checked_gtin(values[AI_GTIN])
    for ai in QUALIFIERS:
        if ai in values:
            _check_qualifier(ai, values[ai])
    if AI_SERIAL not in values:
        raise DlSerialMissing
    return CodeAddress(gtin=gtin, serial=values[AI_SERIAL], lot=values.get(AI_LOT), cpv=values.get(AI_CPV))


def short_serial(path: str) -> str | None:
    """The serial of a `short` path (`/{SERIAL}`), or None where the path has another shape. Says nothing of who made it."""
    serial = path.removeprefix("/")
    return serial if len(path) == cipher.SERIAL_LENGTH + 1 and cipher.epoch_of(serial) is not None else None


def build(origin: str, gtin: Gtin, serial: str, profile: Profile) -> str:
    """The URI that is printed. `origin` is scheme and host, without a path; all of it is written in upper case."""
    return prefix(origin, gtin, profile) + serial


def prefix(origin: str, gtin: Gtin, profile: Profile) -> str:
    """Everything of a printed URI before the serial: the same for all codes of an order."""
    upper = origin.upper().rstrip("/")
    if not _ORIGIN.fullmatch(upper):
        raise ValueError(f"an origin is scheme and host, not {origin!r}")
    return f"{upper}/{AI_GTIN}/{gtin}/{AI_SERIAL}/" if profile is Profile.GS1 else f"{upper}/"


def _is_right(gtin: str) -> bool:
    """The check digit belongs: digits in odd places, from the left of 14, weigh three (General Specifications section 7.9.1)."""
    return (3 * sum(map(int, gtin[::2])) + sum(map(int, gtin[1::2]))) % 10 == 0


def _segments(path: str) -> list[str]:
    if len(path) > PATH_LENGTH_MAX:
        raise DlSyntax(why=f"longer than {PATH_LENGTH_MAX} characters")
    if not path.startswith("/"):
        raise DlSyntax(why="it does not start with a slash")
    if path.endswith("/"):
        raise DlSyntax(why="it ends with a slash")
    return [_decoded(segment) for segment in path[1:].split("/")]


def _decoded(segment: str) -> str:
    if "%" not in segment:
        return segment
    try:
        return _checked_percent(segment).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DlPercentEncoding(part=segment) from error


def _checked_percent(segment: str) -> bytes:
    if _BROKEN_PERCENT.search(segment):
        raise DlPercentEncoding(part=segment)
    return unquote_to_bytes(segment)


def _values(segments: list[str]) -> dict[str, str]:
    """AI -> value, read in pairs from the right until a primary key: what stands before it is the stem."""
    found: dict[str, str] = {}
    position = len(segments)
    while position >= 2:  # noqa: PLR2004 - a pair
        ai, value = segments[position - 2], segments[position - 1]
        if ai == AI_GTIN:
            found[ai] = value
            return found
        if ai in _OTHER_KEYS and not found:
            raise DlKeyUnsupported(ai=ai)
        _check_place(ai, found, last=segments[-1])
        found[ai] = value
        position -= 2
    raise DlValueMissing(ai=segments[-1]) if segments[-1] in (AI_GTIN, *QUALIFIERS) else DlKeyMissing()


def _check_place(ai: str, found: dict[str, str], *, last: str) -> None:
    if ai not in QUALIFIERS:
        if not found and last in (AI_GTIN, *QUALIFIERS):
            raise DlValueMissing(ai=last)
        raise DlUnknownAi(ai=ai)
    if ai in found:
        raise DlDuplicateAi(ai=ai)
    # Read from the right, each qualifier must come earlier in the order than those already seen.
    misplaced = [later for later in found if QUALIFIERS.index(later) < QUALIFIERS.index(ai)]
    if misplaced:
        raise DlQualifierOrder(ai=misplaced[-1], after=ai)


def checked_gtin(value: str) -> Gtin:
    if not value:
        raise DlValueMissing(ai=AI_GTIN)
    for position, character in enumerate(value, start=1):
        if not is_digits(character):
            raise DlCharacter(ai=AI_GTIN, position=position)
    if len(value) < GTIN_LENGTH:
        raise DlValueTooShort(ai=AI_GTIN, length=len(value), length_min=GTIN_LENGTH)
    if len(value) > GTIN_LENGTH:
        raise DlValueTooLong(ai=AI_GTIN, length=len(value), length_max=GTIN_LENGTH)
    expected = check_digit(value[:-1])
    if value[-1] != expected:
        raise DlCheckDigit(ai=AI_GTIN, expected=expected, found=value[-1])
    return Gtin(value)


def _check_qualifier(ai: str, value: str) -> None:
    if not value:
        raise DlValueMissing(ai=ai)
    if len(value) > VALUE_LENGTH_MAX:
        raise DlValueTooLong(ai=ai, length=len(value), length_max=VALUE_LENGTH_MAX)
    for position, character in enumerate(value, start=1):
        if character not in _CSET_82:
            raise DlCharacter(ai=ai, position=position)
