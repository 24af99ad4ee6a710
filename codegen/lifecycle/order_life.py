"""The life of an order: draft -> issued -> printed -> active -> closed.

Only the ends are written down: a draft is issued once, and an order is closed once. Printed and active follow from what was decided
about its rows (codegen.lifecycle.ranges), so that they cannot disagree with it. Closing ends the work and says nothing of the codes: those on the
market stay active, and can still be frozen, recalled or voided. Refuses to issue what is closed; issuing or closing again changes nothing.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, models, orders
from codegen.audit import REASON_LENGTH_MAX, Action, ReasonTooLong
from codegen.lifecycle import ranges
from codegen.lifecycle.ranges import OrderStates
from codegen.orders import CodeOrder, OrderClosed, OrderUnknown, Stage


class Life(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    PRINTED = "printed"
    ACTIVE = "active"
    CLOSED = "closed"


def of(order: CodeOrder, states: OrderStates) -> Life:
    """The furthest that any code of the order has come. Pure."""
    if order.stage is not Stage.ISSUED:
        return Life(order.stage.value)
    if states.active:
        return Life.ACTIVE
    return Life.PRINTED if states.printed else Life.ISSUED


def issue(session: Session, order_id: UUID, *, tenant_id: int, now: datetime, actor: str) -> CodeOrder:
    """From now on the order may be printed."""
    row = _locked(session, order_id, tenant_id=tenant_id)
    if row.stage == Stage.CLOSED:
        raise OrderClosed(order_id=order_id)
    if row.stage == Stage.DRAFT:
        row.stage = Stage.ISSUED.value
        session.flush()
        audit.write(session, Action.ORDER_ISSUED, tenant_id=tenant_id, actor=actor, now=now, order_id=order_id)
    return orders.find(session, order_id, tenant_id=tenant_id)


def close(session: Session, order_id: UUID, *, tenant_id: int, reason: str = "", now: datetime, actor: str) -> CodeOrder:
    """Nothing more is printed or released. A draft that is closed is thrown away: its codes are void."""
    if len(reason) > REASON_LENGTH_MAX:
        raise ReasonTooLong(length_max=REASON_LENGTH_MAX)
    row = _locked(session, order_id, tenant_id=tenant_id)
    if row.stage != Stage.CLOSED:
        was = row.stage
        row.stage = Stage.CLOSED.value
        session.flush()
        audit.write(
            session,
            Action.ORDER_CLOSED,
            tenant_id=tenant_id,
            actor=actor,
            now=now,
            order_id=order_id,
            reason=reason,
            facts={"was": was},
        )
        if was == Stage.DRAFT:
            ranges.void(session, tenant_id=tenant_id, order_id=order_id, reason=reason, now=now, actor=actor)
    return orders.find(session, order_id, tenant_id=tenant_id)


def _locked(session: Session, order_id: UUID, *, tenant_id: int) -> models.CodeOrder:
    row = session.scalar(
        select(models.CodeOrder)
        .where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise OrderUnknown(order_id=order_id)
    return row
