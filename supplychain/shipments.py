"""What was shipped to whom, and when: whole lots, or single serials (an item, a case, a pallet).

Promises: a shipment's id follows from its facts, so the same shipment reported twice is one row. `distributor_of` believes a serial's
own shipment, or that of the case or pallet around it, before its lot's, and says nothing where a lot went to several distributors: whose item it is cannot be told then.
Refuses nothing; who reports shipments checks that distributor, lot and serial exist.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session, aliased

from codegen.orders import CodeOrder
from supplychain.models import Shipment as ShipmentRow

LOTS_MAX = 1_000
_NAMESPACE = UUID("8a0f3f0e-0d0b-5c57-9f6e-3f2f3c8f7a51")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A lot's shipment has neither serial nor epoch and counter; a serial's has all three, and its order's lot for the reader."""

    distributor_id: str
    shipped_at: datetime
    lot: str
    serial: str = ""
    epoch: int | None = None
    counter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLot:
    """What one distributor received of a lot. `serials` counts single shipments; `whole` says that the lot itself was shipped.

    `shared`: other distributors received the whole lot too, so a scan of it may be of their goods.
    """

    lot: str
    first_at: datetime
    last_at: datetime
    whole: bool
    serials: int
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LotShipment:
    distributor_id: str
    shipped_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReceiver:
    """Who received a single serial last."""

    epoch: int
    counter: int
    lot: str
    distributor_id: str
    shipped_at: datetime


def identify(shipment: Shipment, *, tenant_id: int) -> UUID:
    """UUID version 5 of the facts."""
    what = f"serial {shipment.serial}" if shipment.serial else f"lot {shipment.lot}"
    at = shipment.shipped_at.astimezone(UTC).isoformat(timespec="microseconds")
    return uuid5(_NAMESPACE, "\x1f".join((str(tenant_id), at, shipment.distributor_id, what)))


def record(session: Session, shipments: Iterable[Shipment], *, tenant_id: int) -> int:
    """How many of them were new. Rows go in by id, so that two imports at once never wait for each other in a circle."""
    rows = {
        identify(shipment, tenant_id=tenant_id): {
            "tenant_id": tenant_id,
            "distributor_id": shipment.distributor_id,
            "shipped_at": shipment.shipped_at,
            "lot": shipment.lot,
            "serial": shipment.serial,
            "epoch": shipment.epoch,
            "counter": shipment.counter,
        }
        for shipment in shipments
    }
    ordered = [{"id": identifier, **rows[identifier]} for identifier in sorted(rows)]
    if not ordered:
        return 0
    # Many rows in one statement's pages: SQLAlchemy compiles the statement once, whatever their number.
    statement = insert(ShipmentRow).on_conflict_do_nothing().returning(ShipmentRow.id)
    return len(session.scalars(statement, ordered).all())


def lots_of(session: Session, distributor_id: str, *, tenant_id: int, limit: int = LOTS_MAX) -> tuple[ShippedLot, ...]:
    """The goods shipped to a distributor, the latest first."""
    other = aliased(ShipmentRow)
    shared = (
        select(literal(1))
        .where(
            other.tenant_id == tenant_id,
            other.lot == ShipmentRow.lot,
            other.epoch.is_(None),
            other.distributor_id != distributor_id,
        )
        .exists()
    )
    last_at = func.max(ShipmentRow.shipped_at)
    rows = session.execute(
        select(
            ShipmentRow.lot,
            func.min(ShipmentRow.shipped_at),
            last_at,
            func.bool_or(ShipmentRow.epoch.is_(None)),
            func.count(func.distinct(ShipmentRow.serial)).filter(ShipmentRow.epoch.is_not(None)),
            shared,
        )
        .where(ShipmentRow.tenant_id == tenant_id, ShipmentRow.distributor_id == distributor_id)
        .group_by(ShipmentRow.lot)
        .order_by(last_at.desc(), ShipmentRow.lot)
        .limit(limit)
    )
    return tuple(
        ShippedLot(lot=lot, first_at=first, last_at=last, whole=whole, serials=serials, shared=is_shared)
        for lot, first, last, whole, serials, is_shared in rows
    )


