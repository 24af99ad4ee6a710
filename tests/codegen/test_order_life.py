"""Draft, issued, printed, active, closed; and what may not be done in which stage."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from codegen import audit, orders
from codegen.audit import Action, ReasonTooLong
from codegen.brands import Brand
from codegen.code_lists import exports
from codegen.lifecycle import order_life as life
from codegen.lifecycle import ranges
from codegen.lifecycle.intervals import Stretch
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState, RangeVoided, StateCounts
from codegen.orders import CodeOrder, OrderClosed, OrderNotIssued, OrderUnknown, Stage
from kit.ids import uuid7
from tests.codegen.conftest import NOW, Inside, ordered

ALICE = "alice@tea.example"
HOUR = timedelta(hours=1)


def drafted(session: Session, tea: Brand, gtin: str) -> CodeOrder:
    return orders.place(
        session,
        tenant_id=tea.tenant_id,
        gtin=gtin,
        quantity=10,
        lot="L1",
        request_id="draft",
        now=NOW,
        actor=ALICE,
        stage=Stage.DRAFT,
    )


def life_of(session: Session, tea: Brand, order: CodeOrder) -> Life:
    found = orders.find(session, order.id, tenant_id=tea.tenant_id)
    return life.of(found, ranges.states_of(session, tenant_id=tea.tenant_id, order_id=order.id))


def test_an_order_lives_from_draft_to_closed(inside: Inside, tea: Brand, gtin: str) -> None:
    seen = []
    with inside() as session:
        order = drafted(session, tea, gtin)
        seen.append(life_of(session, tea, order))
        life.issue(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        life.issue(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        seen.append(life_of(session, tea, order))
        ranges.mark_printed(session, tenant_id=tea.tenant_id, order_id=order.id, now=NOW, actor="press")
        seen.append(life_of(session, tea, order))
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, last=4, now=NOW, actor=ALICE)
        seen.append(life_of(session, tea, order))
        life.close(session, order.id, tenant_id=tea.tenant_id, reason="delivered", now=NOW, actor=ALICE)
        life.close(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        seen.append(life_of(session, tea, order))
        counts = ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id]
        story = audit.of_order(session, order.id, tenant_id=tea.tenant_id)
    assert seen == [Life.DRAFT, Life.ISSUED, Life.PRINTED, Life.ACTIVE, Life.CLOSED]
    assert counts == StateCounts(inactive=0, printed=6, active=4, recalled=0, void=0)
    assert [(line.action, line.actor, line.reason) for line in story] == [
        (Action.ORDER_PLACED, ALICE, ""),
        (Action.ORDER_ISSUED, ALICE, ""),
        (Action.RANGE_PRINTED, "press", ""),
        (Action.RANGE_ACTIVATED, ALICE, ""),
        (Action.ORDER_CLOSED, ALICE, "delivered"),
    ]


@pytest.mark.parametrize("verb", [ranges.mark_printed, ranges.activate, ranges.freeze, ranges.recall, ranges.void])
def test_nothing_is_decided_about_a_draft(inside: Inside, tea: Brand, gtin: str, verb: Callable[..., object]) -> None:
    with inside() as session:
        order = drafted(session, tea, gtin)
        with pytest.raises(OrderNotIssued):
            verb(session, tenant_id=tea.tenant_id, order_id=order.id, reason="x", now=NOW, actor=ALICE)


def test_no_file_is_made_of_a_draft(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = drafted(session, tea, gtin)
        with pytest.raises(OrderNotIssued):
            exports.request(session, tenant_id=tea.tenant_id, export_id=uuid7(NOW), order_id=order.id, now=NOW, actor=ALICE)


def test_a_draft_that_is_thrown_away_is_void_and_stays_closed(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = drafted(session, tea, gtin)
        life.close(session, order.id, tenant_id=tea.tenant_id, reason="mistaken", now=NOW, actor=ALICE)
        counts = ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id]
        with pytest.raises(OrderClosed):
            life.issue(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
    assert counts.void == 10


def test_what_is_closed_is_neither_printed_nor_released_but_can_be_called_back(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        life.close(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        for verb in (ranges.mark_printed, ranges.activate):
            with pytest.raises(OrderClosed):
                verb(session, tenant_id=tea.tenant_id, order_id=order.id, now=NOW, actor=ALICE)
        for undo in (ranges.freeze, ranges.recall, ranges.void):
            assert undo(session, tenant_id=tea.tenant_id, order_id=order.id, reason="x", now=NOW, actor=ALICE).changed


def test_a_freeze_hides_what_a_code_was_and_gives_it_back(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, last=6, now=NOW, actor=ALICE)
        ranges.freeze(session, tenant_id=tea.tenant_id, order_id=order.id, first=5, reason="smell", now=NOW + HOUR, actor=ALICE)
        frozen = ranges.states_of(session, tenant_id=tea.tenant_id, order_id=order.id)
        back = ranges.unfreeze(
            session, tenant_id=tea.tenant_id, order_id=order.id, first=6, last=7, now=NOW + 2 * HOUR, actor=ALICE
        )
        again = ranges.unfreeze(
            session, tenant_id=tea.tenant_id, order_id=order.id, first=6, last=7, now=NOW + 3 * HOUR, actor=ALICE
        )
        thawed = ranges.states_of(session, tenant_id=tea.tenant_id, order_id=order.id)
    assert [str(frozen.at(n)[0]) for n in range(10)] == ["active"] * 4 + ["frozen"] * 6
    assert (back.changed, again.changed) == (True, False)
    assert [str(thawed.at(n)[0]) for n in range(10)] == ["active"] * 4 + ["frozen", "active", "inactive"] + ["frozen"] * 3


def test_void_goes_through_a_freeze_and_cannot_be_frozen(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        ranges.freeze(session, tenant_id=tea.tenant_id, order_id=order.id, reason="x", now=NOW, actor=ALICE)
        ranges.void(session, tenant_id=tea.tenant_id, order_id=order.id, reason="x", now=NOW + HOUR, actor=ALICE)
        states = ranges.states_of(session, tenant_id=tea.tenant_id, order_id=order.id)
        other = ordered(session, tea, gtin, quantity=10, request_id="other")
        ranges.void(session, tenant_id=tea.tenant_id, order_id=other.id, reason="x", now=NOW, actor=ALICE)
        with pytest.raises(RangeVoided):
            ranges.freeze(session, tenant_id=tea.tenant_id, order_id=other.id, reason="x", now=NOW + HOUR, actor=ALICE)
    assert states.at(3)[0] is CodeState.VOID


def test_unknown_orders_and_long_reasons_are_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        with pytest.raises(OrderUnknown):
            life.issue(session, uuid7(NOW), tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        with pytest.raises(ReasonTooLong):
            life.close(session, order.id, tenant_id=tea.tenant_id, reason="x" * 201, now=NOW, actor=ALICE)


WORDS = st.sampled_from([state for state in CodeState if state is not CodeState.INACTIVE])


@given(st.lists(st.tuples(WORDS, st.integers(0, 19), st.integers(0, 19)), max_size=12))
def test_the_states_are_those_of_a_code_that_is_told_every_decision(said: list[tuple[CodeState, int, int]]) -> None:
    """Against the slowest possible account: each code for itself, decision by decision."""
    decisions = []
    told: list[set[CodeState]] = [set() for _ in range(20)]
    for place, (state, one, other) in enumerate(said):
        first, last = sorted((one, other))
        stretch = Stretch(first=first, last=last, reason="", decided_by="a", decided_at=NOW + place * HOUR)
        decisions.append((state, stretch))
        for n in range(first, last + 1):
            if state is CodeState.UNFROZEN:
                told[n].discard(CodeState.FROZEN)
            else:
                told[n].add(state)
    derived = ranges.derived(decisions)
    worst_first = [CodeState.VOID, CodeState.RECALLED, CodeState.FROZEN, CodeState.ACTIVE, CodeState.PRINTED]
    expected = [next((state for state in worst_first if state in known), CodeState.INACTIVE) for known in told]
    assert [derived.at(n)[0] for n in range(20)] == expected
    counts = derived.counts(20)
    assert [getattr(counts, state.value) for state in worst_first] == [expected.count(state) for state in worst_first]
    assert all(one.last < other.first for one, other in pairwise(derived.frozen))
