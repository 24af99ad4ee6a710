"""Orders as people look for them: the newest first, of a product, a kind, a stage of their life, or with a word in them.

Promises: canary orders are never among them, unless they are asked for by kind: they belong to the files of recipients, and nobody placed them.
A stage is what codegen.lifecycle.order_life tells of the same order.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from codegen import models, orders
from codegen.kinds import Kind
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState
from codegen.orders import CodeOrder, Stage
from kit.refusals import Malformed

PAGE_ROWS = 50
PAGE_ROWS_MAX = 200
TEXT_LENGTH_MAX = 100
# States that a marketer looks for beside the life of an order: something is wrong with some of its codes.
TROUBLES = (CodeState.FROZEN, CodeState.RECALLED, CodeState.VOID)


class CursorMalformed(Malformed):
    code = "cursor_malformed"
    says = "This cursor was not given out here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that is said must fit. `text` stands in the lot, in the name of who ordered, or is an order id; `gtin` "" means blank orders.

    `trouble`: some code of the order was at some time put in that state.
    """

    text: str = ""
    gtin: str | None = None
    lot: str = ""
    kind: Kind | None = None
    life: Life | None = None
    trouble: CodeState | None = None


EVERY = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    orders: tuple[CodeOrder, ...]
    next_cursor: str | None


def page(
    session: Session, *, tenant_id: int, wanted: Wanted = EVERY, cursor: str | None = None, rows_max: int = PAGE_ROWS
) -> OrderPage:
    """Orders from the newest to the oldest; `cursor` is a `next_cursor` of before."""
    rows_max = min(max(rows_max, 1), PAGE_ROWS_MAX)
    query = _fitting(select(models.CodeOrder).where(models.CodeOrder.tenant_id == tenant_id), wanted)
    if cursor is not None:
        query = query.where(models.CodeOrder.id < _position(cursor))
    rows = session.scalars(query.order_by(models.CodeOrder.id.desc()).limit(rows_max + 1)).all()
    shown = tuple(orders.of_row(row) for row in rows[:rows_max])
    return OrderPage(orders=shown, next_cursor=str(shown[-1].id) if len(rows) > rows_max else None)


def _fitting(query: Select[models.CodeOrder], wanted: Wanted) -> Select[models.CodeOrder]:
    order = models.CodeOrder
    query = query.where(order.kind != Kind.CANARY.value if wanted.kind is None else order.kind == wanted.kind.value)
    if wanted.text:
        query = query.where(_said(wanted.text))
    if wanted.gtin is not None:
        query = query.where(order.gtin == wanted.gtin if wanted.gtin else order.gtin.is_(None))
    if wanted.lot:
        query = query.where(order.lot == wanted.lot)
    if wanted.life is not None:
        query = query.where(_lives(wanted.life))
    if wanted.trouble is not None:
        query = query.where(_decided(wanted.trouble))
    return query


def _said(text: str) -> ColumnElement[bool]:
    fits = [models.CodeOrder.lot.icontains(text, autoescape=True), models.CodeOrder.ordered_by.icontains(text, autoescape=True)]
    try:
        fits.append(models.CodeOrder.id == UUID(text))
    except ValueError:
        fits.append(models.CodeOrder.gtin.contains(text, autoescape=True))
    return or_(*fits)


def _lives(life: Life) -> ColumnElement[bool]:
    stage = models.CodeOrder.stage
    if life in {Life.DRAFT, Life.CLOSED}:
        return stage == life.value
    active, printed = _decided(CodeState.ACTIVE), _decided(CodeState.PRINTED)
    return {
        Life.ACTIVE: and_(stage == Stage.ISSUED.value, active),
        Life.PRINTED: and_(stage == Stage.ISSUED.value, printed, ~active),
        Life.ISSUED: and_(stage == Stage.ISSUED.value, ~printed, ~active),
    }[life]


def _decided(state: CodeState) -> ColumnElement[bool]:
    return exists().where(
        models.RangeState.tenant_id == models.CodeOrder.tenant_id,
        models.RangeState.order_id == models.CodeOrder.id,
        models.RangeState.state == state.value,
    )


def _position(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError as error:
        raise CursorMalformed from error
