"""The kill switch: lists of serials, and whole epochs; all or nothing, for ever."""

import pytest

from codegen import audit, explain
from codegen.audit import Action
from codegen.brands import Brand
from codegen.code_lists import serial_lists
from codegen.code_lists.serial_lists import SerialNotOurs, SerialsEmpty, SerialsTooMany
from codegen.explain import Finding
from codegen.keys import keyring
from codegen.keys.keyring import EpochUnknown
from codegen.lifecycle import kill_switch, ranges
from codegen.lifecycle.ranges import CodeState
from tests.codegen.conftest import KEK, NOW, Inside, ordered

ALICE = "alice@tea.example"


def test_a_list_voids_these_codes_and_no_neighbour(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        one = ordered(session, tea, gtin, quantity=10, request_id="a")
        other = ordered(session, tea, gtin, quantity=10, request_id="b")
        ranges.void(session, tenant_id=tea.tenant_id, order_id=one.id, first=3, last=3, reason="torn", now=NOW, actor=ALICE)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        lines = [
            serials.serial_of(one.first_counter + 1) + "\n",
            "\n",
            serials.serial_of(one.first_counter + 2).lower(),
            f"https://x.example/01/{gtin}/21/{serials.serial_of(other.first_counter + 9)}",
            serials.serial_of(one.first_counter + 2),
        ]
        killed = kill_switch.kill(session, lines, tenant_id=tea.tenant_id, reason="stolen", kek=KEK, now=NOW, actor=ALICE)
        states = ranges.states(session, tenant_id=tea.tenant_id)
        story = audit.of_order(session, one.id, tenant_id=tea.tenant_id)
    assert (killed.listed, killed.voided, killed.orders) == (3, 2, 2)
    assert [place for place in range(10) if states[one.id].at(one.first_counter + place)[0] is CodeState.VOID] == [1, 2]
    assert [place for place in range(10) if states[other.id].at(other.first_counter + place)[0] is CodeState.VOID] == [9]
    assert (story[-1].action, story[-1].reason, dict(story[-1].facts)) == (
        Action.RANGE_VOIDED,
        "stolen",
        {"rows": [[2, 2]], "codes": 1},
    )


def test_neighbours_of_a_list_share_one_row(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=1000)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        lines = [serials.serial_of(order.first_counter + place) for place in range(500)]
        kill_switch.kill(session, lines, tenant_id=tea.tenant_id, reason="x", kek=KEK, now=NOW, actor=ALICE)
        assert len(ranges.history(session, tenant_id=tea.tenant_id, order_id=order.id)) == 1


def test_a_line_that_is_no_code_of_ours_stops_the_whole_list(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        good = serials.serial_of(order.first_counter)
        for bad in ("hello", "http://[", good[:-1], serials.serial_of(order.last_counter + 1), "7" + good[1:], "Z" * 20):
            with pytest.raises(SerialNotOurs) as refused:
                kill_switch.kill(session, [good, bad], tenant_id=tea.tenant_id, reason="x", kek=KEK, now=NOW, actor=ALICE)
            assert refused.value.data["line"] == 2
        with pytest.raises(SerialsEmpty):
            kill_switch.kill(session, ["", " "], tenant_id=tea.tenant_id, reason="x", kek=KEK, now=NOW, actor=ALICE)
        assert ranges.history(session, tenant_id=tea.tenant_id, order_id=order.id) == []


def test_a_list_has_a_limit(inside: Inside, tea: Brand, gtin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_lists, "SERIALS_MAX", 2)
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        lines = [serials.serial_of(order.first_counter + place) for place in range(3)]
        with pytest.raises(SerialsTooMany):
            kill_switch.kill(session, lines, tenant_id=tea.tenant_id, reason="x", kek=KEK, now=NOW, actor=ALICE)


def test_a_revoked_epoch_is_replaced_and_its_codes_are_told_so(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        assert keyring.revoke(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK, reason="leaked", now=NOW, actor=ALICE)
        assert not keyring.revoke(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK, reason="again", now=NOW, actor=ALICE)
    with inside() as session:
        ring = keyring.epochs(session, tenant_id=tea.tenant_id, kek=KEK)
        after = ordered(session, tea, gtin, quantity=10, request_id="after")
        ordered_code, made_up = (
            explain.explain(session, tenant_id=tea.tenant_id, text=serials.serial_of(n), kek=KEK).finding
            for n in (order.first_counter, order.last_counter + 1)
        )
        story = audit.of_keys(session, tenant_id=tea.tenant_id)
    assert {number: epoch.state for number, epoch in ring.items()} == {0: "revoked", 1: "open"}
    assert after.epoch == 1
    assert ordered_code is made_up is Finding.EPOCH_REVOKED
    assert [(line.action, line.epoch, line.reason) for line in story[1:]] == [
        (Action.EPOCH_OPENED, 1, "leaked"),
        (Action.EPOCH_REVOKED, 0, "leaked"),
    ]


def test_an_epoch_that_is_not_there_cannot_be_revoked(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(EpochUnknown):
        keyring.revoke(session, tenant_id=tea.tenant_id, epoch=9, kek=KEK, reason="x", now=NOW, actor=ALICE)
