"""EPC URNs and their Digital Link twins, both ways (EPC Tag Data Standard, pure identity URIs).

Promises: `link_of` needs no table and gives a checked link; `urn_of` needs the length of the company prefix, which a key does not tell;
`link_of(urn_of(link))` is the constrained canonical form of the link. Refuses by `link_refusals`, naming the part of the URN, from 1.
Pure: no database, no network.

A URN is `urn:epc:id:SCHEME:COMPANY.REFERENCE[.MORE]`. In most keys the first digit stands before the company prefix in the key and behind it,
as the first digit of the reference, in the URN.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from codegen.gs1 import gs1_links
from codegen.gs1.gs1_links import CANONICAL_STEM, Element, Gs1Link
from codegen.gs1.link_refusals import UrnNoTwin, UrnPart, UrnScheme, UrnSyntax
from codegen.gtin import check_digit, is_digits

COMPANY_PREFIX_LENGTH_MIN = 4
COMPANY_PREFIX_LENGTH_MAX = 12
URN_LENGTH_MAX = 300
AI_ITIP = "8006"
AI_EXTENSION = "254"
NO_EXTENSION = "0"  # of a GLN: the location as a whole

_URN = re.compile(r"urn:epc:(id|class|idpat):([a-z]+):(.+)")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Tag Data Standard table "characters permitted in serial numbers": these alone are written encoded.
_ESCAPED = {character: f"%{ord(character):02X}" for character in '"%&/<>?#'}
_ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a scheme cuts a key: `digits` of company prefix and reference together (None: any length, no check digit)."""

    head: str
    key: str
    digits: int | None
    indicator: bool = False  # the reference begins with the digit that begins the key
    prefix: str = ""  # stands before it all in the key
    more: tuple[str, ...] = ()  # AIs of the parts behind the reference
    in_key: bool = False  # the part behind the reference is the tail of the key's value


_SHAPES: Mapping[str, _Shape] = {
    "sgtin": _Shape(head="id", key="01", digits=13, indicator=True, more=("21",)),
    "upui": _Shape(head="id", key="01", digits=13, indicator=True, more=("235",)),
    "lgtin": _Shape(head="class", key="01", digits=13, indicator=True, more=("10",)),
    "sscc": _Shape(head="id", key="00", digits=17, indicator=True),
    "sgln": _Shape(head="id", key="414", digits=12, more=(AI_EXTENSION,)),
    "pgln": _Shape(head="id", key="417", digits=12),
    "grai": _Shape(head="id", key="8003", digits=12, prefix="0", in_key=True),
    "gdti": _Shape(head="id", key="253", digits=12, in_key=True),
    "sgcn": _Shape(head="id", key="255", digits=12, in_key=True),
    "giai": _Shape(head="id", key="8004", digits=None),
    "cpi": _Shape(head="id", key="8010", digits=None, more=("8011",)),
    "gsrn": _Shape(head="id", key="8018", digits=17),
    "gsrnp": _Shape(head="id", key="8017", digits=17),
    "itip": _Shape(head="id", key=AI_ITIP, digits=13, indicator=True, more=("21",), in_key=True),
}
_PIECES = 2  # digits each of the piece number and of the total in an ITIP


def link_of(urn: str) -> Gs1Link:
    """The Digital Link twin of an EPC URN, on GS1's own host."""
    if len(urn) > URN_LENGTH_MAX:
        raise UrnSyntax(why=f"longer than {URN_LENGTH_MAX} characters")
    found = _URN.fullmatch(urn)
    if not found:
        raise UrnSyntax(why="it does not begin with urn:epc:id:, urn:epc:class: or urn:epc:idpat: and a scheme")
    head, scheme, body = found.groups()
    shape = _SHAPES.get(scheme)
    if shape is None:
        raise UrnScheme(scheme=scheme)
    parts = body.split(".", _parts_count(shape) - 1)
    if head == "idpat":
        return _product_of(scheme, shape, parts)
    if head != shape.head:
        raise UrnSyntax(why=f"{scheme} belongs to urn:epc:{shape.head}:")
    if len(parts) != _parts_count(shape):
        raise UrnSyntax(why=f"{scheme} has {_parts_count(shape)} parts between its dots, not {len(parts)}")
    return _checked(shape, parts)


def urn_of(link: Gs1Link, *, company_prefix_length: int) -> str:
    """The EPC URN of what a link names, at its finest level; a GTIN alone becomes the pattern of its items."""
    if not COMPANY_PREFIX_LENGTH_MIN <= company_prefix_length <= COMPANY_PREFIX_LENGTH_MAX:
        raise ValueError(f"a company prefix has {COMPANY_PREFIX_LENGTH_MIN} to {COMPANY_PREFIX_LENGTH_MAX} digits")
    gs1_links.check(link)
    scheme = _scheme_of(link)
    shape = _SHAPES[scheme.rpartition(":")[2]]
    company, reference, tail = _cut(shape, link.key.value, company_prefix_length)
    if scheme.startswith("idpat:"):
        return f"urn:epc:{scheme}:{company}.{reference}.{_ANY}"
    parts = [company, reference, *_behind(shape, tail), *(_qualifier(link, ai) for ai in shape.more)]
    return f"urn:epc:{shape.head}:{scheme}:{'.'.join(_escaped(part) for part in parts)}"


