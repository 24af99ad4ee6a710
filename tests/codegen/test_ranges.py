"""Decisions about ranges: who, when, why; void is for ever; edges hear of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypedDict
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen import audit, brands, catalogue, catalogue_version, orders, products
from codegen.audit import Action
from codegen.brands import Brand
from codegen.lifecycle import ranges
from codegen.lifecycle.ranges import CodeState, RangeChange, StateCounts
from kit.db import transaction
from kit.ids import uuid7
from tests.codegen.conftest import KEK, NOW, Inside, gtin_of, ordered
from tests.conftest import Database

ALICE = "alice@tea.example"
BOB = "bob@tea.example"


class Named(TypedDict):
    tenant_id: int
    order_id: UUID


def of(brand: Brand, order_id: UUID) -> Named:
    return Named(tenant_id=brand.tenant_id, order_id=order_id)


def test_codes_are_inactive_until_someone_activates_them(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        assert ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id] == StateCounts(
            inactive=10, active=0, recalled=0, void=0
        )
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, now=NOW, actor=ALICE)
        assert ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id] == StateCounts(
            inactive=0, active=10, recalled=0, void=0
        )


def test_void_wins_over_a_later_activation_and_keeps_its_first_reason(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        ranges.void(session, **of(tea, order.id), first=3, last=5, reason="stolen", now=NOW, actor=ALICE)
        again = ranges.void(session, **of(tea, order.id), first=4, last=5, reason="burnt", now=NOW + timedelta(days=1), actor=BOB)
        ranges.activate(session, **of(tea, order.id), now=NOW + timedelta(days=2), actor=BOB)
        states = ranges.states(session, tenant_id=tea.tenant_id)[order.id]
    assert not again.changed
    assert [states.at(n)[0] for n in range(10)] == [CodeState.ACTIVE] * 2 + [CodeState.VOID] * 3 + [CodeState.ACTIVE] * 5
    state, stretch = states.at(4)
    assert stretch is not None
    assert (state, stretch.reason, stretch.decided_by, stretch.decided_at) == (CodeState.VOID, "stolen", ALICE, NOW)


def test_recalled_beats_active_and_void_beats_recalled(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        ranges.recall(session, **of(tea, order.id), first=1, last=6, reason="glass", now=NOW, actor=ALICE)
        ranges.activate(session, **of(tea, order.id), first=5, last=8, now=NOW, actor=ALICE)
        ranges.void(session, **of(tea, order.id), first=6, last=7, reason="gone", now=NOW, actor=ALICE)
        counts = ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id]
    assert counts == StateCounts(inactive=2, active=1, recalled=5, void=2)


def test_what_is_all_void_cannot_be_activated(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        ranges.void(session, **of(tea, order.id), reason="stolen", now=NOW, actor=ALICE)
        with pytest.raises(ranges.RangeVoided) as refused:
            ranges.activate(session, **of(tea, order.id), first=2, last=3, now=NOW, actor=ALICE)
    assert refused.value.data["reason"] == "stolen"


def test_deciding_the_same_twice_at_once_writes_one_line(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)

    def activate(_: int) -> RangeChange:
        with inside() as session:
            return ranges.activate(session, **of(tea, order.id), now=NOW, actor=ALICE)

    with ThreadPoolExecutor(4) as pool:
        assert sum(change.changed for change in pool.map(activate, range(8))) == 1
    with inside() as session:
        (line,) = ranges.history(session, tenant_id=tea.tenant_id, order_id=order.id)
    assert (line.state, line.stretch.first, line.stretch.last) == (CodeState.ACTIVE, 0, 9)


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 11), (7, 6), (11, None), (-3, 2)])
def test_rows_outside_the_order_are_refused(inside: Inside, tea: Brand, gtin: str, first: int, last: int | None) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        with pytest.raises(ranges.RowsOutsideOrder):
            ranges.activate(session, **of(tea, order.id), first=first, last=last, now=NOW, actor=ALICE)


def test_another_brand_cannot_decide(inside: Inside, database: Database, tea: Brand, rival: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin)
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session, pytest.raises(orders.OrderUnknown):
        ranges.void(session, **of(rival, order.id), reason="spite", now=NOW, actor="charlie")


def test_decisions_are_history_that_the_application_cannot_change(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin)
        ranges.void(session, **of(tea, order.id), reason="stolen", now=NOW, actor=ALICE)
    with pytest.raises(Exception, match="permission denied"), inside() as session:
        session.execute(text("DELETE FROM range_state"))


def test_a_change_grows_the_catalogue_version_once_and_tells_after_the_commit(inside: Inside, tea: Brand, gtin: str) -> None:
    told: list[int] = []
    with inside() as session:
        session.info[catalogue_version.TELL] = told.append
        before = catalogue_version.current(session)
        order = ordered(session, tea, gtin)
        ranges.activate(session, **of(tea, order.id), now=NOW, actor=ALICE)
        assert told == []
    with inside() as session:
        assert told
        assert told[0] > before
        assert catalogue_version.current(session) >= told[0]
    assert len(told) == 1


def test_nothing_is_told_of_what_was_rolled_back_or_was_so_already(inside: Inside, tea: Brand, gtin: str) -> None:
    told: list[int] = []
    with inside() as session:
        order = ordered(session, tea, gtin)
        ranges.activate(session, **of(tea, order.id), now=NOW, actor=ALICE)

    def void_and_stumble() -> None:
        with inside() as session:
            session.info[catalogue_version.TELL] = told.append
            ranges.void(session, **of(tea, order.id), reason="oops", now=NOW, actor=ALICE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        void_and_stumble()
    with inside() as session:
        session.info[catalogue_version.TELL] = told.append
        ranges.activate(session, **of(tea, order.id), now=NOW, actor=ALICE)
    assert told == []


def test_the_catalogue_answers_for_a_serial_without_a_look_up(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        first = ordered(session, tea, gtin, quantity=10, request_id="a")
        second = ordered(session, tea, gtin, quantity=10, request_id="b", lot="L2")
        ranges.activate(session, **of(tea, second.id), now=NOW, actor=ALICE)
        held = catalogue.snapshot(session, tenant_id=tea.tenant_id, kek=KEK)
    assert held.hosts == tea.hosts
    assert held.products[gtin].name_zh == "茶"
    serial = held.epochs[0].cipher.serial_of(second.first_counter + 3)
    assert held.counter_of(serial) == (0, second.first_counter + 3)
    assert held.counter_of(serial[:-1] + ("0" if serial[-1] != "0" else "1")) is None
    assert held.counter_of("not a serial") is None
    assert held.counter_of("5" + serial[1:]) is None
    found = held.range_of(epoch=0, counter=second.first_counter + 3)
    assert found is not None
    assert (found.order_id, found.lot, found.state_at(second.first_counter + 3)[0]) == (second.id, "L2", CodeState.ACTIVE)
    other = held.range_of(epoch=0, counter=first.last_counter)
    assert other is not None
    assert other.state_at(first.last_counter)[0] is CodeState.INACTIVE
    assert held.range_of(epoch=0, counter=second.last_counter + 1) is None
    assert held.range_of(epoch=1, counter=0) is None


def test_every_change_that_edges_hold_grows_the_version(inside: Inside, tea: Brand) -> None:
    told: list[int] = []
    changes: list[Callable[[Session], object]] = [
        lambda session: brands.add_host(session, tenant_id=tea.tenant_id, host="more.example"),
        lambda session: brands.change_origin(session, tenant_id=tea.tenant_id, scan_origin="https://more.example"),
        lambda session: products.add(session, tenant_id=tea.tenant_id, gtin=gtin_of(uuid7(NOW).int), name="A", now=NOW),
    ]
    for change in changes:
        with inside() as session:
            session.info[catalogue_version.TELL] = told.append
            change(session)
    assert len(told) == 3
    assert told == sorted(set(told))


def test_one_decision_about_several_runs_is_one_line_of_the_audit(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=100)
        decided: dict[str, Any] = {
            "tenant_id": tea.tenant_id,
            "order_id": order.id,
            "reason": "torn",
            "now": NOW,
            "actor": "alice",
        }
        later = NOW + timedelta(seconds=1)
        ranges.decide_runs(session, CodeState.ACTIVE, runs=[(1, 100)], **decided)
        assert ranges.decide_runs(session, CodeState.FROZEN, runs=[(1, 10), (51, 52)], **decided) == 12
        assert ranges.decide_runs(session, CodeState.UNFROZEN, runs=[(6, 60)], **{**decided, "now": later}) == 7
        assert ranges.decide_runs(session, CodeState.VOID, runs=[(1, 2), (100, 100)], **decided) == 3
        assert ranges.decide_runs(session, CodeState.VOID, runs=[(2, 3)], **decided) == 1
        assert ranges.decide_runs(session, CodeState.ACTIVE, runs=[(1, 3), (100, 100)], **decided) == 0
        counts = ranges.counts(session, tenant_id=tea.tenant_id, orders=[order])[order.id]
        assert (counts.active, counts.frozen, counts.void) == (94, 2, 4)
        with pytest.raises(ranges.RangeVoided):
            ranges.decide_runs(session, CodeState.RECALLED, runs=[(1, 2)], **decided)
        with pytest.raises(ranges.RowsOutsideOrder):
            ranges.decide_runs(session, CodeState.VOID, runs=[(5, 6), (100, 101)], **decided)
        assert ranges.decide_runs(session, CodeState.VOID, runs=[(5, 6)], **decided) == 2
        lines = audit.of_order(session, order.id, tenant_id=tea.tenant_id)
    assert [dict(line.facts) for line in lines if line.action is Action.RANGE_FROZEN] == [
        {"rows": [[1, 10], [51, 52]], "codes": 12}
    ]
