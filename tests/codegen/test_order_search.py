"""Finding orders: pages, filters, and what nobody looks for."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from codegen import order_search, orders, products
from codegen.brands import Brand
from codegen.kinds import Kind, Profile
from codegen.lifecycle import order_life, ranges
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState
from codegen.order_search import Wanted
from codegen.orders import Stage
from kit.ids import uuid7
from tests.codegen.conftest import NOW, Inside, gtin_of, ordered


def found(session: Session, brand: Brand, wanted: Wanted) -> set[str]:
    return {order.lot for order in order_search.page(session, tenant_id=brand.tenant_id, wanted=wanted).orders}


def test_pages_go_from_new_to_old_and_end(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        made = {ordered(session, tea, gtin, quantity=1, request_id=str(number)).id for number in range(5)}
        seen: list[UUID] = []
        cursor = None
        while True:
            page = order_search.page(session, tenant_id=tea.tenant_id, cursor=cursor, rows_max=2)
            seen += [order.id for order in page.orders]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == sorted(made, reverse=True)
        with pytest.raises(order_search.CursorMalformed):
            order_search.page(session, tenant_id=tea.tenant_id, cursor="next")


def test_each_filter_finds_its_own_and_canaries_are_never_in_the_way(inside: Inside, tea: Brand, gtin: str) -> None:
    other = gtin_of(uuid7(NOW).int)
    with inside() as session:
        products.add(session, tenant_id=tea.tenant_id, gtin=other, name="Cake", now=NOW)
        plain = ordered(session, tea, gtin, lot="A1", request_id="a")
        ordered(session, tea, other, lot="B1", request_id="b")
        for lot, kind, product in (("CASES", Kind.CASE, gtin), ("A1", Kind.CANARY, gtin), ("ROLL", Kind.ITEM_OUTER, None)):
            profile = Profile.GS1 if product else Profile.SHORT
            orders.place(
                session,
                tenant_id=tea.tenant_id,
                gtin=product,
                quantity=5,
                lot=lot,
                kind=kind,
                profile=profile,
                request_id=f"{lot}{kind}",
                now=NOW,
                actor="bob_b@tea.example",
            )
        assert found(session, tea, Wanted()) == {"A1", "B1", "CASES", "ROLL"}
        assert len(order_search.page(session, tenant_id=tea.tenant_id, wanted=Wanted(lot="A1")).orders) == 1
        assert found(session, tea, Wanted(kind=Kind.CANARY)) == {"A1"}
        assert found(session, tea, Wanted(kind=Kind.CASE)) == {"CASES"}
        assert found(session, tea, Wanted(gtin=other)) == {"B1"}
        assert found(session, tea, Wanted(gtin="")) == {"ROLL"}
        assert found(session, tea, Wanted(text="bob_")) == {"CASES", "ROLL"}
        assert found(session, tea, Wanted(text="a%1")) == set()
        assert found(session, tea, Wanted(text="a1")) == {"A1"}
        assert found(session, tea, Wanted(text=str(plain.id))) == {"A1"}
        assert found(session, tea, Wanted(text=other)) == {"B1"}


def test_a_stage_of_life_is_the_one_that_order_life_tells(inside: Inside, tea: Brand, gtin: str) -> None:
    acts: dict[str, Any] = {"tenant_id": tea.tenant_id, "now": NOW, "actor": "alice"}
    with inside() as session:
        placed = {
            life: orders.place(
                session,
                gtin=gtin,
                quantity=10,
                lot=life.value,
                request_id=life.value,
                stage=Stage.DRAFT if life is Life.DRAFT else Stage.ISSUED,
                **acts,
            )
            for life in Life
        }
        for life in (Life.PRINTED, Life.ACTIVE):
            ranges.mark_printed(session, order_id=placed[life].id, **acts)
        ranges.activate(session, order_id=placed[Life.ACTIVE].id, first=3, **acts)
        ranges.activate(session, order_id=placed[Life.CLOSED].id, **acts)
        ranges.void(session, order_id=placed[Life.CLOSED].id, last=2, reason="torn", **acts)
        order_life.close(session, placed[Life.CLOSED].id, **acts)
        for life, order in placed.items():
            states = ranges.states_of(session, tenant_id=tea.tenant_id, order_id=order.id)
            now = orders.find(session, order.id, tenant_id=tea.tenant_id)
            assert order_life.of(now, states) is life
            assert found(session, tea, Wanted(life=life)) == {life.value}
        assert found(session, tea, Wanted(trouble=CodeState.VOID)) == {"closed"}
        assert found(session, tea, Wanted(trouble=CodeState.RECALLED)) == set()
