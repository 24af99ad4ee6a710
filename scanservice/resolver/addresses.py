"""What a Digital Link names, read as the standard wants it: the whole syntax, any stem, one trailing slash forgiven.

Promises: `is_digital_link` sorts addresses out from those of pages; `read` gives GTIN, lot and serial, decoded. Refuses with 400 and the part
at fault whatever the syntax forbids (`codegen.gs1.gs1_links`), and compressed links, which this resolver does not unpack; with 404 whatever
is named by another key than a GTIN, or numbered by somebody else (AI 235). Pure.
"""

import base64
import re
from typing import ClassVar, Final, NamedTuple

from codegen.gs1 import gs1_links
from codegen.gs1.link_refusals import DlSyntax
from codegen.gtin import check_digit
from kit.refusals import Malformed, NotFound

AI_GTIN: Final = "01"
_OTHERS_NUMBER: Final = "235"
# Of the whole address; the edge bounds the query by itself.
_HOST: Final = "https://id.example"
_KEYS: Final = b"00|01|253|255|401|402|414|415|417|8003|8004|8006|8010|8013|8017|8018"
_NAMES_SOMETHING: Final = re.compile(rb"/(?:%b)/[^/]|(?:/[^/]+)+/01/[0-9]{14}(?:/|$)" % _KEYS)
# A parameter whose name is a number means an AI.
HAS_ATTRIBUTES: Final = re.compile(rb"(?:^|&)[0-9]+=")
# GS1's compression writes AI 01 as the byte 01 and the GTIN as a number of 47 bits, so that the text begins like this.
_COMPRESSED: Final = re.compile(rb"/(A[Q-Za-f][A-Za-z0-9_-]{8,})/?")
_TAIL: Final = re.compile(r"(?:/[^/]+)*/01/[0-9]{14}/[A-Za-z0-9_-]{3,}")
_AI_BITS: Final = 8
_GTIN_BITS: Final = 47
_GTIN_DIGITS: Final = 14


class LinkCompressed(Malformed):
    code: ClassVar[str] = "dl_compressed"
    says: ClassVar[str] = "This is a compressed Digital Link. This resolver reads uncompressed ones alone."


class KeyNotServed(NotFound):
    code: ClassVar[str] = "key_not_served"
    says: ClassVar[str] = "Nothing is known here of things named by AI {ai}: this resolver answers for products, AI 01."


class CodeNotIssued(NotFound):
    code: ClassVar[str] = "code_not_issued"
    says: ClassVar[str] = "No such code was issued."


class Named(NamedTuple):
    """A product, or a lot of it, or an item of it. A short code names no GTIN."""

    gtin: str
    serial: str = ""
    lot: str = ""


def is_digital_link(path: bytes) -> bool:
    """Said of raw paths that do not begin with /01/."""
    return _NAMES_SOMETHING.match(path) is not None or is_compressed(path)


def is_compressed(path: bytes) -> bool:
    """Whether the path is one word that unpacks to a right GTIN; one word in ten of this form does by chance, and none of our pages has it."""
    found = _COMPRESSED.fullmatch(path)
    if found is None:
        return False
    text = found[1]
    bits = int.from_bytes(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)), "big")
    length = 8 * (len(text) * 6 // 8)
    gtin = str((bits >> (length - _AI_BITS - _GTIN_BITS)) & ((1 << _GTIN_BITS) - 1)).zfill(_GTIN_DIGITS)
    return len(gtin) == _GTIN_DIGITS and check_digit(gtin[:-1]) == gtin[-1]


def read(path: str, query: str) -> Named:
    """`path` raw, with at most the one trailing slash that the standard forgives."""
    if is_compressed(path.encode("latin-1")):
        raise LinkCompressed
    path = path.removesuffix("/")
    try:
        link = gs1_links.parse(f"{_HOST}{path}?{query}" if query else _HOST + path)
    except Malformed as fault:
        if _TAIL.fullmatch(path) and not path.rpartition("/")[2].isdigit():
            raise LinkCompressed from fault
        raise
    if link.key.ai != AI_GTIN:
        raise KeyNotServed(ai=link.key.ai)
    if link.value(_OTHERS_NUMBER) is not None:
        raise CodeNotIssued
    values = {element.ai: element.value for element in link.path}
    return Named(gtin=link.key.value, serial=values.get("21", ""), lot=values.get("10", ""))


__all__ = ["CodeNotIssued", "DlSyntax", "KeyNotServed", "LinkCompressed", "Named", "is_digital_link", "read"]
