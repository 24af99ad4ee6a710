"""What a request wants to be told: the type of link, the linkset, and the reader's languages, media types and contexts.

Promises: quality values are honoured, exact and wildcard ranges told apart; what is no range is passed over; of headers that no browser
would send, the first ACCEPT_BYTES_MAX bytes and RANGES_MAX ranges are read, and the rest is as if it were not there. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final
from urllib.parse import parse_qsl

from kit.refusals import Malformed

ACCEPT_BYTES_MAX: Final = 1024
RANGES_MAX: Final = 20
PARAMETERS_MAX: Final = 64
CONTEXTS_ASKED_MAX: Final = 8
LINKSET_MEDIA: Final = ("application", "linkset+json")
# RFC 9264 section 7.1 lets a linkset name its profile; GS1's own is what comes without asking.
PLAIN_PROFILE: Final = "https://www.rfc-editor.org/info/rfc9264"
_LINKSET_WORDS: Final = frozenset({"linkset", "all", "gs1:linkset", "gs1:all"})
_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_LANGUAGE: Final = re.compile(r"(?:[a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)")
_MEDIA: Final = re.compile(r"([a-z0-9!#$&^_.+-]+|\*)/([a-z0-9!#$&^_.+-]+|\*)")


class TooManyParameters(Malformed):
    code: ClassVar[str] = "too_many_parameters"
    says: ClassVar[str] = "A query holds at most {parameters_max} parameters."


class Document(Enum):
    """Which linkset is wanted, if any: GS1's, with descriptions and contexts, or one with the members of RFC 9264 alone."""

    NONE = "none"
    GS1 = "gs1"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRange:
    """Lower case; `*` is any language. Quality 0 means: not this one."""

    tag: str
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRange:
    kind: str
    subtype: str
    quality: float
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`link_type` as it was written; empty means the default link. Ranges stand best first."""

    link_type: str = ""
    document: Document = Document.NONE
    languages: tuple[LanguageRange, ...] = ()
    media: tuple[MediaRange, ...] = ()
    contexts: tuple[str, ...] = ()


def read(*, query: bytes, accept: bytes, accept_language: bytes) -> Wish:
    parameters = _parameters(query)
    asked = next((value for name, value in parameters if name == "linkType"), "")
    media = media_ranges(accept)
    return Wish(
        link_type="" if asked in _LINKSET_WORDS else asked,
        document=_document(asked, media),
        languages=language_ranges(accept_language),
        media=media,
        contexts=tuple(value for name, value in parameters if name == "context")[:CONTEXTS_ASKED_MAX],
    )


def language_ranges(accept_language: bytes) -> tuple[LanguageRange, ...]:
    """Basic language ranges (RFC 4647 section 2.1), best first and otherwise as they were named."""
    found = [
        LanguageRange(tag=text, quality=quality) for text, quality, _ in _listed(accept_language) if _LANGUAGE.fullmatch(text)
    ]
    return tuple(sorted(found, key=lambda one: -one.quality))


def media_ranges(accept: bytes) -> tuple[MediaRange, ...]:
    found = []
    for text, quality, profile in _listed(accept):
        media = _MEDIA.fullmatch(text)
        if media is not None:
            found.append(MediaRange(kind=media[1], subtype=media[2], quality=quality, profile=profile))
    return tuple(sorted(found, key=lambda one: -one.quality))


def _parameters(query: bytes) -> list[tuple[str, str]]:
    if b"linkType" not in query and b"context" not in query:
        return []
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError as error:
        raise TooManyParameters(parameters_max=PARAMETERS_MAX) from error


def _document(asked: str, media: tuple[MediaRange, ...]) -> Document:
    """The linkset's media type must be nobody's second choice: a browser that takes anything is sent to a page."""
    best = media[0].quality if media else 0.0
    named = next((one for one in media if (one.kind, one.subtype) == LINKSET_MEDIA and 0.0 < one.quality >= best), None)
    if named is not None:
        return Document.PLAIN if named.profile == PLAIN_PROFILE else Document.GS1
    return Document.GS1 if asked in _LINKSET_WORDS else Document.NONE


def _listed(header: bytes) -> Iterator[tuple[str, float, str]]:
    """Each range of a header with its quality and profile; one whose quality is none is left out."""
    text = header[:ACCEPT_BYTES_MAX].decode("latin-1")
    if len(header) > ACCEPT_BYTES_MAX:
        text = text.rpartition(",")[0]
    for part in text.split(",", RANGES_MAX)[:RANGES_MAX]:
        name, *parameters = (one.strip() for one in part.split(";"))
        quality, profile = "1", ""
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                quality = value.strip()
            elif key.strip().lower() == "profile":
                profile = value.strip().strip('"')
        if name and _QUALITY.fullmatch(quality):
            yield name.lower(), float(quality), profile
