"""The marks of orders: how the codes of each are printed, as it was ordered and as it was changed.

Promises: an order that says nothing is marked as usual; a change is written down beside what was before, with who made it; the mask of an order is
decided once, and stays. Refuses changes where codes were given to a printer already, because two halves of an order would look unlike, and
marks that cannot hold what the order's codes say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, models
from codegen.audit import Action
from codegen.gtin import Gtin
from codegen.print_packages.package_models import Package
from codegen.symbology import mark_specs
from codegen.symbology.mark_specs import MarkSpec
from kit.refusals import Conflict, NotFound

CHANGES_MAX = 100


class MarkedOrderUnknown(NotFound):
    code = "order_unknown"
    says = "This brand has no code order {order_id}."


class MarkFixed(Conflict):
    code = "mark_fixed"
    says = "Codes of order {order_id} were packaged already: its mark stays as it is."


class MarkOfClosedOrder(Conflict):
    code = "order_closed"
    says = "Order {order_id} is closed: nothing more of it is printed."


class MarkChangedOften(Conflict):
    code = "mark_changed_often"
    says = "The mark of order {order_id} was changed {changes_max} times."


class MarkRequestDiffers(Conflict):
    code = "request_differs"
    says = "Request {request_id!r} was made before with another mark."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`mask` None: not decided yet, or each symbol has its own."""

    spec: MarkSpec
    mask: int | None = None


USUAL = MarkSpec()


def place(session: Session, spec: MarkSpec | None, *, tenant_id: int, order_id: UUID, now: datetime, actor: str) -> None:
    """Of a new order. What is as usual is not written down."""
    if spec is not None and spec != USUAL:
        session.execute(
            insert(models.OrderMark).values(_row(spec, 0, tenant_id=tenant_id, order_id=order_id, now=now, actor=actor))
        )


def require_same(session: Session, spec: MarkSpec | None, *, tenant_id: int, order_id: UUID, request_id: str) -> None:
    """Was the order placed with this mark?"""
    first = session.get(models.OrderMark, (tenant_id, order_id, 0))
    if (USUAL if first is None else MarkSpec.from_plain(first.spec)) != (spec or USUAL):
        raise MarkRequestDiffers(request_id=request_id)


def of_order(session: Session, order_id: UUID, *, tenant_id: int) -> Mark:
    row = _last(session, order_id, tenant_id=tenant_id)
    return Mark(spec=USUAL) if row is None else Mark(spec=MarkSpec.from_plain(row.spec), mask=row.mask)


def change(session: Session, spec: MarkSpec, *, tenant_id: int, order_id: UUID, now: datetime, actor: str) -> Mark:
    """From now on; the same again changes nothing."""
    order = hold(session, order_id, tenant_id=tenant_id)
    if order.stage == "closed":
        raise MarkOfClosedOrder(order_id=order_id)
    mark_specs.check(spec, gtin=Gtin(order.gtin or ""), signed=order.signed)
    row = _last(session, order_id, tenant_id=tenant_id)
    if spec == (USUAL if row is None else MarkSpec.from_plain(row.spec)):
        return of_order(session, order_id, tenant_id=tenant_id)
    packaged = select(Package.id).where(Package.tenant_id == tenant_id, Package.order_id == order_id, Package.content == "codes")
    if session.scalar(packaged.limit(1)) is not None:
        raise MarkFixed(order_id=order_id)
    number = 1 if row is None else row.number + 1
    if number > CHANGES_MAX:
        raise MarkChangedOften(order_id=order_id, changes_max=CHANGES_MAX)
    session.execute(
        insert(models.OrderMark).values(_row(spec, number, tenant_id=tenant_id, order_id=order_id, now=now, actor=actor))
    )
    audit.write(session, Action.ORDER_MARKED, tenant_id=tenant_id, actor=actor, now=now, order_id=order_id, facts=spec.as_plain())
    return Mark(spec=spec)


def decide(session: Session, mask: int, *, tenant_id: int, order_id: UUID, now: datetime, actor: str) -> Mark:
    """Writes the mask of the order down, and returns the first one that was. The caller holds the order."""
    row = _last(session, order_id, tenant_id=tenant_id)
    if row is None:
        session.execute(
            insert(models.OrderMark).values(_row(USUAL, 0, tenant_id=tenant_id, order_id=order_id, now=now, actor=actor))
        )
        row = _last(session, order_id, tenant_id=tenant_id)
        assert row is not None  # noqa: S101 - it was just written
    if row.mask is None:
        row.mask = mask
        session.flush()
    return Mark(spec=MarkSpec.from_plain(row.spec), mask=row.mask)


def hold(session: Session, order_id: UUID, *, tenant_id: int) -> models.CodeOrder:
    """Until the transaction ends nobody else changes the order's mark, or packages it by another one."""
    row = session.scalar(
        select(models.CodeOrder)
        .where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.id == order_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise MarkedOrderUnknown(order_id=order_id)
    return row


def _last(session: Session, order_id: UUID, *, tenant_id: int) -> models.OrderMark | None:
    return session.scalar(
        select(models.OrderMark)
        .where(models.OrderMark.tenant_id == tenant_id, models.OrderMark.order_id == order_id)
        .order_by(models.OrderMark.number.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _row(spec: MarkSpec, number: int, *, tenant_id: int, order_id: UUID, now: datetime, actor: str) -> Mapping[str, Any]:
    return {
        "tenant_id": tenant_id,
        "order_id": order_id,
        "number": number,
        "spec": spec.as_plain(),
        "set_by": actor,
        "set_at": now,
    }
