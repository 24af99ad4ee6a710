"""What somebody typed for a link, and the link that it makes once everything about it has been checked.

Promises: a checked draft fits GS1's linkset schema: a title, languages as `zh` or `zh-CN`, a media type, contexts that a query can carry.
Refuses each part by its own code, so that a form can say it beside the field. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from codegen import cipher
from codegen import gtin as gtins
from codegen.gs1.application_identifiers import RULES, check_value
from codegen.resolver_links import link_targets, link_types
from codegen.resolver_links.link_table import Anchor, Link, Role
from kit.refusals import Invalid, Malformed

TITLE_LENGTH_MAX: Final = 120
LANGUAGES_MAX: Final = 8
MEDIA_TYPE_LENGTH_MAX: Final = 80
CONTEXTS_MAX: Final = 8
CONTEXT_LENGTH_MAX: Final = 40
PLACE_MAX: Final = 9999
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2199
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2})(?:-([A-Za-z]{2}))?")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
_CONTEXT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class TitleMalformed(Invalid):
    code = "link_title_malformed"
    says = "A title has 1 to {length_max} printable characters."


class LanguageMalformed(Invalid):
    code = "link_language_malformed"
    says = "{language!r} is no language here: two letters as in zh, or with a country as in zh-CN; at most {count_max} of them."


class MediaTypeMalformed(Invalid):
    code = "link_media_type_malformed"
    says = "{media_type!r} is no media type, such as text/html or application/pdf."


class ContextMalformed(Invalid):
    code = "link_context_malformed"
    says = "{context!r} is no context: letters, digits, dots and hyphens, at most {length_max} of them and {count_max} contexts."


class ValidityBackwards(Invalid):
    code = "link_validity_backwards"
    says = "A link ends after it begins."


class ValidityOutOfRange(Invalid):
    code = "link_validity_out_of_range"
    says = "Choose years from {first} to {last}."


class PlaceOutOfRange(Invalid):
    code = "link_place_out_of_range"
    says = "The place of a link in its list is a number from 0 to {place_max}."


class LevelUnclear(Invalid):
    code = "link_level_unclear"
    says = "A link is about a product, a lot or an item: give a lot or a serial, not both."


class LotMalformed(Invalid):
    code = "link_lot_malformed"
    says = "{lot!r} is no lot: up to 20 letters, digits and signs, without spaces."


class SerialMalformed(Invalid):
    code = "link_serial_malformed"
    says = "{serial!r} is no serial of ours."


class DefaultOfItem(Invalid):
    code = "link_default_of_item"
    says = "An item's default is its verification: links of an item cannot take that place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A link as it was typed."""

    link_type: str
    href: str
    title: str
    languages: tuple[str, ...] = ()
    media_type: str = "text/html"
    contexts: tuple[str, ...] = ()
    role: Role = Role.PLAIN
    place: int = 0
    passes_query: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def checked(draft: Draft, anchor: Anchor, *, vocabularies: Mapping[str, str], allowed: Iterable[str], own: Iterable[str]) -> Link:
    title = draft.title.strip()
    if not 1 <= len(title) <= TITLE_LENGTH_MAX or not title.isprintable():
        raise TitleMalformed(length_max=TITLE_LENGTH_MAX)
    _check_validity(draft)
    if not 0 <= draft.place <= PLACE_MAX:
        raise PlaceOutOfRange(place_max=PLACE_MAX)
    if anchor.serial and draft.role is not Role.PLAIN:
        raise DefaultOfItem
    return Link(
        type=link_types.checked(draft.link_type, vocabularies),
        href=link_targets.checked(draft.href, allowed=allowed, own=own),
        title=title,
        languages=_languages(draft.languages),
        media_type=_media_type(draft.media_type),
        contexts=_contexts(draft.contexts),
        role=draft.role,
        passes_query=draft.passes_query,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
    )


def checked_anchor(*, gtin: str, lot: str = "", serial: str = "") -> Anchor:
    """Whether such a lot or item exists is not asked: links may come before their goods."""
    number = gtins.normalise(gtin)
    if lot and serial:
        raise LevelUnclear
    if lot:
        try:
            check_value(RULES["10"], lot)
        except Malformed as fault:
            raise LotMalformed(lot=lot[:40]) from fault
    if serial:
        serial = cipher.normalise(serial[: 3 * cipher.SERIAL_LENGTH])
        if cipher.epoch_of(serial) is None:
            raise SerialMalformed(serial=serial[:40])
    return Anchor(gtin=number, lot=lot, serial=serial)


def _check_validity(draft: Draft) -> None:
    for at in (draft.valid_from, draft.valid_until):
        if at is not None and not YEAR_MIN <= at.year <= YEAR_MAX:
            raise ValidityOutOfRange(first=YEAR_MIN, last=YEAR_MAX)
    if draft.valid_from is not None and draft.valid_until is not None and draft.valid_until <= draft.valid_from:
        raise ValidityBackwards


def _languages(typed: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in typed:
        language = _LANGUAGE.fullmatch(text.strip())
        if language is None:
            raise LanguageMalformed(language=text[:20], count_max=LANGUAGES_MAX)
        found[language[1].lower() + (f"-{language[2].upper()}" if language[2] else "")] = None
    if len(found) > LANGUAGES_MAX:
        raise LanguageMalformed(language=", ".join(found), count_max=LANGUAGES_MAX)
    return tuple(found)


def _media_type(typed: str) -> str:
    media_type = typed.strip().lower()
    if media_type and (len(media_type) > MEDIA_TYPE_LENGTH_MAX or not _MEDIA_TYPE.fullmatch(media_type)):
        raise MediaTypeMalformed(media_type=media_type[:MEDIA_TYPE_LENGTH_MAX])
    return media_type


def _contexts(typed: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(text.strip() for text in typed)
    for context in found:
        if len(context) > CONTEXT_LENGTH_MAX or not _CONTEXT.fullmatch(context) or len(found) > CONTEXTS_MAX:
            raise ContextMalformed(context=context[:CONTEXT_LENGTH_MAX], length_max=CONTEXT_LENGTH_MAX, count_max=CONTEXTS_MAX)
    return tuple(found)