def _behind(shape: _Shape, tail: str) -> tuple[str, ...]:
    """The parts that come out of the key's value behind its check digit."""
    if shape.key == AI_ITIP:
        return tail[:_PIECES], tail[_PIECES:]
    if shape.in_key and not tail:
        raise UrnNoTwin(why=f"AI {shape.key} has no serial")
    return (tail,) if shape.in_key else ()


def _qualifier(link: Gs1Link, ai: str) -> str:
    value = link.value(ai)
    if ai == AI_EXTENSION:
        if value == NO_EXTENSION:
            raise UrnNoTwin(why="the extension 0 of a GLN means that there is none")
        return NO_EXTENSION if value is None else value
    if value is None:
        raise UrnNoTwin(why=f"AI {ai} is missing")
    return value


def _scheme_of(link: Gs1Link) -> str:
    ai = link.key.ai
    if ai == "01":
        qualifiers = {element.ai for element in link.qualifiers}
        levels = (("sgtin", "21"), ("lgtin", "10"), ("upui", "235"))
        return next((scheme for scheme, qualifier in levels if qualifier in qualifiers), "idpat:sgtin")
    scheme = next((scheme for scheme, shape in _SHAPES.items() if shape.key == ai), None)
    if scheme is None:
        raise UrnNoTwin(why=f"AI {ai} has no EPC scheme")
    return scheme


def _parts_count(shape: _Shape) -> int:
    pieces = _PIECES if shape.key == AI_ITIP else int(shape.in_key)
    return 2 + pieces + len(shape.more)


def _product_of(scheme: str, shape: _Shape, parts: list[str]) -> Gs1Link:
    """`idpat:sgtin:COMPANY.REFERENCE.*` names the product, whatever the item."""
    if scheme != "sgtin" or len(parts) != _parts_count(shape) or parts[-1] != _ANY:
        raise UrnSyntax(why="the only pattern with a twin is urn:epc:idpat:sgtin:COMPANY.REFERENCE.*")
    return _checked(shape, parts[:-1])


def _checked(shape: _Shape, parts: list[str]) -> Gs1Link:
    company, reference, *more = (_unescaped(part, place=place) for place, part in enumerate(parts, start=1))
    if not is_digits(company) or not COMPANY_PREFIX_LENGTH_MIN <= len(company) <= COMPANY_PREFIX_LENGTH_MAX:
        raise UrnPart(part=1, why=f"a company prefix has {COMPANY_PREFIX_LENGTH_MIN} to {COMPANY_PREFIX_LENGTH_MAX} digits")
    pieces = _PIECES if shape.key == AI_ITIP else int(shape.in_key)
    key = _key(shape, company, reference) + "".join(more[:pieces])
    qualifiers = tuple(
        Element(ai=ai, value=value)
        for ai, value in zip(shape.more, more[pieces:], strict=False)
        if not (ai == AI_EXTENSION and value == NO_EXTENSION)
    )
    link = Gs1Link(stem=CANONICAL_STEM, key=Element(ai=shape.key, value=key), qualifiers=qualifiers)
    gs1_links.check(link)
    return link


def _key(shape: _Shape, company: str, reference: str) -> str:
    if shape.digits is None:
        return company + reference
    if (reference and not is_digits(reference)) or len(company) + len(reference) != shape.digits:
        raise UrnPart(part=2, why=f"with the company prefix it has {shape.digits} digits")
    if shape.indicator:
        if not reference:
            raise UrnPart(part=2, why="it begins with the digit that begins the key")
        digits = reference[0] + company + reference[1:]
    else:
        digits = company + reference
    return f"{shape.prefix}{digits}{check_digit(digits)}"


def _cut(shape: _Shape, value: str, company_length: int) -> tuple[str, str, str]:
    """(company prefix, reference, what stands behind the check digit) of a key's value."""
    digits = value[len(shape.prefix) :]
    if shape.digits is None:
        if not is_digits(digits[:company_length]) or len(digits) <= company_length:
            raise UrnNoTwin(why=f"AI {shape.key} does not begin with a company prefix of {company_length} digits")
        return digits[:company_length], digits[company_length:], ""
    tail = digits[shape.digits + 1 :]
    digits = digits[: shape.digits]
    if shape.indicator:
        return digits[1 : company_length + 1], digits[0] + digits[company_length + 1 :], tail
    return digits[:company_length], digits[company_length:], tail


def _escaped(part: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in part)


def _unescaped(part: str, *, place: int) -> str:
    if not part and place != 2:  # noqa: PLR2004 - a location may be its company alone
        raise UrnPart(part=place, why="it is empty")
    if _BROKEN_PERCENT.search(part):
        raise UrnPart(part=place, why="its percent-encoding is broken")
    if any(character in part for character in _ESCAPED if character != "%"):
        raise UrnPart(part=place, why='these are written encoded: " & / < > ? #')
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise UrnPart(part=place, why="its percent-encoding is no UTF-8") from error
