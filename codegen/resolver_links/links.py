"""Links of products, lots and items: adding, changing, removing, listing, and the table that edges hold.

Promises: the same link of the same level is there once, however often it is added; a change names the revision that was seen, and loses to
a change made meanwhile; a removed link can be brought back; a level has one default, the last one marked. Every write is a line of the
audit and reaches all edges. Refuses what `link_drafts` refuses, unknown products, and more links than the limits below.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, brands, catalogue_version, products
from codegen.audit import Action
from codegen.resolver_links import link_drafts, link_hosts, link_targets, link_vocabularies
from codegen.resolver_links.link_drafts import Draft
from codegen.resolver_links.link_models import ResolverLink
from codegen.resolver_links.link_table import NO_LINKS, Anchor, Link, LinkTable, Role
from kit.refusals import Conflict, NotFound

LINKS_OF_LEVEL_MAX = 200
LINKS_OF_PRODUCT_MAX = 5_000
# What an edge holds in memory for a brand: about a kilobyte each.
LINKS_OF_BRAND_MAX = 20_000
PAGE_MAX = 500
_FINGERPRINT_BYTES = 16
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('resolver_link'), CAST(:tenant_id AS integer))")


class LinkUnknown(NotFound):
    code = "link_unknown"
    says = "There is no such link."


class LinkChanged(Conflict):
    code = "link_changed"
    says = "Somebody else changed this link meanwhile. Load it again and look at what they did."


class LinkThere(Conflict):
    code = "link_there"
    says = "A link of this type to this address, for the same readers and time, is there already: change that one."


class TooManyLinks(Conflict):
    code = "too_many_links"
    says = "There are {links_max} links already, which is the most for one level, product or brand."


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """A link with its place in a brand's records."""

    id: UUID
    anchor: Anchor
    link: Link
    place: int
    revision: int
    changed_by: str
    changed_at: datetime
    removed_at: datetime | None


def add(
    session: Session, anchor: Anchor, draft: Draft, *, link_id: UUID, tenant_id: int, now: datetime, actor: str
) -> LinkRecord:
    """Adds a link, or returns the one that says the same."""
    _lock(session, tenant_id=tenant_id)
    products.find(session, tenant_id=tenant_id, gtin=anchor.gtin)
    link = _checked(session, anchor, draft, tenant_id=tenant_id)
    fingerprint = _fingerprint(anchor, link)
    sent_before = session.get(ResolverLink, (tenant_id, link_id))
    if sent_before is not None:
        return _record(sent_before)
    there = _live(session, fingerprint, tenant_id=tenant_id)
    if there is not None:
        if _link(there) != link or there.place != draft.place:
            raise LinkThere
        return _record(there)
    _require_room(session, anchor, tenant_id=tenant_id)
    _unmark(session, anchor, link, tenant_id=tenant_id, now=now, actor=actor)
    values = _values(link, draft) | {"fingerprint": fingerprint, "changed_by": actor, "changed_at": now, "created_at": now}
    session.execute(
        insert(ResolverLink).values(
            tenant_id=tenant_id, id=link_id, gtin=anchor.gtin, lot=anchor.lot, serial=anchor.serial, **values
        )
    )
    _tell(session, Action.LINK_ADDED, link_id, anchor, link, tenant_id=tenant_id, now=now, actor=actor)
    return find(session, link_id, tenant_id=tenant_id)


def change(
    session: Session, link_id: UUID, draft: Draft, *, revision: int, tenant_id: int, now: datetime, actor: str
) -> LinkRecord:
    """Gives a link other content; its level stays. `revision` is the one that whoever changes it has seen."""
    _lock(session, tenant_id=tenant_id)
    before = find(session, link_id, tenant_id=tenant_id)
    link = _checked(session, before.anchor, draft, tenant_id=tenant_id)
    fingerprint = _fingerprint(before.anchor, link)
    twin = _live(session, fingerprint, tenant_id=tenant_id)
    if twin is not None and twin.id != link_id:
        raise LinkThere
    if before.revision != revision or before.removed_at is not None:
        raise LinkChanged
    _unmark(session, before.anchor, link, tenant_id=tenant_id, now=now, actor=actor, but=link_id)
    values = _values(link, draft) | {"fingerprint": fingerprint}
    _update(session, values, ResolverLink.id == link_id, tenant_id=tenant_id, now=now, actor=actor)
    _tell(session, Action.LINK_CHANGED, link_id, before.anchor, link, tenant_id=tenant_id, now=now, actor=actor)
    return find(session, link_id, tenant_id=tenant_id)


def remove(session: Session, link_id: UUID, *, tenant_id: int, now: datetime, actor: str) -> LinkRecord:
    """Takes a link away. Removing it again changes nothing."""
    _lock(session, tenant_id=tenant_id)
    record = find(session, link_id, tenant_id=tenant_id)
    if record.removed_at is None:
        _update(session, {"removed_at": now}, ResolverLink.id == link_id, tenant_id=tenant_id, now=now, actor=actor)
        _tell(session, Action.LINK_REMOVED, link_id, record.anchor, record.link, tenant_id=tenant_id, now=now, actor=actor)
    return find(session, link_id, tenant_id=tenant_id)


