"""Linksets (RFC 9264): everything that there is to know, level by level.

Promises: one form for GS1's schema, with the description that it demands and the members that it alone knows, and one with the members of
RFC 9264, since that schema forbids the others; no member outside them. Each level has one default link, which names address and title alone
and is described again under its type.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from codegen.resolver_links import link_types
from codegen.resolver_links.link_table import Link
from scanservice.resolver.levels import Level
from scanservice.resolver.wishes import PLAIN_PROFILE, Document

_Members = dict[str, object]
CONTENT_TYPES: Final = {
    Document.GS1: b"application/linkset+json",
    Document.PLAIN: b'application/linkset+json; profile="%b"' % PLAIN_PROFILE.encode(),
}


def document(levels: Iterable[Level], form: Document) -> bytes:
    return msgspec.json.encode({"linkset": [_level(level, form) for level in levels]})


def choices(level: Level, links: Iterable[Link]) -> bytes:
    """What a reader may choose between: these links and no others."""
    return msgspec.json.encode({"linkset": [_head(level, Document.GS1) | _by_type(links, Document.GS1)]})


def _level(level: Level, form: Document) -> _Members:
    members = _head(level, form)
    members[link_types.DEFAULT] = [_default(level.default)]
    if level.multi:
        members[link_types.DEFAULT_MULTI] = [_link(link, form) for link in level.multi]
    return members | _by_type((*level.links, *level.ours), form)


def _head(level: Level, form: Document) -> _Members:
    return {"anchor": level.anchor, **({"itemDescription": level.description} if form is Document.GS1 else {})}


def _by_type(links: Iterable[Link], form: Document) -> _Members:
    found: dict[str, object] = {}
    listed: dict[str, list[_Members]] = {}
    for link in links:
        listed.setdefault(link.type, []).append(_link(link, form))
    found.update(listed)
    return found


def _default(link: Link) -> _Members:
    return {"href": link.href, "title": link.title}


def _link(link: Link, form: Document) -> _Members:
    members = _default(link)
    if link.media_type:
        members["type"] = link.media_type
    if link.languages:
        members["hreflang"] = list(link.languages)
    if form is Document.GS1:
        if link.contexts:
            members["context"] = list(link.contexts)
        if not link.passes_query:
            members["fwqs"] = False
    return members
