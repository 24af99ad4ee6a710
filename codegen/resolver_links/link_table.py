"""Links as an edge holds them: everything a resolver needs to choose and nothing else, by product, lot and item.

Promises: a table never changes; asking it costs one look-up; links are in the order that the brand gave them, and what has ended by then is
left out by `valid`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Whether a link answers when no type was asked for: never, always, or when language, media or context fit it better."""

    PLAIN = "plain"
    DEFAULT = "default"
    MULTI = "multi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a link is about: a product, one of its lots, or one of its items."""

    gtin: str
    lot: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`type` is an IRI; no languages, media type or contexts means: for all of them."""

    type: str
    href: str
    title: str
    languages: tuple[str, ...] = ()
    media_type: str = ""
    contexts: tuple[str, ...] = ()
    role: Role = Role.PLAIN
    passes_query: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= now) and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable:
    """All links of a brand. `vocabularies` are namespaces by prefix, `contexts` every context that some link names.

    Tables with the same `stamp` hold the same; an empty one says nothing.
    """

    links: Mapping[Anchor, tuple[Link, ...]] = field(default_factory=dict)
    vocabularies: Mapping[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    stamp: tuple[object, ...] = ()

    def valid(self, anchor: Anchor, now: datetime) -> tuple[Link, ...]:
        found = self.links.get(anchor)
        return tuple(link for link in found if link.is_valid(now)) if found else ()


NO_LINKS = LinkTable()