def restore(session: Session, link_id: UUID, *, tenant_id: int, now: datetime, actor: str) -> LinkRecord:
    """Brings a removed link back, as a plain one where another has become the default."""
    _lock(session, tenant_id=tenant_id)
    record = find(session, link_id, tenant_id=tenant_id)
    if record.removed_at is None:
        return record
    if _live(session, _fingerprint(record.anchor, record.link), tenant_id=tenant_id) is not None:
        raise LinkThere
    _require_room(session, record.anchor, tenant_id=tenant_id)
    values: dict[str, object] = {"removed_at": None}
    if record.link.role is Role.DEFAULT and session.scalar(_live_ones(tenant_id, record.anchor, role=Role.DEFAULT)) is not None:
        values["role"] = Role.PLAIN
    _update(session, values, ResolverLink.id == link_id, tenant_id=tenant_id, now=now, actor=actor)
    _tell(session, Action.LINK_ADDED, link_id, record.anchor, record.link, tenant_id=tenant_id, now=now, actor=actor)
    return find(session, link_id, tenant_id=tenant_id)


def find(session: Session, link_id: UUID, *, tenant_id: int) -> LinkRecord:
    row = session.get(ResolverLink, (tenant_id, link_id), populate_existing=True)
    if row is None:
        raise LinkUnknown
    return _record(row)


def listing(session: Session, *, tenant_id: int, gtin: str, count_max: int = PAGE_MAX) -> list[LinkRecord]:
    """The first links of a product: its own, those of its lots, those of its items; by type, and then as they are served."""
    rows = session.scalars(
        select(ResolverLink)
        .where(ResolverLink.tenant_id == tenant_id, ResolverLink.gtin == gtin, ResolverLink.removed_at.is_(None))
        .order_by(ResolverLink.serial, ResolverLink.lot, ResolverLink.link_type, *_ORDER)
        .limit(count_max)
    )
    return [_record(row) for row in rows]


def counts(session: Session, *, tenant_id: int) -> dict[str, int]:
    """How many links each product has, by GTIN, with those of its lots and items."""
    rows = session.execute(
        select(ResolverLink.gtin, func.count())
        .where(ResolverLink.tenant_id == tenant_id, ResolverLink.removed_at.is_(None))
        .group_by(ResolverLink.gtin)
    )
    return {gtin: count for gtin, count in rows}  # noqa: C416 - rows are tuples to Python, not to mypy


def table(session: Session, *, tenant_id: int, gtin: str | None = None, known: LinkTable = NO_LINKS) -> LinkTable:
    """What an edge holds: links whose hosts are still allowed, in their order. With `gtin` those of one product alone.

    `known` is what an earlier call found for the whole brand; it comes back itself where nothing has changed, since reading the most that a
    brand may have takes a second, and edges read everything anew whenever a code is voided.
    """
    allowed = link_hosts.listing(session, tenant_id=tenant_id)
    vocabularies = link_vocabularies.listing(session, tenant_id=tenant_id)
    # Every write raises a revision or adds one, and no row is ever deleted: equal sums are equal links.
    written = session.scalar(select(func.sum(ResolverLink.revision)).where(ResolverLink.tenant_id == tenant_id)) or 0
    stamp = (tenant_id, written, tuple(allowed), tuple(vocabularies.items()))
    if gtin is None and known.stamp == stamp:
        return known
    wanted = select(*ResolverLink.__table__.columns).where(ResolverLink.tenant_id == tenant_id, ResolverLink.removed_at.is_(None))
    if gtin is not None:
        wanted = wanted.where(ResolverLink.gtin == gtin)
    is_allowed = cache(partial(link_targets.is_allowed, allowed=allowed))
    found: dict[Anchor, list[Link]] = {}
    contexts: set[str] = set()
    for row in session.execute(wanted.order_by(*_ORDER).limit(LINKS_OF_BRAND_MAX)):
        if is_allowed(link_targets.host_of(row.href)):
            found.setdefault(Anchor(gtin=row.gtin, lot=row.lot, serial=row.serial), []).append(_link(row))
            contexts.update(row.contexts)
    return LinkTable(
        links={anchor: tuple(links) for anchor, links in found.items()},
        vocabularies=vocabularies,
        contexts=tuple(sorted(contexts)),
        stamp=stamp if gtin is None else (),
    )


_ORDER = (ResolverLink.place, ResolverLink.created_at, ResolverLink.id)


def _lock(session: Session, *, tenant_id: int) -> None:
    """One write at a time for each brand: limits are counted and defaults handed over without a race."""
    session.execute(_LOCK, {"tenant_id": tenant_id % (1 << 31)})


