"""Who did what, when and why: written with the deed, never changed, read by nobody else."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from codegen import audit
from codegen.audit import Action, Wanted
from codegen.brands import Brand
from codegen.keys import keyring
from codegen.lifecycle import ranges
from kit.db import transaction
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.conftest import Database


def test_the_story_of_an_order_tells_who_when_and_why(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        other = ordered(session, tea, gtin, quantity=10, request_id="noise")
        order = ordered(session, tea, gtin, quantity=10)
        ordered(session, tea, gtin, quantity=10)  # the same request again is no second deed
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, first=2, reason="shipped", now=NOW, actor="alice")
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, first=2, now=NOW, actor="alice")
        ranges.void(session, tenant_id=tea.tenant_id, order_id=order.id, reason="torn", now=NOW + timedelta(1), actor="bob")
    with inside() as session:
        story = audit.of_order(session, order.id, tenant_id=tea.tenant_id)
        assert len(audit.of_order(session, other.id, tenant_id=tea.tenant_id)) == 1
    assert [(line.action, line.actor, line.reason, line.at - NOW) for line in story] == [
        (Action.ORDER_PLACED, "alice@tea.example", "", timedelta(0)),
        (Action.RANGE_ACTIVATED, "alice", "shipped", timedelta(0)),
        (Action.RANGE_VOIDED, "bob", "torn", timedelta(1)),
    ]
    assert dict(story[1].facts) == {"rows": [[2, 10]], "codes": 9}


def test_what_was_rolled_back_is_not_told(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
    with inside() as session:
        ranges.void(session, tenant_id=tea.tenant_id, order_id=order.id, reason="torn", now=NOW, actor="bob")
        session.rollback()
    with inside() as session:
        assert [line.action for line in audit.of_order(session, order.id, tenant_id=tea.tenant_id)] == [Action.ORDER_PLACED]


def test_keys_have_a_story_too(inside: Inside, tea: Brand) -> None:
    with inside() as session:
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW, actor="alice", reason="yearly")
        story = audit.of_keys(session, tenant_id=tea.tenant_id)
    assert [(line.action, line.epoch, line.actor, line.reason) for line in story] == [
        (Action.EPOCH_OPENED, 0, audit.SYSTEM, ""),
        (Action.EPOCH_OPENED, 1, "alice", "yearly"),
    ]


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_application_can_neither_change_nor_delete_a_line(inside: Inside, change: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), inside() as session:
        session.execute(text(change))


def test_a_stranger_reads_nothing(database: Database, inside: Inside, tea: Brand, rival: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session:
        assert audit.of_order(session, order.id, tenant_id=tea.tenant_id) == []


def test_a_decision_by_nobody_is_refused(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(ValueError, match="actor"):
        audit.write(session, Action.EPOCH_REVOKED, tenant_id=tea.tenant_id, actor="", now=NOW)


def test_pages_of_the_brands_audit_are_filtered(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        for day, actor in enumerate(("alice", "bob", "alice")):
            at = NOW + timedelta(days=day)
            ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, first=day + 1, last=day + 1, now=at, actor=actor)
        ranges.void(session, tenant_id=tea.tenant_id, order_id=order.id, last=1, reason="100% torn", now=NOW, actor="carol")

    def told(**wanted: object) -> list[tuple[str, str]]:
        with inside() as session:
            page = audit.page(session, tenant_id=tea.tenant_id, wanted=Wanted(**wanted))  # type: ignore[arg-type]
            return [(line.action.value, line.actor) for line in page.lines]

    assert told(actions=frozenset({Action.RANGE_VOIDED})) == [("range.void", "carol")]
    assert told(text="BOB") == [("range.active", "bob")]
    assert told(text="100% t") == [("range.void", "carol")]
    assert told(text="%") == [("range.void", "carol")]
    assert told(since=NOW + timedelta(days=2)) == [("range.active", "alice")]
    assert len(told(until=NOW)) == 0
    with inside() as session:
        first = audit.page(session, tenant_id=tea.tenant_id, lines_max=4)
        assert first.next_before is not None
        rest = audit.page(session, tenant_id=tea.tenant_id, before=first.next_before, lines_max=4)
    assert [line.action for line in (*first.lines, *rest.lines)][-2:] == [Action.ORDER_PLACED, Action.EPOCH_OPENED]
    assert rest.next_before is None
