"""Decisions about stretches of an order: active, recalled, void. Without a decision a code is printed and inactive.

Promises: decisions are only added, each with who, when and why; void is for ever and beats recalled, which beats active, whatever came
later; deciding again what is decided already changes nothing. Refuses rows outside the order, and to activate or recall what is all void.
Rows are counted from 1, as in the lines of the order's export.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version, intervals, models
from codegen.audit import REASON_LENGTH_MAX, Action
from codegen.intervals import Stretch, Stretches
from codegen.orders import CodeOrder, OrderUnknown
from kit import ids
from kit.refusals import Conflict, Invalid


class CodeState(StrEnum):
    INACTIVE = "inactive"
    ACTIVE = "active"
    RECALLED = "recalled"
    VOID = "void"


class RowsOutsideOrder(Invalid):
    code = "rows_outside_order"
    says = "Rows {first} to {last} are not within the order's 1 to {quantity}."


class RangeVoided(Conflict):
    code = "range_voided"
    says = "These codes were voided at {voided_at} ({reason!r}); void is for ever."


class ReasonTooLong(Invalid):
    code = "reason_too_long"
    says = "A reason has at most {length_max} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChange:
    """What was asked, in rows of the order; `changed` is False where all of it was so already."""

    order_id: UUID
    state: CodeState
    first: int
    last: int
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCounts:
    inactive: int
    active: int
    recalled: int
    void: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStates:
    """What was decided about an order's counters, each state as disjoint stretches; they overlap between states, and the worst counts."""

    active: Stretches = ()
    recalled: Stretches = ()
    void: Stretches = ()

    def at(self, n: int) -> tuple[CodeState, Stretch | None]:
        """The state of counter `n`, and the decision that made it so."""
        for state, stretches in self._worst_first():
            stretch = intervals.at(stretches, n)
            if stretch is not None:
                return state, stretch
        return CodeState.INACTIVE, None

    def counts(self, quantity: int) -> StateCounts:
        recalled = intervals.subtract(self.recalled, self.void)
        active = intervals.subtract(intervals.subtract(self.active, self.void), self.recalled)
        totals = (intervals.total(active), intervals.total(recalled), intervals.total(self.void))
        return StateCounts(inactive=quantity - sum(totals), active=totals[0], recalled=totals[1], void=totals[2])

    def _worst_first(self) -> tuple[tuple[CodeState, Stretches], ...]:
        return (CodeState.VOID, self.void), (CodeState.RECALLED, self.recalled), (CodeState.ACTIVE, self.active)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of an order's history."""

    id: UUID
    state: CodeState
    stretch: Stretch


UNDECIDED = OrderStates()


def activate(
    session: Session,
    *,
    tenant_id: int,
    order_id: UUID,
    first: int = 1,
    last: int | None = None,
    reason: str = "",
    now: datetime,
    actor: str,
) -> RangeChange:
    return _decide(
        session, CodeState.ACTIVE, tenant_id=tenant_id, order_id=order_id, rows=(first, last), reason=reason, now=now, actor=actor
    )


def recall(
    session: Session,
    *,
    tenant_id: int,
    order_id: UUID,
    first: int = 1,
    last: int | None = None,
    reason: str,
    now: datetime,
    actor: str,
) -> RangeChange:
    return _decide(
        session,
        CodeState.RECALLED,
        tenant_id=tenant_id,
        order_id=order_id,
        rows=(first, last),
        reason=reason,
        now=now,
        actor=actor,
    )


def void(
    session: Session,
    *,
    tenant_id: int,
    order_id: UUID,
    first: int = 1,
    last: int | None = None,
    reason: str,
    now: datetime,
    actor: str,
) -> RangeChange:
    return _decide(
        session, CodeState.VOID, tenant_id=tenant_id, order_id=order_id, rows=(first, last), reason=reason, now=now, actor=actor
    )


def checked_rows(*, first: int, last: int | None, quantity: int) -> tuple[int, int]:
    """Rows of an order, the end standing for None."""
    end = quantity if last is None else last
    if not 1 <= first <= end <= quantity:
        raise RowsOutsideOrder(first=first, last=end, quantity=quantity)
    return first, end


