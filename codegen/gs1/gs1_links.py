"""Whole GS1 Digital Link URIs of every kind (URI syntax 1.6.0): reading any, writing one form, the two canonical forms.

Promises: `parse` takes any host and stem, scheme in either case, and lets the rightmost key of the path win; fragment, empty parameters
and parameters that are not GS1's change nothing about what is named. `build(parse(uri))` names the same, encoded in one way.
Refuses by `link_refusals`, status 400, each fault with the AI and the place: what the syntax forbids, values that their AI forbids,
qualifiers out of order or behind the question mark, AIs that stand twice, without what they need, or beside what excludes them.
Pure: no database, no network, no clock.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import quote, unquote_to_bytes

from codegen.gs1.application_identifiers import RULES, check_value, matches
from codegen.gs1.link_refusals import (
    DlBelongsInPath,
    DlDuplicateAi,
    DlDuplicateAttribute,
    DlExcludes,
    DlHost,
    DlNeeds,
    DlNoKey,
    DlNotAttribute,
    DlNotQualifier,
    DlPercentEncoding,
    DlQualifierOrder,
    DlQualifiersMixed,
    DlScheme,
    DlSyntax,
    DlUnknownAttribute,
    DlUriCharacter,
    DlValueMissing,
)
from codegen.gtin import is_digits

CANONICAL_STEM = "https://id.gs1.org"
URI_LENGTH_MAX = 2048
PARAMETERS_MAX = 64

AI_SIGNATURE = "8030"
_KEYS_WITH_SERIALS = ("253", "255", "8003")  # a signature needs the optional serial behind these
# What an event hash keeps beside the key: the first of these that is there (CBV 2.0 section 8.9.2).
_FINEST = {"01": ("21", "10", "235"), "8006": ("21", "10"), "414": ("254",), "8010": ("8011",)}

_SCHEME = re.compile(r"https?://|HTTPS?://")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_NOT_URI = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An AI and its decoded value."""

    ai: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gs1Link:
    """What a Digital Link says. Values are compared as they stand: `a7` and `A7` are two serials.

    `stem` is scheme, host and whatever stands before the key; `others` are parameters that are not GS1's, raw, for a resolver to pass on.
    """

    stem: str
    key: Element
    qualifiers: tuple[Element, ...] = ()
    attributes: tuple[Element, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[Element, ...]:
        return (self.key, *self.qualifiers)

    def value(self, ai: str) -> str | None:
        """The value of an AI, wherever it stands."""
        return next((element.value for element in (*self.path, *self.attributes) if element.ai == ai), None)


def parse(uri: str) -> Gs1Link:
    """What a Digital Link URI names; refuses anything else."""
    stem, path, query = _split(uri)
    segments = path[1:].split("/")
    start = _key_position(segments)
    elements = tuple(
        Element(ai=segments[position], value=_decoded(segments[position + 1])) for position in range(start, len(segments), 2)
    )
    attributes, others = _parameters(query)
    link = Gs1Link(
        stem="/".join((stem, *segments[:start])),
        key=elements[0],
        qualifiers=elements[1:],
        attributes=attributes,
        others=others,
    )
    check(link)
    return link


def build(link: Gs1Link) -> str:
    """The URI of a link, checked; everything but unreserved characters is encoded, with capital hexadecimal digits."""
    check(link)
    path = "".join(f"/{element.ai}/{_encoded(element.value)}" for element in link.path)
    parameters = (*(f"{element.ai}={_encoded(element.value)}" for element in link.attributes), *link.others)
    return f"{link.stem}{path}{'?' if parameters else ''}{'&'.join(parameters)}"


def canonical(link: Gs1Link) -> str:
    """One URI for one meaning, to index and compare by and never to print: GS1's own host, GS1's own parameters, ascending by AI."""
    attributes = tuple(sorted(link.attributes, key=lambda element: element.ai))
    return build(replace(link, stem=CANONICAL_STEM, attributes=attributes, others=()))


def constrained(link: Gs1Link) -> str:
    """The canonical URI as event hashes want it: the key with its finest qualifier alone, no parameters."""
    finest = next((element for ai in _FINEST.get(link.key.ai, ()) for element in link.qualifiers if element.ai == ai), None)
    return build(Gs1Link(stem=CANONICAL_STEM, key=link.key, qualifiers=(finest,) if finest else ()))


def check(link: Gs1Link) -> None:
    """Refuses a link that no URI may say. The path is judged before the parameters, and single values before their company."""
    if RULES.get(link.key.ai) is None or RULES[link.key.ai].qualifiers is None:
        raise DlNoKey(part=link.key.ai)
    _check_qualifiers(link.key.ai, [element.ai for element in link.qualifiers])
    for element in link.path:
        check_value(RULES[element.ai], element.value)
    _check_attributes(link)
    _check_company([*link.path, *link.attributes])


def _split(uri: str) -> tuple[str, str, str]:
    """(scheme and host, path, query), raw."""
    if len(uri) > URI_LENGTH_MAX:
        raise DlSyntax(why=f"longer than {URI_LENGTH_MAX} characters")
    foreign = _NOT_URI.search(uri)
    if foreign:
        raise DlUriCharacter(position=foreign.start() + 1)
    scheme = _SCHEME.match(uri)
    if not scheme:
        raise DlScheme
    host, slash, rest = uri[scheme.end() :].partition("/")
    if not _HOST.fullmatch(host):
        raise DlHost(host=host)
    path, _, query = rest.partition("#")[0].partition("?")
    if not slash or not path:
        raise DlSyntax(why="nothing stands behind the host")
    if path.endswith("/"):
        raise DlSyntax(why="it ends with a slash")
    return f"{scheme[0]}{host}", f"/{path}", query


def _key_position(segments: list[str]) -> int:
    """Where the rightmost key stands; what is before it is the stem."""
    position = len(segments) - 2
    while position >= 0:
        rule = RULES.get(segments[position])
        if rule is None:
            break
        if rule.qualifiers is not None:
            return position
        position -= 2
    if segments[-1] in RULES:
        raise DlValueMissing(ai=segments[-1])
    raise DlNoKey(part=segments[max(position, 0)])


def _parameters(query: str) -> tuple[tuple[Element, ...], tuple[str, ...]]:
    attributes: list[Element] = []
    others: list[str] = []
    parameters = [parameter for parameter in query.split("&") if parameter]
    if len(parameters) > PARAMETERS_MAX:
        raise DlSyntax(why=f"more than {PARAMETERS_MAX} parameters")
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or not is_digits(name):
            others.append(parameter)
            continue
        if name not in RULES:
            raise DlUnknownAttribute(ai=name)
        # In a query a plus is a space, which no value may hold; the check of characters then names its place.
        attributes.append(Element(ai=name, value=_decoded(value.replace("+", " "))))
    return tuple(attributes), tuple(others)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    if _BROKEN_PERCENT.search(text):
        raise DlPercentEncoding(part=text)
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DlPercentEncoding(part=text) from error


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _check_qualifiers(key: str, ais: list[str]) -> None:
    sequences = RULES[key].qualifiers or ()
    for place, ai in enumerate(ais):
        if not any(ai in sequence for sequence in sequences):
            raise DlNotQualifier(ai=ai, key=key)
        if ai in ais[:place]:
            raise DlDuplicateAi(ai=ai)
    if not ais:
        return
    sequence = next((sequence for sequence in sequences if set(ais) <= set(sequence)), None)
    if sequence is None:
        raise DlQualifiersMixed(ai=ais[0], other=next(ai for ai in ais if not _together(sequences, ais[0], ai)))
    for ai, following in pairwise(ais):
        if sequence.index(following) < sequence.index(ai):
            raise DlQualifierOrder(ai=following, after=ai)


def _together(sequences: Iterable[tuple[str, ...]], one: str, other: str) -> bool:
    return any(one in sequence and other in sequence for sequence in sequences)


def _check_attributes(link: Gs1Link) -> None:
    key = link.key.ai
    in_path = {element.ai for element in link.qualifiers}
    seen = {element.ai for element in link.path}
    for element in link.attributes:
        rule = RULES.get(element.ai)
        if rule is None:
            raise DlUnknownAttribute(ai=element.ai)
        if element.ai in seen:
            raise DlDuplicateAttribute(ai=element.ai)
        seen.add(element.ai)
        if any(in_path | {element.ai} <= set(sequence) for sequence in RULES[key].qualifiers or ()):
            raise DlBelongsInPath(ai=element.ai, key=key)
        if not rule.is_attribute:
            raise DlNotAttribute(ai=element.ai)
        check_value(rule, element.value)


def _check_company(elements: list[Element]) -> None:
    """What each AI asks of the others that are there."""
    for element in elements:
        rule = RULES[element.ai]
        others = [other.ai for other in elements if other.ai != element.ai]
        for other in _excluded(rule.excludes, others):
            raise DlExcludes(ai=element.ai, other=other)
        if rule.needs and not any(all(_there(pattern, others) for pattern in group) for group in rule.needs):
            raise DlNeeds(ai=element.ai, needs=_said(rule.needs))
    values = {element.ai: element.value for element in elements}
    if AI_SIGNATURE in values:
        for ai in _KEYS_WITH_SERIALS:
            if len(values.get(ai, "")) == RULES[ai].length_min:
                raise DlNeeds(ai=AI_SIGNATURE, needs=f"a serial in AI {ai}")


def _excluded(patterns: Iterable[str], others: list[str]) -> Iterator[str]:
    return (other for pattern in patterns for other in others if matches(pattern, other))


def _there(pattern: str, others: list[str]) -> bool:
    return any(matches(pattern, other) for other in others)


def _said(needs: tuple[tuple[str, ...], ...]) -> str:
    return "AI " + " or ".join(" with ".join(group) for group in needs)
