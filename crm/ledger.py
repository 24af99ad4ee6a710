"""The points ledger: double entry, whole points, rows that are only added.

Promises: every movement is a transfer whose entries add up to zero (the database checks it at commit); a transfer is unique for
ever by its natural key, so the same command twice gives the first answer; balances follow from time alone and are right even if
the expiry sweep never runs; a spend takes what expires first, all or nothing, however many spend at once.
Refuses the same key with another body. The body is who, how much, which kind and the facts; instants are no part of it, because a
command that is sent again is sent later.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import lots, pages, transfers
from crm.lots import Balance, Lot
from crm.models import LotAllocation, PointAccount, PointEntry, PointLot, PointTransfer
from crm.pages import Page
from crm.transfers import Command, Facts, House, Kind, Transfer
from kit import ids
from kit.refusals import Invalid

EXPIRE_LOTS_MAX = 500


class ValidityInvalid(Invalid):
    code: ClassVar[str] = "points_validity"
    says: ClassVar[str] = "Points must expire after they become valid."


def earn(
    session: Session,
    *,
    tenant_id: int,
    consumer_id: UUID,
    points: int,
    natural_key: str,
    actor: str,
    now: datetime,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    facts: Facts | None = None,
    transfer_id: UUID | None = None,
) -> Transfer:
    """Gives a consumer a lot of points, valid from `activates_at` (default: now) until `expires_at` (None: for ever)."""
    lots.checked_points(points)
    starts_at = activates_at or now
    if expires_at is not None and expires_at <= starts_at:
        raise ValidityInvalid(activates_at=starts_at, expires_at=expires_at)
    command = Command(
        tenant_id=tenant_id,
        consumer_id=consumer_id,
        kind=Kind.EARN,
        points=points,
        natural_key=natural_key,
        actor=actor,
        facts=facts or {},
    )
    account_id = transfers.account(session, tenant_id=tenant_id, now=now, consumer_id=consumer_id)
    number = transfers.begin(session, command, transfer_id=transfer_id or ids.uuid7(now), now=now)
    if number is not None:
        transfers.post(session, command, transfer_id=number, account_id=account_id, house=House.ISSUED, now=now)
        session.execute(
            insert(PointLot).values(
                tenant_id=tenant_id,
                id=ids.uuid7(now),
                account_id=account_id,
                transfer_id=number,
                points_original=points,
                points_remaining=points,
                activates_at=starts_at,
                expires_at=expires_at,
            )
        )
    return transfers.answer(session, command)


def spend(
    session: Session,
    *,
    tenant_id: int,
    consumer_id: UUID,
    points: int,
    natural_key: str,
    actor: str,
    now: datetime,
    facts: Facts | None = None,
) -> Transfer:
    """Takes points away, earliest expiry first; refuses with PointsInsufficient rather than take a part."""
    lots.checked_points(points)
    command = Command(
        tenant_id=tenant_id,
        consumer_id=consumer_id,
        kind=Kind.SPEND,
        points=-points,
        natural_key=natural_key,
        actor=actor,
        facts=facts or {},
    )
    if transfers.find(session, tenant_id=tenant_id, natural_key=natural_key) is not None:
        return transfers.answer(session, command)
    account_id = transfers.account(session, tenant_id=tenant_id, now=now, consumer_id=consumer_id)
    open_lots = _lock_available(session, tenant_id=tenant_id, account_id=account_id, now=now)
    # The same command may have been carried out while we waited for the lots.
    if transfers.find(session, tenant_id=tenant_id, natural_key=natural_key) is not None:
        return transfers.answer(session, command)
    allocations = lots.plan_spend(open_lots, points=points, at=now)
    number = transfers.begin(session, command, transfer_id=ids.uuid7(now), now=now)
    if number is not None:
        transfers.post(session, command, transfer_id=number, account_id=account_id, house=House.SPENT, now=now)
        transfers.allocate(session, tenant_id=tenant_id, taken=[(number, allocation) for allocation in allocations])
    return transfers.answer(session, command)


def expire_due(session: Session, *, tenant_id: int, now: datetime, lots_max: int = EXPIRE_LOTS_MAX) -> int:
    """Books what has run out, at most `lots_max` lots; returns how many. Lots that somebody is using right now wait for the next run."""
    rows = session.execute(
        select(*_LOT_COLUMNS, PointLot.account_id)
        .where(PointLot.tenant_id == tenant_id, PointLot.expires_at <= now, PointLot.points_remaining > 0)
        .order_by(PointLot.expires_at, PointLot.id)
        .limit(lots_max)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return 0
    accounts = {row.id: row.account_id for row in rows}
    over = [_lot(row) for row in rows]
    booked = [(ids.uuid7(now), allocation) for allocation in lots.due(over, at=now)]
    expired_at = {lot.id: lot.expires_at for lot in over}
    house_id = transfers.account(session, tenant_id=tenant_id, now=now, house=House.EXPIRED)
    session.execute(
        insert(PointTransfer).values(
            [
                {
                    "tenant_id": tenant_id,
                    "id": transfer_id,
                    "natural_key": f"expire:{allocation.lot_id}",
                    "kind": Kind.EXPIRE.value,
                    "effective_at": expired_at[allocation.lot_id],
                    "recorded_at": now,
                    "actor": "expiry",
                    "facts": {},
                }
                for transfer_id, allocation in booked
            ]
        )
    )
    sides = [
        {"tenant_id": tenant_id, "transfer_id": transfer_id, "account_id": account_id, "points": points}
        for transfer_id, allocation in booked
        for account_id, points in ((accounts[allocation.lot_id], -allocation.points), (house_id, allocation.points))
    ]
    session.execute(insert(PointEntry).values(sides))
    transfers.allocate(session, tenant_id=tenant_id, taken=booked)
    return len(booked)


def balance(session: Session, *, tenant_id: int, consumer_id: UUID, at: datetime) -> Balance:
    """The balance at `at`, as it was known then: a past instant sees neither later earns nor later spends."""
    return lots.balance(open_lots(session, tenant_id=tenant_id, consumer_id=consumer_id, at=at), at=at)


def open_lots(session: Session, *, tenant_id: int, consumer_id: UUID, at: datetime) -> tuple[Lot, ...]:
    """Lots of which something was left at `at`, in the order in which they are spent."""
    spending = PointTransfer.__table__.alias("spending")
    taken = (
        select(func.coalesce(func.sum(LotAllocation.points), 0))
        .join(spending, (spending.c.tenant_id == LotAllocation.tenant_id) & (spending.c.id == LotAllocation.transfer_id))
        .where(LotAllocation.tenant_id == PointLot.tenant_id, LotAllocation.lot_id == PointLot.id, spending.c.recorded_at <= at)
        .correlate(PointLot)
        .scalar_subquery()
    )
    left = (PointLot.points_original - taken).label("points_remaining")
    rows = session.execute(
        select(PointLot.id, PointLot.points_original, left, PointLot.activates_at, PointLot.expires_at)
        .join(PointAccount, (PointAccount.tenant_id == PointLot.tenant_id) & (PointAccount.id == PointLot.account_id))
        .join(PointTransfer, (PointTransfer.tenant_id == PointLot.tenant_id) & (PointTransfer.id == PointLot.transfer_id))
        .where(
            PointLot.tenant_id == tenant_id,
            PointAccount.consumer_id == consumer_id,
            PointTransfer.recorded_at <= at,
            left > 0,
        )
    ).all()
    return tuple(sorted((_lot(row) for row in rows), key=lots.spend_order))


def history(
    session: Session, *, tenant_id: int, consumer_id: UUID, cursor: str | None = None, rows_max: int = pages.PAGE_ROWS
) -> Page[Transfer]:
    """A consumer's movements, latest recorded first."""
    rows_max = pages.size(rows_max)
    query = transfers.movements(tenant_id).where(PointAccount.consumer_id == consumer_id)
    if cursor is not None:
        query = query.where(PointTransfer.id < pages.read_cursor(cursor))
    # Transfer ids are time-ordered, so their order is the order of recording.
    rows = session.execute(query.order_by(PointTransfer.id.desc()).limit(rows_max + 1)).all()
    return pages.cut([transfers.read(row) for row in rows], rows_max=rows_max, key=lambda transfer: transfer.id)


