"""Transfers: the rows that every movement of points writes, whatever moved them. Used by crm.ledger alone.

Promises: a transfer's head is written once by its natural key, and whoever loses that race writes nothing else; accounts are opened
when they are needed first. Refuses the same key with another body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import lots
from crm.lots import Allocation
from crm.models import LotAllocation, PointAccount, PointEntry, PointLot, PointTransfer
from kit import ids
from kit.refusals import Conflict

NATURAL_KEY_CHARS_MAX = 200

Facts = Mapping[str, str | int | None]


class Kind(StrEnum):
    EARN = "earn"
    SPEND = "spend"
    EXPIRE = "expire"


class House(StrEnum):
    """Where points come from and go to."""

    ISSUED = "issued"
    SPENT = "spent"
    EXPIRED = "expired"


class TransferDiffers(Conflict):
    code: ClassVar[str] = "transfer_differs"
    says: ClassVar[str] = "The movement {natural_key} was made before, and it was another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement as the consumer sees it: `points` is negative where they left. `expires_at` belongs to an earn's lot."""

    id: UUID
    natural_key: str
    kind: Kind
    points: int
    effective_at: datetime
    recorded_at: datetime
    activates_at: datetime | None
    expires_at: datetime | None
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody wants moved, and by which name it is known for ever."""

    tenant_id: int
    consumer_id: UUID
    kind: Kind
    points: int
    natural_key: str
    actor: str
    facts: Facts

    def __post_init__(self) -> None:
        lots.checked_points(abs(self.points))
        if not 0 < len(self.natural_key) <= NATURAL_KEY_CHARS_MAX:
            raise ValueError(f"a natural key has 1 to {NATURAL_KEY_CHARS_MAX} characters, not {len(self.natural_key)}")


def find(session: Session, *, tenant_id: int, natural_key: str) -> Transfer | None:
    row = session.execute(movements(tenant_id).where(PointTransfer.natural_key == natural_key)).one_or_none()
    return None if row is None else read(row)


def movements(tenant_id: int) -> Any:
    """Transfers seen from the consumer's side; a house account is never the side that is shown."""
    return (
        select(
            PointTransfer.id,
            PointTransfer.natural_key,
            PointTransfer.kind,
            PointEntry.points,
            PointTransfer.effective_at,
            PointTransfer.recorded_at,
            PointTransfer.facts,
            PointAccount.consumer_id,
            PointLot.activates_at,
            PointLot.expires_at,
        )
        .join(PointEntry, (PointEntry.tenant_id == PointTransfer.tenant_id) & (PointEntry.transfer_id == PointTransfer.id))
        .join(PointAccount, (PointAccount.tenant_id == PointEntry.tenant_id) & (PointAccount.id == PointEntry.account_id))
        .outerjoin(PointLot, (PointLot.tenant_id == PointTransfer.tenant_id) & (PointLot.transfer_id == PointTransfer.id))
        .where(PointTransfer.tenant_id == tenant_id, PointAccount.house.is_(None))
    )


def read(row: Any) -> Transfer:
    return Transfer(
        id=row.id,
        natural_key=row.natural_key,
        kind=Kind(row.kind),
        points=row.points,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        activates_at=row.activates_at,
        expires_at=row.expires_at,
        facts=row.facts,
    )


def answer(session: Session, command: Command) -> Transfer:
    """The transfer of this name, made just now or long ago, if it is the one that was asked for."""
    row = session.execute(movements(command.tenant_id).where(PointTransfer.natural_key == command.natural_key)).one_or_none()
    if row is None:
        raise RuntimeError(f"transfer {command.natural_key} was begun and has no entries")
    found = (row.kind, row.consumer_id, row.points, dict(row.facts))
    if found != (command.kind.value, command.consumer_id, command.points, dict(command.facts)):
        raise TransferDiffers(natural_key=command.natural_key)
    return read(row)


def begin(session: Session, command: Command, *, transfer_id: UUID, now: datetime) -> UUID | None:
    """Writes the transfer's head. None when the natural key is taken: then nothing else may be written."""
    return session.scalar(
        insert(PointTransfer)
        .values(
            tenant_id=command.tenant_id,
            id=transfer_id,
            natural_key=command.natural_key,
            kind=command.kind.value,
            effective_at=now,
            recorded_at=now,
            actor=command.actor,
            facts=dict(command.facts),
        )
        .on_conflict_do_nothing(index_elements=[PointTransfer.tenant_id, PointTransfer.natural_key])
        .returning(PointTransfer.id)
    )


def post(session: Session, command: Command, *, transfer_id: UUID, account_id: UUID, house: House, now: datetime) -> None:
    house_id = account(session, tenant_id=command.tenant_id, now=now, house=house)
    sides = [
        {"tenant_id": command.tenant_id, "transfer_id": transfer_id, "account_id": side, "points": points}
        for side, points in ((account_id, command.points), (house_id, -command.points))
    ]
    session.execute(insert(PointEntry).values(sides))


def account(
    session: Session, *, tenant_id: int, now: datetime, consumer_id: UUID | None = None, house: House | None = None
) -> UUID:
    """The account of a consumer or of the house, opened when it is needed first."""
    name = None if house is None else house.value
    owned = PointAccount.house == name if consumer_id is None else PointAccount.consumer_id == consumer_id
    query = select(PointAccount.id).where(PointAccount.tenant_id == tenant_id, owned)
    known = session.scalar(query)
    if known is not None:
        return known
    session.execute(
        insert(PointAccount)
        .values(tenant_id=tenant_id, id=ids.uuid7(now), house=name, consumer_id=consumer_id, opened_at=now)
        .on_conflict_do_nothing()
    )
    return session.scalars(query).one()


def allocate(session: Session, *, tenant_id: int, taken: Sequence[tuple[UUID, Allocation]]) -> None:
    """Notes which transfer took what from which lot, and takes it. The lots are locked by the caller."""
    rows = [
        {"tenant_id": tenant_id, "transfer_id": transfer_id, "lot_id": allocation.lot_id, "points": allocation.points}
        for transfer_id, allocation in taken
    ]
    session.execute(insert(LotAllocation).values(rows))
    changed = session.execute(
        update(PointLot)
        .values(points_remaining=PointLot.points_remaining - LotAllocation.points)
        .where(
            PointLot.tenant_id == tenant_id,
            LotAllocation.tenant_id == PointLot.tenant_id,
            LotAllocation.lot_id == PointLot.id,
            LotAllocation.transfer_id.in_({transfer_id for transfer_id, _ in taken}),
        )
        .returning(PointLot.id)
    ).all()
    if len(changed) != len(taken):
        raise RuntimeError(f"{len(taken)} lots were to be changed and {len(changed)} were")
