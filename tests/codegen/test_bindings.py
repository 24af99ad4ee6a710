"""Blank codes: printed first, bound later, by rows or by a scanned list, once."""

import pytest
from sqlalchemy.orm import Session

from codegen import audit, catalogue, explain, orders, products
from codegen.audit import Action
from codegen.brands import Brand
from codegen.code_lists.serial_lists import SerialNotOurs
from codegen.explain import Finding
from codegen.keys import keyring
from codegen.kinds import Profile
from codegen.lifecycle import bindings, order_life, ranges
from codegen.lifecycle.bindings import AlreadyBound, OrderNotBlank, Scene, Target
from codegen.orders import BlankNotShort, CodeOrder, LotMalformed, OrderClosed, OrderNotIssued, Stage
from codegen.products import ProductUnknown
from kit.ids import uuid7
from tests.codegen.conftest import KEK, NOW, Inside, gtin_of, ordered

ALICE = "alice@tea.example"


def blank(session: Session, tea: Brand, *, stage: Stage = Stage.ISSUED, request_id: str = "roll") -> CodeOrder:
    return orders.place(
        session,
        tenant_id=tea.tenant_id,
        gtin=None,
        quantity=100,
        lot="ROLL7",
        profile=Profile.SHORT,
        request_id=request_id,
        now=NOW,
        actor=ALICE,
        stage=stage,
    )


def bind(session: Session, tea: Brand, order: CodeOrder, target: Target, *, first: int = 1, last: int | None = None) -> int:
    return bindings.bind(
        session, target, tenant_id=tea.tenant_id, order_id=order.id, first=first, last=last, now=NOW, actor=ALICE
    )


def test_blank_codes_are_of_the_short_profile(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(BlankNotShort):
        orders.place(session, tenant_id=tea.tenant_id, gtin=None, quantity=1, lot="R", request_id="r", now=NOW, actor=ALICE)


def test_rows_are_bound_once_and_the_same_again_changes_nothing(inside: Inside, tea: Brand, gtin: str) -> None:
    other = gtin_of(uuid7(NOW).int)
    with inside() as session:
        products.add(session, tenant_id=tea.tenant_id, gtin=other, name="Coffee", now=NOW)
        order = blank(session, tea)
        target = Target(gtin=gtin, lot="L9", scene=Scene.REWARD)
        assert bind(session, tea, order, target, first=11, last=20) == 10
        assert bind(session, tea, order, target, first=11, last=20) == 0
        assert bind(session, tea, order, target, first=15, last=30) == 10
        with pytest.raises(AlreadyBound) as refused:
            bind(session, tea, order, Target(gtin=other, lot="L9"), first=30, last=40)
        assert bind(session, tea, order, Target(gtin=other, lot="L1"), first=31, last=40) == 10
        held = catalogue.snapshot(session, tenant_id=tea.tenant_id, kek=KEK)
        story = audit.of_order(session, order.id, tenant_id=tea.tenant_id)
    assert (refused.value.data["row"], refused.value.data["lot"]) == (30, "L9")
    found = held.range_of(epoch=0, counter=order.first_counter)
    assert found is not None
    names = [found.names_at(order.first_counter + row - 1) for row in (10, 11, 30, 31, 40, 41)]
    assert names == [None, (gtin, "L9"), (gtin, "L9"), (other, "L1"), (other, "L1"), None]
    assert [line.action for line in story] == [Action.ORDER_PLACED, *[Action.RANGE_BOUND] * 3]


def test_a_scanned_list_binds_these_codes_alone(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = blank(session, tea)
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        lines = [f"HTTPS://X.EXAMPLE/{cipher.serial_of(order.first_counter + place)}" for place in (4, 5, 9)]
        target = Target(gtin=gtin, lot="L9")
        bound = bindings.bind_listed(session, target, lines, tenant_id=tea.tenant_id, kek=KEK, now=NOW, actor=ALICE)
        there = bindings.of_orders(session, tenant_id=tea.tenant_id)[order.id]
        with pytest.raises(SerialNotOurs):
            bindings.bind_listed(session, target, ["nonsense"], tenant_id=tea.tenant_id, kek=KEK, now=NOW, actor=ALICE)
    assert bound == 3
    assert [(one.stretch.first - order.first_counter, one.stretch.count) for one in there] == [(4, 2), (9, 1)]


def test_what_cannot_be_bound_is_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    target = Target(gtin=gtin, lot="L9")
    with inside() as session:
        with pytest.raises(OrderNotBlank):
            bind(session, tea, ordered(session, tea, gtin), target)
        with pytest.raises(OrderNotIssued):
            bind(session, tea, blank(session, tea, stage=Stage.DRAFT, request_id="draft"), target)
        order = blank(session, tea)
        with pytest.raises(ProductUnknown):
            bind(session, tea, order, Target(gtin="09506000134352", lot="L9"))
        with pytest.raises(LotMalformed):
            bind(session, tea, order, Target(gtin=gtin, lot="=1"))
        order_life.close(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor=ALICE)
        with pytest.raises(OrderClosed):
            bind(session, tea, order, target)


def test_a_blank_code_is_explained_before_and_after(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = blank(session, tea)
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, now=NOW, actor=ALICE)
        bind(session, tea, order, Target(gtin=gtin, lot="L9"), first=2)
        serials = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        unbound, bound, foreign = (
            explain.explain(session, tenant_id=tea.tenant_id, text=text, kek=KEK)
            for text in (
                serials.serial_of(order.first_counter),
                serials.serial_of(order.first_counter + 1),
                f"https://x.example/01/{gtin}/21/{serials.serial_of(order.first_counter)}",
            )
        )
    assert (unbound.finding, unbound.product) == (Finding.UNBOUND, None)
    assert bound.finding is Finding.ACTIVE
    assert bound.product is not None
    assert bound.bound is not None
    assert (bound.product.name, bound.bound.lot) == ("Tea", "L9")
    assert foreign.finding is Finding.WRONG_GTIN
