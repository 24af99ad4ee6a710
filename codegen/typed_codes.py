"""Codes as people and devices give them: typed, scanned or pasted; a serial alone, a Digital Link, a short code behind any origin, or the GS1
elements that a reader makes of a DataMatrix.

Forgives what people do to a code by hand (case, I, L, O, spaces, hyphens), and says what it forgave. Refuses what names no serial, in the words
of codegen.digital_link. Pure: whether the code is ours is another question.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from codegen import cipher, digital_link
from codegen.cipher import SERIAL_LENGTH
from codegen.gtin import GTIN_LENGTH, Gtin, check_digit

TEXT_LENGTH_MAX = 2000
_SCHEMES = frozenset({"http", "https"})
# A symbology identifier (ISO/IEC 15424), FNC1 and brackets are what readers put before and between elements.
_ELEMENTS = re.compile(r"(?:\][A-Za-z][0-9])?\x1d?(?:\(01\)|01)([0-9]{14})\x1d?\s*(?:\(21\)|21)([^()\x1d]{1,20})\x1d?")
_TRADE_LENGTHS = frozenset({8, 12, 13, 14})


class Shape(StrEnum):
    SERIAL = "serial"
    DIGITAL_LINK = "digital_link"
    SHORT = "short"
    ELEMENTS = "elements"


class Note(StrEnum):
    """What was forgiven."""

    CASE = "case"
    LOOKALIKES = "lookalikes"  # I, L or O
    SEPARATORS = "separators"
    SCHEME = "scheme"  # no phone opens such an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`typed` is the part of the text that was taken for the serial; `serial` the same in canonical letters, of whatever length."""

    shape: Shape
    typed: str
    serial: str
    gtin: Gtin | None
    scheme: str
    notes: frozenset[Note]


def read(text: str) -> tuple[str, Gtin | None]:
    """(serial in canonical letters, the GTIN of a Digital Link or None) of a URL, a path, GS1 elements or a bare serial."""
    found = closely(text)
    return found.serial, found.gtin


def closely(text: str) -> Reading:
    """The same, with what was made of it."""
    wanted = text.strip()[:TEXT_LENGTH_MAX]
    elements = _ELEMENTS.fullmatch(wanted)
    if elements:
        gtin = digital_link.checked_gtin(elements[1])
        return _reading(Shape.ELEMENTS, elements[2], gtin=gtin)
    if "/" not in wanted:
        return _reading(Shape.SERIAL, wanted)
    try:
        parts = urlsplit(wanted if "//" in wanted or wanted.startswith("/") else f"//{wanted}")
    except ValueError as error:
        raise digital_link.DlSyntax(why=str(error)) from error
    short = digital_link.short_serial(parts.path.upper())
    if short is not None:
        return _reading(Shape.SHORT, parts.path[1:], scheme=parts.scheme)
    address = digital_link.parse(parts.path)
    return _reading(Shape.DIGITAL_LINK, address.serial, gtin=address.gtin, scheme=parts.scheme)


def trade_item(text: str) -> Gtin | None:
    """The GTIN of a plain product barcode: it names a product, and no single item of it."""
    digits = text.strip()
    if len(digits) not in _TRADE_LENGTHS or not (digits.isascii() and digits.isdigit()) or check_digit(digits[:-1]) != digits[-1]:
        return None
    return Gtin(digits.zfill(GTIN_LENGTH))


def foreign_letters(serial: str) -> str:
    """Letters that stand in no serial, each once, in the order in which they come."""
    return "".join(dict.fromkeys(letter for letter in serial if letter not in cipher.ALPHABET))


def missing(serial: str) -> int:
    """How many letters are too few; below 0 too many."""
    return SERIAL_LENGTH - len(serial)


def _reading(shape: Shape, typed: str, *, gtin: Gtin | None = None, scheme: str = "") -> Reading:
    plain = unicodedata.normalize("NFKC", typed)
    upper = plain.upper()
    notes = {
        Note.CASE: plain != upper,
        Note.LOOKALIKES: any(letter in "ILO" for letter in upper),
        Note.SEPARATORS: any(letter in " -" for letter in upper),
        Note.SCHEME: bool(scheme) and scheme not in _SCHEMES,
    }
    return Reading(
        shape=shape,
        typed=typed,
        serial=cipher.normalise(typed),
        gtin=gtin,
        scheme=scheme,
        notes=frozenset(note for note, there in notes.items() if there),
    )
