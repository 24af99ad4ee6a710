"""Blank codes and what they are bound to: labels printed before anybody knows what they will stick on.

Promises: a binding names product, lot and scene (the use that it was bound for) of a stretch of a blank order's codes, or of a list of scanned ones,
of which neighbours share a row; a code is bound once, and binding it to the same again changes nothing. Until then its scans are `inactive`,
reason `unbound`, even where it is active. Refuses orders that have a product, drafts, closed orders, and another binding of what is bound:
void the codes and take new labels, for nobody can say any more what the old ones stand on.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version, models, orders, products
from codegen.audit import Action
from codegen.code_lists import serial_lists
from codegen.gtin import Gtin
from codegen.lifecycle import intervals
from codegen.lifecycle.intervals import Stretch
from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder, OrderClosed, Stage
from kit import ids
from kit.refusals import Conflict


class Scene(StrEnum):
    """What scanning the code is for."""

    VERIFY = "verify"
    REWARD = "reward"
    TRACE = "trace"


class OrderNotBlank(Conflict):
    code = "order_not_blank"
    says = "Order {order_id} was placed for product {gtin}: there is nothing to bind."


class AlreadyBound(Conflict):
    code = "already_bound"
    says = "Row {row} is bound to product {gtin}, lot {lot}, already."


class Bound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Codes of a blank order and what they stand for since they were bound."""

    stretch: Stretch
    gtin: Gtin
    lot: str
    scene: Scene


Bindings = tuple[Bound, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    gtin: str
    lot: str
    scene: Scene = Scene.VERIFY


def at(bindings: Bindings, n: int) -> Bound | None:
    """What counter `n` is bound to; bindings are sorted and never overlap."""
    place = bisect_right(bindings, n, key=lambda one: one.stretch.first) - 1
    return bindings[place] if place >= 0 and bindings[place].stretch.last >= n else None


def bind(
    session: Session,
    target: Target,
    *,
    tenant_id: int,
    order_id: UUID,
    first: int = 1,
    last: int | None = None,
    now: datetime,
    actor: str,
) -> int:
    """Binds rows of a blank order and returns how many codes were not bound before."""
    order = _locked(session, order_id, tenant_id=tenant_id)
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    run = (order.first_counter + first - 1, order.first_counter + last - 1)
    return _bind(session, order, target, [run], tenant_id=tenant_id, now=now, actor=actor)


def bind_listed(
    session: Session, target: Target, lines: Iterable[str], *, tenant_id: int, kek: bytes, now: datetime, actor: str
) -> int:
    """The same for a list of serials or URLs, one a line, as a hand scanner writes them."""
    listed = serial_lists.read(session, lines, tenant_id=tenant_id, kek=kek)
    fresh = 0
    for order_id in sorted(listed.counters):
        order = _locked(session, order_id, tenant_id=tenant_id)
        runs = intervals.runs(listed.counters[order_id])
        fresh += _bind(session, order, target, runs, tenant_id=tenant_id, now=now, actor=actor)
    return fresh


def of_orders(session: Session, *, tenant_id: int, order_ids: Sequence[UUID] | None = None) -> Mapping[UUID, Bindings]:
    """Bindings of the given orders (None: of all)."""
    wanted = select(
        models.Binding.order_id,
        models.Binding.first_counter,
        models.Binding.last_counter,
        models.Binding.gtin,
        models.Binding.lot,
        models.Binding.scene,
        models.Binding.bound_by,
        models.Binding.bound_at,
    ).where(models.Binding.tenant_id == tenant_id)
    if order_ids is not None:
        wanted = wanted.where(models.Binding.order_id.in_(order_ids))
    found: dict[UUID, list[Bound]] = {}
    rows = session.execute(wanted.order_by(models.Binding.order_id, models.Binding.first_counter))
    for order_id, first, last, gtin, lot, scene, bound_by, bound_at in rows:
        stretch = Stretch(first=first, last=last, reason="", decided_by=bound_by, decided_at=bound_at)
        found.setdefault(order_id, []).append(Bound(stretch=stretch, gtin=Gtin(gtin), lot=lot, scene=Scene(scene)))
    return {order_id: tuple(bindings) for order_id, bindings in found.items()}


def _locked(session: Session, order_id: UUID, *, tenant_id: int) -> CodeOrder:
    """The order, if its codes may be bound. Its lock puts two that bind in line."""
    session.execute(
        select(models.CodeOrder.id)
        .where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.id == order_id)
        .with_for_update()
    )
    order = orders.find(session, order_id, tenant_id=tenant_id)
    if not order.blank:
        raise OrderNotBlank(order_id=order_id, gtin=order.gtin)
    orders.require_issued(order)
    if order.stage is Stage.CLOSED:
        raise OrderClosed(order_id=order_id)
    return order


def _bind(
    session: Session,
    order: CodeOrder,
    target: Target,
    runs: Sequence[tuple[int, int]],
    *,
    tenant_id: int,
    now: datetime,
    actor: str,
) -> int:
    orders.check_lot(target.lot)
    product = products.find(session, tenant_id=tenant_id, gtin=target.gtin)
    there = of_orders(session, tenant_id=tenant_id, order_ids=[order.id]).get(order.id, ())
    others = [one.stretch for one in there if (one.gtin, one.lot, one.scene) != (product.gtin, target.lot, target.scene)]
    for first, last in runs:
        for other in others:
            if other.first <= last and first <= other.last:
                row = max(first, other.first)
                bound = at(there, row)
                assert bound is not None  # noqa: S101 - it is the one that was met
                raise AlreadyBound(row=order.row_of(row), gtin=bound.gtin, lot=bound.lot)
    mine = [one.stretch for one in there]
    fresh = [gap for first, last in runs for gap in intervals.gaps(mine, first=first, last=last)]
    codes = sum(last - first + 1 for first, last in fresh)
    if not fresh:
        return 0
    session.add_all(
        models.Binding(
            tenant_id=tenant_id,
            id=ids.uuid7(now),
            order_id=order.id,
            first_counter=first,
            last_counter=last,
            gtin=product.gtin,
            lot=target.lot,
            scene=target.scene.value,
            bound_by=actor,
            bound_at=now,
        )
        for first, last in fresh
    )
    session.flush()
    rows = [[order.row_of(first), order.row_of(last)] for first, last in fresh[: audit.STRETCHES_MAX]]
    facts = {"rows": rows, "codes": codes, "gtin": product.gtin, "lot": target.lot, "scene": target.scene.value}
    audit.write(
        session,
        Action.RANGE_BOUND,
        tenant_id=tenant_id,
        actor=actor,
        now=now,
        order_id=order.id,
        epoch=order.epoch,
        facts=facts,
    )
    catalogue_version.grow(session)
    return codes
