"""Where given goods were scanned: whole orders, and single codes, each from the instant at which it became somebody's.

Promises: a scan counts once, also where an order and one of its codes are both named: what is said of a code beats what is said of its
order. Scans of codes that were never made belong to no goods. Nothing of whoever scanned leaves this module: neither visitor nor
address nor position, only the division that the position lies in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    SmallInteger,
    TableValuedAlias,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from scanservice.models import Scan
from scanservice.verdicts import Verdict

LATEST_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSince:
    """All codes of an order, from an instant on."""

    order_id: UUID
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSince:
    """One code, from an instant on; `since` None: it is not among these goods, although its order may be."""

    epoch: int
    counter: int
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    orders: tuple[OrderSince, ...] = ()
    codes: tuple[CodeSince, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Scans of one lot in one division ('' where the position is not known)."""

    lot: str
    division: str
    verdict: Verdict
    scans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    scanned_at: datetime
    lot: str
    division: str
    verdict: Verdict


def by_division(
    session: Session, goods: Goods, *, tenant_id: int, since: datetime | None = None, until: datetime
) -> tuple[Counted, ...]:
    """Scans in [since, until), the most scanned first; without `since` from the beginning."""
    number = func.count()
    rows = session.execute(
        select(Scan.lot, Scan.division, Scan.verdict, number)
        .where(_among(goods, tenant_id=tenant_id), *_within(since, until))
        .group_by(Scan.lot, Scan.division, Scan.verdict)
        .order_by(number.desc(), Scan.lot, Scan.division, Scan.verdict)
    )
    return tuple(
        Counted(lot=lot, division=division, verdict=Verdict(verdict), scans=scans) for lot, division, verdict, scans in rows
    )


def latest(
    session: Session, goods: Goods, *, tenant_id: int, since: datetime | None = None, until: datetime, limit: int
) -> tuple[Latest, ...]:
    rows = session.execute(
        select(Scan.scanned_at, Scan.lot, Scan.division, Scan.verdict)
        .where(_among(goods, tenant_id=tenant_id), *_within(since, until))
        .order_by(Scan.scanned_at.desc(), Scan.scan_id)
        .limit(min(limit, LATEST_MAX))
    )
    return tuple(
        Latest(scanned_at=at, lot=lot, division=division, verdict=Verdict(verdict)) for at, lot, division, verdict in rows
    )


def _within(since: datetime | None, until: datetime) -> Sequence[ColumnElement[bool]]:
    return (Scan.scanned_at < until,) if since is None else (Scan.scanned_at >= since, Scan.scanned_at < until)


def _among(goods: Goods, *, tenant_id: int) -> ColumnElement[bool]:
    named = _codes(goods.codes, "named")
    own = _codes([code for code in goods.codes if code.since is not None], "own")
    orders = _orders(goods.orders)
    of_order = exists(select(orders.c.order_id).where(orders.c.order_id == Scan.order_id, orders.c.since <= Scan.scanned_at))
    decided_alone = exists(select(named.c.counter).where(named.c.epoch == Scan.epoch, named.c.counter == Scan.counter))
    of_code = exists(
        select(own.c.counter).where(own.c.epoch == Scan.epoch, own.c.counter == Scan.counter, own.c.since <= Scan.scanned_at)
    )
    if not goods.codes:
        return and_(Scan.tenant_id == tenant_id, of_order)
    return and_(Scan.tenant_id == tenant_id, or_(and_(of_order, ~decided_alone), of_code))


def _orders(orders: Sequence[OrderSince]) -> TableValuedAlias:
    return _table(
        "goods_order",
        order_id=([one.order_id for one in orders], Uuid()),
        since=([one.since for one in orders], TIMESTAMP(timezone=True)),
    )


def _codes(codes: Sequence[CodeSince], name: str) -> TableValuedAlias:
    return _table(
        name,
        epoch=([one.epoch for one in codes], SmallInteger()),
        counter=([one.counter for one in codes], BigInteger()),
        since=([one.since for one in codes], TIMESTAMP(timezone=True)),
    )


def _table(name: str, **columns: tuple[list[Any], Any]) -> TableValuedAlias:
    """Lists as a table: however many rows, one parameter for each column."""
    arrays = [bindparam(None, values, ARRAY(kind), unique=True) for values, kind in columns.values()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name=name)