def _checked(session: Session, anchor: Anchor, draft: Draft, *, tenant_id: int) -> Link:
    return link_drafts.checked(
        draft,
        anchor,
        vocabularies=link_vocabularies.listing(session, tenant_id=tenant_id),
        allowed=link_hosts.listing(session, tenant_id=tenant_id),
        own=brands.load(session, tenant_id=tenant_id).hosts,
    )


def _fingerprint(anchor: Anchor, link: Link) -> bytes:
    """Equal for links that differ in title, place and mark alone."""
    said = (anchor.gtin, anchor.lot, anchor.serial, link.type, link.href, link.media_type)
    sets = (",".join(sorted(link.languages)), ",".join(sorted(link.contexts)))
    times = [str(at and at.timestamp()) for at in (link.valid_from, link.valid_until)]
    return hashlib.blake2b("\0".join((*said, *sets, *times)).encode(), digest_size=_FINGERPRINT_BYTES).digest()


def _live(session: Session, fingerprint: bytes, *, tenant_id: int) -> ResolverLink | None:
    return session.scalar(
        select(ResolverLink).where(
            ResolverLink.tenant_id == tenant_id, ResolverLink.fingerprint == fingerprint, ResolverLink.removed_at.is_(None)
        )
    )


def _live_ones(tenant_id: int, anchor: Anchor, *, role: Role) -> Select[UUID]:
    return select(ResolverLink.id).where(*_of_level(tenant_id, anchor), ResolverLink.role == role)


def _of_level(tenant_id: int, anchor: Anchor) -> tuple[ColumnElement[bool], ...]:
    return (
        ResolverLink.tenant_id == tenant_id,
        ResolverLink.gtin == anchor.gtin,
        ResolverLink.lot == anchor.lot,
        ResolverLink.serial == anchor.serial,
        ResolverLink.removed_at.is_(None),
    )


def _require_room(session: Session, anchor: Anchor, *, tenant_id: int) -> None:
    live = (ResolverLink.tenant_id == tenant_id, ResolverLink.removed_at.is_(None))
    for links_max, conditions in (
        (LINKS_OF_LEVEL_MAX, _of_level(tenant_id, anchor)),
        (LINKS_OF_PRODUCT_MAX, (*live, ResolverLink.gtin == anchor.gtin)),
        (LINKS_OF_BRAND_MAX, live),
    ):
        count = session.scalar(select(func.count()).select_from(ResolverLink).where(*conditions)) or 0
        if count >= links_max:
            raise TooManyLinks(links_max=links_max)


def _unmark(
    session: Session, anchor: Anchor, link: Link, *, tenant_id: int, now: datetime, actor: str, but: UUID | None = None
) -> None:
    """The last link that is marked as the default is it; the one before becomes a plain one."""
    if link.role is not Role.DEFAULT:
        return
    for other in session.scalars(_live_ones(tenant_id, anchor, role=Role.DEFAULT)).all():
        if other != but:
            _update(session, {"role": Role.PLAIN}, ResolverLink.id == other, tenant_id=tenant_id, now=now, actor=actor)


def _update(
    session: Session,
    values: dict[str, object],
    *conditions: ColumnElement[bool],
    tenant_id: int,
    now: datetime,
    actor: str,
) -> None:
    changed = session.execute(
        update(ResolverLink)
        .where(ResolverLink.tenant_id == tenant_id, *conditions)
        .values(**values, changed_by=actor, changed_at=now, revision=ResolverLink.revision + 1)
        .returning(ResolverLink.id)
    ).all()
    if len(changed) != 1:
        raise LinkUnknown


def _values(link: Link, draft: Draft) -> dict[str, object]:
    return {
        "link_type": link.type,
        "href": link.href,
        "title": link.title,
        "languages": list(link.languages),
        "media_type": link.media_type,
        "contexts": list(link.contexts),
        "role": link.role,
        "place": draft.place,
        "passes_query": link.passes_query,
        "valid_from": link.valid_from,
        "valid_until": link.valid_until,
    }


def _tell(
    session: Session, action: Action, link_id: UUID, anchor: Anchor, link: Link, *, tenant_id: int, now: datetime, actor: str
) -> None:
    facts = {"link": str(link_id), "gtin": anchor.gtin, "lot": anchor.lot, "serial": anchor.serial}
    facts |= {"type": link.type, "href": link.href, "role": link.role.value}
    audit.write(session, action, tenant_id=tenant_id, actor=actor, now=now, facts=facts)
    catalogue_version.grow(session)


def _link(row: Any) -> Link:
    return Link(
        type=row.link_type,
        href=row.href,
        title=row.title,
        languages=tuple(row.languages),
        media_type=row.media_type,
        contexts=tuple(row.contexts),
        role=Role(row.role),
        passes_query=row.passes_query,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _record(row: ResolverLink) -> LinkRecord:
    return LinkRecord(
        id=row.id,
        anchor=Anchor(gtin=row.gtin, lot=row.lot, serial=row.serial),
        link=_link(row),
        place=row.place,
        revision=row.revision,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        removed_at=row.removed_at,
    )
