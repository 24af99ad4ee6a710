"""What the brand knows of its consumers, and the projection of visitors' activity that feeds it.

Promises: phone numbers are shown masked and searched by their keyed hash; points are those available at the asked instant.
`project_visitors` adds what it is given: the ingester hands over each scan once as new and once as confirmed, in the transaction
that records it, which makes the projection exact. It does not depend on the order of scans.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select, text, true, tuple_
from sqlalchemy.orm import Session

from crm import consents, identities, ledger, pages
from crm.consents import Answer, Purpose
from crm.identities import E164, PersonalKeys
from crm.lots import Balance
from crm.models import Consumer, Identity, PointAccount, PointLot, VisitorActivity
from crm.pages import Page
from kit.refusals import NotFound

# Arrays and not a list of values: thousands of visitors stay five parameters, and the statement is compiled once.
_ADD_ACTIVITY = text("""
INSERT INTO visitor_activity (tenant_id, visitor, first_at, last_at, scans, confirmed)
SELECT :tenant_id, n.visitor, n.first_at, n.last_at, n.scans, n.confirmed
  FROM unnest(CAST(:visitors AS bytea[]), CAST(:first AS timestamptz[]), CAST(:last AS timestamptz[]),
              CAST(:scans AS bigint[]), CAST(:confirmed AS bigint[]))
       AS n (visitor, first_at, last_at, scans, confirmed)
ON CONFLICT (tenant_id, visitor)
DO UPDATE SET first_at = least(visitor_activity.first_at, excluded.first_at),
              last_at = greatest(visitor_activity.last_at, excluded.last_at),
              scans = visitor_activity.scans + excluded.scans,
              confirmed = visitor_activity.confirmed + excluded.confirmed
""")


class ConsumerUnknown(NotFound):
    code: ClassVar[str] = "consumer_unknown"
    says: ClassVar[str] = "There is no such consumer."


class VisitorScan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scan as the log has just recorded it. `new`: its row was added now; `confirmed`: its confirmation was recorded now."""

    visitor: bytes
    scanned_at: datetime
    confirmed: bool
    new: bool


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


def project_visitors(session: Session, *, tenant_id: int, scans: Iterable[VisitorScan]) -> None:
    rows = _activity(tenant_id, scans)
    if rows:
        session.execute(_ADD_ACTIVITY, rows)


def _activity(tenant_id: int, scans: Iterable[VisitorScan]) -> dict[str, Any]:
    """One row for each visitor, in one order, so that two ingesters wait for each other instead of deadlocking."""
    seen: dict[bytes, list[Any]] = {}
    for scan in scans:
        known = seen.get(scan.visitor)
        if known is None:
            seen[scan.visitor] = [scan.scanned_at, scan.scanned_at, int(scan.new), int(scan.confirmed)]
            continue
        known[0] = min(known[0], scan.scanned_at)
        known[1] = max(known[1], scan.scanned_at)
        known[2] += scan.new
        known[3] += scan.confirmed
    if not seen:
        return {}
    ordered = sorted(seen.items())
    return {
        "tenant_id": tenant_id,
        "visitors": _array(f'"\\\\x{visitor.hex()}"' for visitor, _ in ordered),
        "first": _array(activity[0].isoformat() for _, activity in ordered),
        "last": _array(activity[1].isoformat() for _, activity in ordered),
        "scans": _array(str(activity[2]) for _, activity in ordered),
        "confirmed": _array(str(activity[3]) for _, activity in ordered),
    }


def _array(elements: Iterable[str]) -> str:
    """A PostgreSQL array as text. psycopg would look through each element of a list for what must be escaped: a tenth of an ingest."""
    return "{" + ",".join(elements) + "}"


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
