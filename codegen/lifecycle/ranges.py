"""Decisions about stretches of an order: printed, active, frozen, recalled, void. Without a decision a code is inactive.

Promises: decisions are only added, each with who, when and why; void is for ever and beats recalled, which beats frozen, which beats
active, whatever came later; only a freeze is undone, and what was decided under it shows again; deciding again changes nothing. Refuses
rows outside the order, decisions about what is all void or a draft, and to print or release what is closed. Rows are counted from 1.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version, models
from codegen.audit import REASON_LENGTH_MAX, Action, ReasonTooLong
from codegen.lifecycle import intervals
from codegen.lifecycle.intervals import Stretch, Stretches
from codegen.orders import CodeOrder, OrderClosed, OrderNotIssued, OrderUnknown, Stage
from kit import ids
from kit.refusals import Conflict, Invalid


class CodeState(StrEnum):
    """States of a code, and UNFROZEN, which is a decision alone: no code is ever in it."""

    INACTIVE = "inactive"
    PRINTED = "printed"
    ACTIVE = "active"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    RECALLED = "recalled"
    VOID = "void"


_WORK = frozenset({CodeState.PRINTED, CodeState.ACTIVE})  # what a closed order is finished with


class RowsOutsideOrder(Invalid):
    code = "rows_outside_order"
    says = "Rows {first} to {last} are not within the order's 1 to {quantity}."


class RangeVoided(Conflict):
    code = "range_voided"
    says = "These codes were voided at {voided_at} ({reason!r}); void is for ever."


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
    printed: int = 0
    active: int
    frozen: int = 0
    recalled: int
    void: int


class OrderStates(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was decided about an order's counters, each state as disjoint stretches; they overlap between states, and the worst counts."""

    printed: Stretches = ()
    active: Stretches = ()
    frozen: Stretches = ()
    recalled: Stretches = ()
    void: Stretches = ()

    def at(self, n: int) -> tuple[CodeState, Stretch | None]:
        """The state of counter `n`, and the decision that made it so."""
        for state, stretches in self.worst_first():
            if stretches:
                stretch = intervals.at(stretches, n)
                if stretch is not None:
                    return state, stretch
        return CodeState.INACTIVE, None

    def counts(self, quantity: int) -> StateCounts:
        worse: Stretches = ()
        totals = {}
        for state, stretches in self.worst_first():
            totals[state.value] = intervals.total(intervals.subtract(stretches, worse))
            worse = intervals.disjoint((*worse, *stretches))
        return StateCounts(inactive=quantity - sum(totals.values()), **totals)

    def worst_first(self) -> tuple[tuple[CodeState, Stretches], ...]:
        """Of the states that cover a counter the first one here counts."""
        return (
            (CodeState.VOID, self.void),
            (CodeState.RECALLED, self.recalled),
            (CodeState.FROZEN, self.frozen),
            (CodeState.ACTIVE, self.active),
            (CodeState.PRINTED, self.printed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of an order's history."""

    id: UUID
    state: CodeState
    stretch: Stretch


UNDECIDED = OrderStates()


def mark_printed(
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
    decision = _Decision(CodeState.PRINTED, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


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
    decision = _Decision(CodeState.ACTIVE, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


def freeze(
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
    """Holds codes back until `unfreeze`: whatever they were before, they are then again."""
    decision = _Decision(CodeState.FROZEN, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


def unfreeze(
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
    decision = _Decision(CodeState.UNFROZEN, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


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
    decision = _Decision(CodeState.RECALLED, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


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
    decision = _Decision(CodeState.VOID, reason=reason, now=now, actor=actor)
    return _decide_rows(session, decision, tenant_id=tenant_id, order_id=order_id, first=first, last=last)


def decide_runs(
    session: Session,
    state: CodeState,
    *,
    tenant_id: int,
    order_id: UUID,
    runs: Sequence[tuple[int, int]],
    reason: str,
    now: datetime,
    actor: str,
) -> int:
    """One decision about several stretches of rows, as codegen.lifecycle.package_runs gives them. Returns for how many codes it is new."""
    decision = _Decision(state, reason=reason, now=now, actor=actor)
    order, decided = _locked(session, decision, tenant_id=tenant_id, order_id=order_id)
    asked = []
    for first, last in runs:
        checked_rows(first=first, last=last, quantity=order.quantity)
        asked.append((order.first_counter + first - 1, order.first_counter + last - 1))
    fresh = [run for first, last in asked for run in _fresh(decided, state, first=first, last=last)]
    if fresh and state is not CodeState.VOID and all(intervals.covers(decided.void, first=top, last=end) for top, end in asked):
        voided = decided.void[0]
        raise RangeVoided(voided_at=voided.decided_at, reason=voided.reason)
    _add(session, decision, order, fresh)
    return sum(last - first + 1 for first, last in fresh)


def void_listed(
    session: Session, *, tenant_id: int, order_id: UUID, counters: Sequence[int], reason: str, now: datetime, actor: str
) -> int:
    """Voids single codes of one order; neighbours share a row. Returns how many were not void before."""
    decision = _Decision(CodeState.VOID, reason=reason, now=now, actor=actor)
    order, decided = _locked(session, decision, tenant_id=tenant_id, order_id=order_id)
    runs = intervals.runs(counters)
    if runs and not order.first_counter <= runs[0][0] <= runs[-1][1] < order.first_counter + order.quantity:
        raise RowsOutsideOrder(
            first=runs[0][0] - order.first_counter + 1, last=runs[-1][1] - order.first_counter + 1, quantity=order.quantity
        )
    fresh = [gap for first, last in runs for gap in intervals.gaps(decided.void, first=first, last=last)]
    _add(session, decision, order, fresh)
    return sum(last - first + 1 for first, last in fresh)


def checked_rows(*, first: int, last: int | None, quantity: int) -> tuple[int, int]:
    """Rows of an order, the end standing for None."""
    end = quantity if last is None else last
    if not 1 <= first <= end <= quantity:
        raise RowsOutsideOrder(first=first, last=end, quantity=quantity)
    return first, end


def history(session: Session, *, tenant_id: int, order_id: UUID) -> list[Decision]:
    """Every decision about an order, oldest first."""
    told = _told(session, tenant_id=tenant_id, order_ids=[order_id])
    return [Decision(id=one, state=CodeState(state), stretch=stretch) for one, _, state, stretch in told]


def states(session: Session, *, tenant_id: int, order_ids: Sequence[UUID] | None = None) -> Mapping[UUID, OrderStates]:
    """The states of the given orders (None: of all); an order without any decision is not in the answer: see UNDECIDED."""
    by_order: dict[UUID, list[tuple[str, Stretch]]] = {}
    for _, order_id, state, stretch in _told(session, tenant_id=tenant_id, order_ids=order_ids):
        by_order.setdefault(order_id, []).append((state, stretch))
    return {order_id: derived(decisions) for order_id, decisions in by_order.items()}


def _told(session: Session, *, tenant_id: int, order_ids: Sequence[UUID] | None) -> Iterator[tuple[UUID, UUID, str, Stretch]]:
    """Decisions, oldest first: id, order, state, stretch. Columns and not objects: an edge reads those of all orders at each change."""
    row = models.RangeState
    columns = (row.id, row.order_id, row.state, row.first_counter, row.last_counter, row.reason, row.decided_by, row.decided_at)
    wanted = select(*columns).where(row.tenant_id == tenant_id)
    if order_ids is not None:
        wanted = wanted.where(row.order_id.in_(order_ids))
    for one, order_id, state, first, last, reason, by, at in session.execute(wanted.order_by(row.decided_at, row.id)):
        yield one, order_id, state, Stretch(first=first, last=last, reason=reason, decided_by=by, decided_at=at)


def states_of(session: Session, *, tenant_id: int, order_id: UUID) -> OrderStates:
    return states(session, tenant_id=tenant_id, order_ids=[order_id]).get(order_id, UNDECIDED)


def derived(decisions: Iterable[tuple[str, Stretch]]) -> OrderStates:
    """What follows from the decisions about one order, oldest first: each a CodeState, or its word, and the stretch. Pure."""
    found: dict[str, Stretches] = {}
    for state, same in groupby(decisions, key=itemgetter(0)):
        stretches = [stretch for _, stretch in same]
        if state == CodeState.UNFROZEN:
            found["frozen"] = intervals.subtract(found.get("frozen", ()), intervals.disjoint(stretches))
        else:
            found[state] = intervals.disjoint((*found.get(state, ()), *stretches))
    return OrderStates(**found)


def counts(session: Session, *, tenant_id: int, orders: Sequence[CodeOrder]) -> Mapping[UUID, StateCounts]:
    """How many codes of each order are in which state."""
    decided = states(session, tenant_id=tenant_id, order_ids=[order.id for order in orders])
    return {order.id: decided.get(order.id, UNDECIDED).counts(order.quantity) for order in orders}


@dataclass(frozen=True, slots=True)
class _Decision:
    state: CodeState
    reason: str = field(kw_only=True)
    now: datetime = field(kw_only=True)
    actor: str = field(kw_only=True)


def _decide_rows(
    session: Session, decision: _Decision, *, tenant_id: int, order_id: UUID, first: int, last: int | None
) -> RangeChange:
    order, decided = _locked(session, decision, tenant_id=tenant_id, order_id=order_id)
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    counters = {"first": order.first_counter + first - 1, "last": order.first_counter + last - 1}
    if decision.state is CodeState.UNFROZEN:
        changed = intervals.touches(decided.frozen, **counters)
    else:
        changed = not intervals.covers(getattr(decided, decision.state.value), **counters)
    if changed:
        if decision.state is not CodeState.VOID and intervals.covers(decided.void, **counters):
            voided = decided.void[0]
            raise RangeVoided(voided_at=voided.decided_at, reason=voided.reason)
        _add(session, decision, order, [(counters["first"], counters["last"])])
    return RangeChange(order_id=order_id, state=decision.state, first=first, last=last, changed=changed)


def _fresh(decided: OrderStates, state: CodeState, *, first: int, last: int) -> list[tuple[int, int]]:
    """The parts of a stretch of counters that the decision changes."""
    if state is CodeState.UNFROZEN:
        thawed = [(max(first, one.first), min(last, one.last)) for one in decided.frozen]
        return [(top, end) for top, end in thawed if top <= end]
    return intervals.gaps(getattr(decided, state.value), first=first, last=last)


def _locked(session: Session, decision: _Decision, *, tenant_id: int, order_id: UUID) -> tuple[models.CodeOrder, OrderStates]:
    """The order, locked, where the decision may be made in this stage of its life, and what was decided before."""
    if len(decision.reason) > REASON_LENGTH_MAX:
        raise ReasonTooLong(length_max=REASON_LENGTH_MAX)
    # The order's row puts decisions about it in line, so that the second of two equal ones finds the first.
    order = session.scalar(
        select(models.CodeOrder)
        .where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise OrderUnknown(order_id=order_id)
    if order.stage == Stage.DRAFT:
        raise OrderNotIssued(order_id=order_id)
    if order.stage == Stage.CLOSED and decision.state in _WORK:
        raise OrderClosed(order_id=order_id)
    return order, states_of(session, tenant_id=tenant_id, order_id=order_id)


def _add(session: Session, decision: _Decision, order: models.CodeOrder, stretches: Sequence[tuple[int, int]]) -> None:
    """Adds the decision for `stretches` of counters, and one line to the audit for all of them."""
    if not stretches:
        return
    session.add_all(
        models.RangeState(
            tenant_id=order.tenant_id,
            id=ids.uuid7(decision.now),
            order_id=order.id,
            epoch=order.epoch,
            first_counter=first,
            last_counter=last,
            state=decision.state.value,
            reason=decision.reason,
            decided_by=decision.actor,
            decided_at=decision.now,
        )
        for first, last in stretches
    )
    session.flush()
    rows = [[first - order.first_counter + 1, last - order.first_counter + 1] for first, last in stretches]
    audit.write(
        session,
        Action(f"range.{decision.state.value}"),
        tenant_id=order.tenant_id,
        actor=decision.actor,
        now=decision.now,
        order_id=order.id,
        epoch=order.epoch,
        reason=decision.reason,
        facts={"rows": rows[: audit.STRETCHES_MAX], "codes": sum(last - first + 1 for first, last in stretches)},
    )
    catalogue_version.grow(session)
