"""What the brand knows of its consumers, and the projection of visitors' activity that feeds it.

Promises: phone numbers are shown masked and searched by their keyed hash; points are those available at the asked instant.
`project_visitors` adds what it is given: the ingester hands over each scan once as new and once as confirmed, in the transaction
that records it, which makes the projection exact. It does not depend on the order of scans.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Select, SelectBase, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import consents, identities, ledger, pages
from crm.consents import Answer, Purpose
from crm.identities import E164, PersonalKeys
from crm.lots import Balance
from crm.models import Consumer, Identity, PointAccount, PointLot, VisitorActivity
from crm.pages import Page
from kit.refusals import NotFound


class ConsumerUnknown(NotFound):
    code: ClassVar[str] = "consumer_unknown"
    says: ClassVar[str] = "There is no such consumer."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerRow:
    """A line of the list. `last_scan_at` is None until a scan of one of their visitors has been recorded."""

    id: UUID
    phone: str
    nickname: str
    joined_at: datetime
    last_scan_at: datetime | None
    scans: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    id: UUID
    phone: str
    nickname: str
    language: str
    joined_at: datetime
    source: dict[str, str]
    last_scan_at: datetime | None
    scans: int
    visitors: tuple[bytes, ...]
    consents: dict[Purpose, Answer]
    points: Balance


def page(
    session: Session,
    *,
    tenant_id: int,
    keys: PersonalKeys,
    now: datetime,
    phone: E164 | None = None,
    cursor: str | None = None,
    rows_max: int = pages.PAGE_ROWS,
) -> Page[ConsumerRow]:
    """Consumers, latest joined first; with `phone` the one who has it."""
    rows_max = pages.size(rows_max)
    query = _rows(tenant_id, now=now).where(Consumer.tenant_id == tenant_id)
    if phone is not None:
        phone_hash = identities.hash_phone(phone, keys=keys, tenant_id=tenant_id)
        known = identities.find_by_phone_hash(session, tenant_id=tenant_id, phone_hash=phone_hash)
        query = query.where(Consumer.id == known)
    if cursor is not None:
        query = query.where(tuple_(Consumer.joined_at, Consumer.id) < _place(session, tenant_id=tenant_id, cursor=cursor))
    rows = session.execute(query.order_by(Consumer.joined_at.desc(), Consumer.id.desc()).limit(rows_max + 1)).all()
    return pages.cut([_row(row, keys=keys, tenant_id=tenant_id) for row in rows], rows_max=rows_max, key=lambda row: row.id)


def one(session: Session, *, tenant_id: int, consumer_id: UUID, keys: PersonalKeys, now: datetime) -> Profile:
    found = session.execute(
        _rows(tenant_id, now=now).where(Consumer.tenant_id == tenant_id, Consumer.id == consumer_id)
    ).one_or_none()
    if found is None:
        raise ConsumerUnknown(consumer_id=consumer_id)
    row = _row(found, keys=keys, tenant_id=tenant_id)
    return Profile(
        id=row.id,
        phone=row.phone,
        nickname=row.nickname,
        language=found.language,
        joined_at=row.joined_at,
        source=found.source,
        last_scan_at=row.last_scan_at,
        scans=row.scans,
        visitors=identities.visitors_of(session, tenant_id=tenant_id, consumer_id=consumer_id),
        consents=consents.current(session, tenant_id=tenant_id, consumer_id=consumer_id),
        points=ledger.balance(session, tenant_id=tenant_id, consumer_id=consumer_id, at=now),
    )


def count(session: Session, *, tenant_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Consumer).where(Consumer.tenant_id == tenant_id)) or 0


def project_visitors(session: Session, *, tenant_id: int, scans: SelectBase) -> None:
    """Adds scans as the log has just recorded them: a query of `visitor`, `scanned_at`, `new` (its row was added now) and `confirmed`
    (its confirmation was recorded now). A query, so that thousands of scans need not pass through this process.
    """
    scan = scans.subquery()
    activity = (
        select(
            literal(tenant_id, BigInteger),
            scan.c.visitor,
            func.min(scan.c.scanned_at),
            func.max(scan.c.scanned_at),
            func.count().filter(scan.c.new),
            func.count().filter(scan.c.confirmed),
        )
        .group_by(scan.c.visitor)
        # One order for all, so that of two ingesters one waits for the other and no two for each other.
        .order_by(scan.c.visitor)
    )
    adding = insert(VisitorActivity).from_select(["tenant_id", "visitor", "first_at", "last_at", "scans", "confirmed"], activity)
    added = adding.excluded
    session.execute(
        adding.on_conflict_do_update(
            index_elements=["tenant_id", "visitor"],
            set_={
                "first_at": func.least(VisitorActivity.first_at, added.first_at),
                "last_at": func.greatest(VisitorActivity.last_at, added.last_at),
                "scans": VisitorActivity.scans + added.scans,
                "confirmed": VisitorActivity.confirmed + added.confirmed,
            },
        )
    )


def _rows(tenant_id: int, *, now: datetime) -> Select[Any]:
    """Each line reads its own few rows by index; a page has at most pages.PAGE_ROWS_MAX of them."""
    phone = (
        select(Identity.value_sealed)
        .where(Identity.tenant_id == tenant_id, Identity.consumer_id == Consumer.id, Identity.kind == "phone")
        .order_by(Identity.linked_at)
        .limit(1)
        .correlate(Consumer)
        .scalar_subquery()
    )
    activity = (
        select(
            func.max(VisitorActivity.last_at).label("last_at"), func.coalesce(func.sum(VisitorActivity.scans), 0).label("scans")
        )
        .join(Identity, (Identity.tenant_id == VisitorActivity.tenant_id) & (Identity.value_hash == VisitorActivity.visitor))
        .where(Identity.tenant_id == tenant_id, Identity.kind == "visitor", Identity.consumer_id == Consumer.id)
        .correlate(Consumer)
        .lateral()
    )
    points = (
        select(func.coalesce(func.sum(PointLot.points_remaining), 0))
        .join(PointAccount, (PointAccount.tenant_id == PointLot.tenant_id) & (PointAccount.id == PointLot.account_id))
        .where(
            PointAccount.tenant_id == tenant_id,
            PointAccount.consumer_id == Consumer.id,
            PointLot.points_remaining > 0,
            PointLot.activates_at <= now,
            PointLot.expires_at.is_(None) | (PointLot.expires_at > now),
        )
        .correlate(Consumer)
        .scalar_subquery()
    )
    return select(
        Consumer.id,
        Consumer.nickname,
        Consumer.language,
        Consumer.source,
        Consumer.joined_at,
        phone.label("phone_sealed"),
        activity.c.last_at,
        activity.c.scans,
        points.label("points"),
    ).join(activity, true())


def _row(row: Any, *, keys: PersonalKeys, tenant_id: int) -> ConsumerRow:
    sealed = row.phone_sealed
    return ConsumerRow(
        id=row.id,
        phone="" if sealed is None else identities.masked(identities.unseal_phone(sealed, keys=keys, tenant_id=tenant_id)),
        nickname=row.nickname,
        joined_at=row.joined_at,
        last_scan_at=row.last_at,
        scans=int(row.scans),
        points=int(row.points),
    )


def _place(session: Session, *, tenant_id: int, cursor: str) -> Any:
    """Where in the list the consumer of the cursor stands."""
    consumer_id = pages.read_cursor(cursor)
    joined_at = session.scalar(select(Consumer.joined_at).where(Consumer.tenant_id == tenant_id, Consumer.id == consumer_id))
    if joined_at is None:
        raise pages.CursorMalformed
    return tuple_(joined_at, consumer_id)
