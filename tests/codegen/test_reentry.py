"""Orders that come back from their records: with their own counters, once, and never in another's place."""

import json
from typing import Any

import msgspec
import pytest

from codegen import orders, reentry
from codegen.brands import Brand
from codegen.keys import keyring
from codegen.keys.keyring import EpochUnknown
from codegen.lifecycle import ranges
from codegen.lifecycle.ranges import CodeState
from codegen.proofs import Proofs
from codegen.reentry import EpochStillOpen, OrderRecord, RangeTaken, RecordDiffers, RecordMalformed
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.codegen.test_packaging import packed_order


def lost(tea: Brand, product: str, /, **change: Any) -> OrderRecord:
    facts = {
        "format": reentry.FORMAT,
        "order_id": "01936f00-0000-7000-8000-000000000001",
        "request_id": "lost",
        "epoch": 0,
        "first_counter": 100,
        "items": 50,
        "gtin": product,
        "lot": "L5",
        "kind": "item_outer",
        "profile": "gs1",
        "ordered_by": f"alice of {tea.slug}",
        "created_at": "2026-11-21T08:00:00Z",
    }
    return reentry.read(json.dumps({**facts, **change}).encode())


def test_a_record_holds_all_that_an_order_is(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        proven = ordered(session, tea, gtin, request_id="proven", proofs=Proofs(signed=True, pin=True))
        for order in (ordered(session, tea, gtin), packed_order(session, tea, gtin), proven):
            record = reentry.read(msgspec.json.encode(reentry.record(order)))
            assert reentry.reenter(session, record, tenant_id=tea.tenant_id, now=NOW, actor="alice") == order


def test_a_lost_order_comes_back_inactive_and_its_counters_are_never_given_again(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
        record = lost(tea, gtin, signed=True, pin=True)
        back = reentry.reenter(session, record, tenant_id=tea.tenant_id, now=NOW, actor="alice")
        again = reentry.reenter(session, record, tenant_id=tea.tenant_id, now=NOW, actor="alice")
        found = orders.at(session, tenant_id=tea.tenant_id, epoch=0, counter=149)
        state = ranges.states_of(session, tenant_id=tea.tenant_id, order_id=back.id).at(149)[0]
        next_counter = keyring.find(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).next_counter
    assert back == again == found
    assert back.proofs == Proofs(signed=True, pin=True)
    assert (state, next_counter) == (CodeState.INACTIVE, 150)


def test_an_epoch_that_still_issues_is_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        with pytest.raises(EpochStillOpen):
            reentry.reenter(session, lost(tea, gtin), tenant_id=tea.tenant_id, now=NOW, actor="alice")
        with pytest.raises(EpochUnknown):
            reentry.reenter(session, lost(tea, gtin, epoch=9), tenant_id=tea.tenant_id, now=NOW, actor="alice")


@pytest.mark.parametrize(("first_counter", "items"), [(0, 1), (9, 5), (0, 50), (5, 1)])
def test_counters_of_another_order_are_not_taken(inside: Inside, tea: Brand, gtin: str, first_counter: int, items: int) -> None:
    with inside() as session:
        ordered(session, tea, gtin, quantity=10)
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
        record = lost(tea, gtin, first_counter=first_counter, items=items)
        with pytest.raises(RangeTaken):
            reentry.reenter(session, record, tenant_id=tea.tenant_id, now=NOW, actor="alice")
        beside = lost(tea, gtin, first_counter=10, items=items)
        assert reentry.reenter(session, beside, tenant_id=tea.tenant_id, now=NOW, actor="alice").first_counter == 10


def test_a_record_that_contradicts_what_is_here_is_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        ordered(session, tea, gtin, quantity=10, request_id="taken")
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
        reentry.reenter(session, lost(tea, gtin), tenant_id=tea.tenant_id, now=NOW, actor="alice")
        for other in (
            lost(tea, gtin, lot="L6"),
            lost(tea, gtin, request_id="taken", first_counter=500, order_id="01936f00-0000-7000-8000-000000000002"),
        ):
            with pytest.raises(RecordDiffers):
                reentry.reenter(session, other, tenant_id=tea.tenant_id, now=NOW, actor="alice")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "onemark-order/9"},
        {"items": 0},
        {"epoch": 31},
        {"surplus": 1},
        {"created_at": "2026-11-21T08:00:00"},
        {"first_counter": 2**40 - 1, "items": 2},
        {"kind": "case", "items_per_case": 10},
        {"gtin": None},
    ],
)
def test_what_is_no_record_is_refused(tea: Brand, gtin: str, change: dict[str, object]) -> None:
    with pytest.raises(RecordMalformed):
        lost(tea, gtin, **change)