_LOT_COLUMNS = (PointLot.id, PointLot.points_original, PointLot.points_remaining, PointLot.activates_at, PointLot.expires_at)


def transfer(session: Session, *, tenant_id: int, transfer_id: UUID) -> Transfer | None:
    """One movement by its id, as the consumer sees it."""
    row = session.execute(transfers.movements(tenant_id).where(PointTransfer.id == transfer_id)).one_or_none()
    return None if row is None else transfers.read(row)


def _lot(row: Any) -> Lot:
    return Lot(
        id=row.id,
        points_original=row.points_original,
        points_remaining=int(row.points_remaining),
        activates_at=row.activates_at,
        expires_at=row.expires_at,
    )


def _lock_available(session: Session, *, tenant_id: int, account_id: UUID, now: datetime) -> Sequence[Lot]:
    """The spendable lots, each locked. Everybody locks them in the order of spending, so two spends wait instead of deadlocking."""
    rows: Iterable[Any] = session.execute(
        select(*_LOT_COLUMNS)
        .where(
            PointLot.tenant_id == tenant_id,
            PointLot.account_id == account_id,
            PointLot.points_remaining > 0,
            PointLot.activates_at <= now,
            PointLot.expires_at.is_(None) | (PointLot.expires_at > now),
        )
        .order_by(PointLot.expires_at.asc().nulls_last(), PointLot.activates_at, PointLot.id)
        .with_for_update()
    )
    return [_lot(row) for row in rows]
