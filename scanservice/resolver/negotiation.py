"""Choosing among links of one type: by context, then language, then media type; what is left and alike is the reader's choice.

Promises: the same wish of the same links gives the same answer; the order in which a brand lists its links decides between those that
differ, and never between those that a request cannot tell apart. Nothing fits is never an answer: then a link without the attribute is
taken, or the first. Language by RFC 4647 section 3.4: each range as it stands, shortened, then by its primary subtag, before the next. Pure.
"""

from collections.abc import Sequence

from codegen.resolver_links.link_table import Link
from scanservice.resolver.wishes import LanguageRange, MediaRange, Wish

_UNDETERMINED = "und"
_ANY = "*"


def choose(candidates: Sequence[Link], wish: Wish) -> tuple[Link, ...]:
    """One link, or several that nothing but their titles tells apart. `candidates` are in the brand's order and not empty."""
    fitting = fits(candidates, wish)
    return _alike(fitting[0], fitting)


def choose_default(default: Link, multi: Sequence[Link], wish: Wish) -> tuple[Link, ...]:
    """The default, unless another that is marked for it fits better."""
    fitting = fits((default, *multi), wish)
    return (default,) if default in fitting else _alike(fitting[0], fitting)


def fits(links: Sequence[Link], wish: Wish) -> Sequence[Link]:
    if len(links) == 1:
        return links
    return _by_media(_by_language(_by_context(links, wish.contexts), wish.languages), wish.media)


def _alike(best: Link, fitting: Sequence[Link]) -> tuple[Link, ...]:
    """Those with the same attributes; several ways to one address are one."""
    by_address = {one.href: one for one in reversed(fitting) if _attributes(one) == _attributes(best)}
    return tuple(one for one in fitting if by_address.get(one.href) is one)


def _attributes(link: Link) -> tuple[object, ...]:
    return (frozenset(link.languages), link.media_type, frozenset(link.contexts))


def _by_context(links: Sequence[Link], asked: Sequence[str]) -> Sequence[Link]:
    wanted = set(asked)
    return (
        [link for link in links if wanted.intersection(link.contexts)] or [link for link in links if not link.contexts] or links
    )


def _by_language(links: Sequence[Link], ranges: Sequence[LanguageRange]) -> Sequence[Link]:
    refused = {one.tag for one in ranges if not one.quality}
    wanted_ones = [link for link in links if not refused or not _all_refused(link, refused)] or links
    for one in ranges:
        if not one.quality:
            continue
        if one.tag == _ANY:
            return wanted_ones
        found = _in_language(wanted_ones, one.tag)
        if found:
            return found
    return [link for link in wanted_ones if not link.languages or _UNDETERMINED in link.languages] or wanted_ones


def _in_language(links: Sequence[Link], wanted: str) -> Sequence[Link]:
    tags = [{tag.lower() for tag in link.languages} for link in links]
    shortened = wanted
    while shortened:
        found = [link for link, own in zip(links, tags, strict=True) if shortened in own]
        if found:
            return found
        shortened = shortened.rpartition("-")[0]
    primary = wanted.partition("-")[0]
    return [link for link, own in zip(links, tags, strict=True) if any(tag.partition("-")[0] == primary for tag in own)]


def _all_refused(link: Link, refused: set[str]) -> bool:
    return bool(link.languages) and all({tag.lower(), tag.lower().partition("-")[0]} & refused for tag in link.languages)


def _by_media(links: Sequence[Link], ranges: Sequence[MediaRange]) -> Sequence[Link]:
    if not ranges:
        return links
    qualities = [_quality(link.media_type, ranges) for link in links]
    best = max(qualities)
    return [link for link, quality in zip(links, qualities, strict=True) if quality == best] if best else links


def _quality(media_type: str, ranges: Sequence[MediaRange]) -> float:
    """By the most specific range that fits (RFC 9110 section 12.5.1); a link that does not say what it is fits `*/*` alone."""
    kind, _, subtype = media_type.partition("/")
    for wanted in ((kind, subtype), (kind, _ANY), (_ANY, _ANY)):
        for one in ranges:
            if (one.kind, one.subtype) == wanted:
                return one.quality
    return 0.0