def serials_of(
    session: Session, distributor_id: str, *, tenant_id: int, lots: Sequence[str] = (), limit: int
) -> tuple[Shipment, ...]:
    """Single serials shipped to a distributor, the latest first; of the given lots, or of all."""
    query = select(ShipmentRow).where(
        ShipmentRow.tenant_id == tenant_id, ShipmentRow.distributor_id == distributor_id, ShipmentRow.epoch.is_not(None)
    )
    if lots:
        query = query.where(ShipmentRow.lot.in_(lots))
    rows = session.scalars(query.order_by(ShipmentRow.shipped_at.desc(), ShipmentRow.id).limit(limit))
    return tuple(
        Shipment(
            distributor_id=row.distributor_id,
            shipped_at=row.shipped_at,
            lot=row.lot,
            serial=row.serial,
            epoch=row.epoch,
            counter=row.counter,
        )
        for row in rows
    )


def last_receivers(session: Session, *, tenant_id: int, lots: Sequence[str], limit: int) -> tuple[LastReceiver, ...]:
    """The last receiver of every serial of these lots that was shipped by itself, by whomever; at most `limit` serials."""
    rows = session.execute(
        select(ShipmentRow.epoch, ShipmentRow.counter, ShipmentRow.lot, ShipmentRow.distributor_id, ShipmentRow.shipped_at)
        .where(ShipmentRow.tenant_id == tenant_id, ShipmentRow.epoch.is_not(None), ShipmentRow.lot.in_(lots))
        .ext(distinct_on(ShipmentRow.epoch, ShipmentRow.counter))
        .order_by(ShipmentRow.epoch, ShipmentRow.counter, ShipmentRow.shipped_at.desc(), ShipmentRow.id.desc())
        .limit(limit)
    ).all()
    return tuple(
        LastReceiver(
            epoch=row.epoch, counter=row.counter, lot=row.lot, distributor_id=row.distributor_id, shipped_at=row.shipped_at
        )
        for row in rows
        if row.epoch is not None and row.counter is not None
    )


def path_of(session: Session, order: CodeOrder, counter: int, *, tenant_id: int, lot: str) -> tuple[LotShipment, ...]:
    """Every shipment that an item of the order was part of, its own, its case's, its pallet's and its lot's, the earliest first."""
    rows = session.execute(
        select(ShipmentRow.distributor_id, ShipmentRow.shipped_at)
        .where(ShipmentRow.tenant_id == tenant_id, _carries(lot, order.epoch, holders(order, counter)))
        .order_by(ShipmentRow.shipped_at, ShipmentRow.id)
    )
    return tuple(LotShipment(distributor_id=distributor_id, shipped_at=at) for distributor_id, at in rows)


def distributor_of(session: Session, order: CodeOrder, counter: int, *, tenant_id: int, lot: str, at: datetime) -> str | None:
    """Whose item this was at an instant: the last receiver of its serial or of what it is packed in, else the only receiver of its lot, else nobody known."""
    own = session.scalar(
        select(ShipmentRow.distributor_id)
        .where(
            ShipmentRow.tenant_id == tenant_id,
            ShipmentRow.epoch == order.epoch,
            ShipmentRow.counter.in_(holders(order, counter)),
            ShipmentRow.shipped_at <= at,
        )
        .order_by(ShipmentRow.shipped_at.desc(), ShipmentRow.id.desc())
        .limit(1)
    )
    if own is not None:
        return own
    receivers = session.scalars(
        select(ShipmentRow.distributor_id)
        .where(
            ShipmentRow.tenant_id == tenant_id,
            ShipmentRow.lot == lot,
            ShipmentRow.epoch.is_(None),
            ShipmentRow.shipped_at <= at,
        )
        .distinct()
        .limit(2)
    ).all()
    return receivers[0] if len(receivers) == 1 else None


def holders(order: CodeOrder, counter: int) -> list[int]:
    """The code itself and what it is packed in by plan, from the inside out: whoever received one of them received it. Pure."""
    found = [counter]
    while (parent := order.parent_of(found[-1])) is not None:
        found.append(parent)
    return found


def _carries(lot: str, epoch: int, counters: Sequence[int]) -> ColumnElement[bool]:
    whole_lot = (ShipmentRow.lot == lot) & ShipmentRow.epoch.is_(None)
    return or_(whole_lot, (ShipmentRow.epoch == epoch) & ShipmentRow.counter.in_(counters))
