"""Code orders: one row whatever the quantity, disjoint ranges, idempotent requests, refusals by name."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen import orders, products
from codegen.brands import Brand
from codegen.kinds import Kind, Profile
from codegen.orders import CodeOrder
from kit.db import transaction
from kit.ids import uuid7
from kit.refusals import Refusal
from tests.codegen.conftest import NOW, Inside, gtin_of, new_brand, ordered
from tests.conftest import Database


def test_a_billion_codes_are_one_row(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10**9)
        assert session.scalar(text("SELECT count(*) FROM code_order")) == 1
    assert (order.first_counter, order.last_counter) == (0, 10**9 - 1)


def test_ranges_follow_one_another(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        first = ordered(session, tea, gtin, quantity=10, request_id="a")
        second = ordered(session, tea, gtin, quantity=5, request_id="b")
        assert second.first_counter == first.last_counter + 1
        for counter, expected in [(0, first), (9, first), (10, second), (14, second), (15, None)]:
            assert orders.at(session, tenant_id=tea.tenant_id, epoch=0, counter=counter) == expected
        assert orders.every(session, tenant_id=tea.tenant_id) == [first, second]
        assert orders.of_lot(session, tenant_id=tea.tenant_id, lot="L1") == sorted([first, second], key=lambda one: one.id)


def test_the_same_request_twice_is_the_first_order(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        first = ordered(session, tea, gtin)
    with inside() as session:
        assert ordered(session, tea, gtin) == first
        assert session.scalar(text("SELECT next_counter FROM key_epoch")) == 1000


def test_the_same_request_with_other_data_is_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        ordered(session, tea, gtin)
        with pytest.raises(orders.RequestDiffers) as refused:
            ordered(session, tea, gtin, quantity=1001)
    assert refused.value.data == {"request_id": "r1", "field": "quantity", "there": 1000}


def test_equal_requests_at_once_make_one_order_and_lose_no_counter(inside: Inside, tea: Brand, gtin: str) -> None:
    def ask(_: int) -> CodeOrder:
        with inside() as session:
            return ordered(session, tea, gtin)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(12)))
    assert len({order.id for order in answers}) == 1
    with inside() as session:
        assert session.scalar(text("SELECT next_counter FROM key_epoch")) == 1000


def test_different_requests_at_once_get_disjoint_ranges(inside: Inside, tea: Brand, gtin: str) -> None:
    def ask(number: int) -> CodeOrder:
        with inside() as session:
            return ordered(session, tea, gtin, quantity=100 + number, request_id=str(number))

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(ask, range(12)), key=lambda order: order.first_counter)
    assert all(one.last_counter + 1 == following.first_counter for one, following in itertools.pairwise(answers))


@pytest.mark.parametrize("quantity", [0, -1, 10**9 + 1, 10**12])
def test_an_impossible_quantity_is_refused_and_takes_no_counter(inside: Inside, tea: Brand, gtin: str, quantity: int) -> None:
    with inside() as session, pytest.raises(orders.OrderQuantity) as refused:
        ordered(session, tea, gtin, quantity=quantity)
    assert refused.value.data == {"quantity": quantity, "quantity_max": 10**9}
    with inside() as session:
        assert session.scalar(text("SELECT next_counter FROM key_epoch")) == 0


@pytest.mark.parametrize("lot", ["", "=1+1", "+1", "-1", "@x", "A,B", 'A"', "A/B", "A B", "批次", "L" * 21, "L\n"])
def test_a_lot_that_a_file_or_label_would_garble_is_refused(inside: Inside, tea: Brand, gtin: str, lot: str) -> None:
    with inside() as session, pytest.raises(orders.LotMalformed):
        ordered(session, tea, gtin, lot=lot)


def test_an_unknown_product_cannot_be_ordered(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(Refusal) as refused:
        ordered(session, tea, gtin_of(78))
    assert refused.value.code == "product_unknown"


def test_a_full_epoch_says_how_much_is_left(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        session.execute(text("UPDATE key_epoch SET next_counter = (1::bigint << 40) - 10"))
        with pytest.raises(orders.EpochFull) as refused:
            ordered(session, tea, gtin, quantity=11)
        last = ordered(session, tea, gtin, quantity=10)
    assert refused.value.data == {"epoch": 0, "left": 10, "quantity": 11}
    assert last.last_counter == 2**40 - 1


def test_without_an_open_epoch_nothing_is_issued(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        session.execute(text("UPDATE key_epoch SET state = 'closed'"))
        with pytest.raises(orders.EpochNotOpen):
            ordered(session, tea, gtin)


def test_another_brands_order_is_unknown(inside: Inside, database: Database, tea: Brand, rival: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin)
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session, pytest.raises(orders.OrderUnknown):
        orders.find(session, order.id, tenant_id=rival.tenant_id)


def test_short_codes_need_an_origin_of_their_own(database: Database) -> None:
    one = new_brand(database, origin="https://shared.example")
    gtin = gtin_of(uuid7(NOW).int)
    with transaction(database.app_engine, tenant_id=one.tenant_id) as session:
        products.add(session, tenant_id=one.tenant_id, gtin=gtin, name="Cap", now=NOW)
        assert short_order(session, one, gtin, request_id="alone").profile is Profile.SHORT
    new_brand(database, origin="https://shared.example")
    with transaction(database.app_engine, tenant_id=one.tenant_id) as session, pytest.raises(orders.ShortHostShared):
        short_order(session, one, gtin, request_id="shared")


def short_order(session: Session, brand: Brand, gtin: str, *, request_id: str) -> CodeOrder:
    return orders.place(
        session,
        tenant_id=brand.tenant_id,
        gtin=gtin,
        quantity=5,
        lot="L1",
        kind=Kind.ITEM_INNER,
        profile=Profile.SHORT,
        request_id=request_id,
        now=NOW,
        actor="alice",
    )