def history(session: Session, *, tenant_id: int, order_id: UUID) -> list[Decision]:
    """Every decision about an order, oldest first."""
    rows = session.scalars(
        select(models.RangeState)
        .where(models.RangeState.tenant_id == tenant_id, models.RangeState.order_id == order_id)
        .order_by(models.RangeState.decided_at, models.RangeState.id)
    )
    return [Decision(id=row.id, state=CodeState(row.state), stretch=_stretch(row)) for row in rows]


def states(session: Session, *, tenant_id: int, order_ids: Sequence[UUID] | None = None) -> Mapping[UUID, OrderStates]:
    """The states of the given orders (None: of all); an order without any decision is not in the answer: see UNDECIDED."""
    wanted = select(models.RangeState).where(models.RangeState.tenant_id == tenant_id)
    if order_ids is not None:
        wanted = wanted.where(models.RangeState.order_id.in_(order_ids))
    by_order: dict[UUID, dict[str, list[Stretch]]] = {}
    for row in session.scalars(wanted.order_by(models.RangeState.decided_at, models.RangeState.id)):
        by_order.setdefault(row.order_id, {}).setdefault(row.state, []).append(_stretch(row))
    return {
        order_id: OrderStates(**{state: intervals.disjoint(decisions) for state, decisions in by_state.items()})
        for order_id, by_state in by_order.items()
    }


def counts(session: Session, *, tenant_id: int, orders: Sequence[CodeOrder]) -> Mapping[UUID, StateCounts]:
    """How many codes of each order are in which state."""
    decided = states(session, tenant_id=tenant_id, order_ids=[order.id for order in orders])
    return {order.id: decided.get(order.id, UNDECIDED).counts(order.quantity) for order in orders}


def _decide(
    session: Session,
    state: CodeState,
    *,
    tenant_id: int,
    order_id: UUID,
    rows: tuple[int, int | None],
    reason: str,
    now: datetime,
    actor: str,
) -> RangeChange:
    if len(reason) > REASON_LENGTH_MAX:
        raise ReasonTooLong(length_max=REASON_LENGTH_MAX)
    # The order's row puts decisions about it in line, so that the second of two equal ones finds the first.
    order = session.scalar(
        select(models.CodeOrder).where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.id == order_id).with_for_update()
    )
    if order is None:
        raise OrderUnknown(order_id=order_id)
    first, last = checked_rows(first=rows[0], last=rows[1], quantity=order.quantity)
    counters = {"first": order.first_counter + first - 1, "last": order.first_counter + last - 1}
    decided = states(session, tenant_id=tenant_id, order_ids=[order_id]).get(order_id, UNDECIDED)
    changed = not intervals.covers(getattr(decided, state.value), **counters)
    if changed:
        if state is not CodeState.VOID and intervals.covers(decided.void, **counters):
            voided = decided.void[0]
            raise RangeVoided(voided_at=voided.decided_at, reason=voided.reason)
        session.add(
            models.RangeState(
                tenant_id=tenant_id,
                id=ids.uuid7(now),
                order_id=order_id,
                epoch=order.epoch,
                first_counter=counters["first"],
                last_counter=counters["last"],
                state=state.value,
                reason=reason,
                decided_by=actor,
                decided_at=now,
            )
        )
        session.flush()
        audit.write(
            session,
            Action(f"range.{state.value}"),
            tenant_id=tenant_id,
            actor=actor,
            now=now,
            order_id=order_id,
            epoch=order.epoch,
            reason=reason,
            facts={"first": first, "last": last},
        )
        catalogue_version.grow(session)
    return RangeChange(order_id=order_id, state=state, first=first, last=last, changed=changed)


def _stretch(row: models.RangeState) -> Stretch:
    return Stretch(
        first=row.first_counter, last=row.last_counter, reason=row.reason, decided_by=row.decided_by, decided_at=row.decided_at
    )
