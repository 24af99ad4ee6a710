from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from codegen import brands, orders, products
from codegen.gtin import Gtin, check_digit
from codegen.keys import keyring
from codegen.kinds import Kind, Profile
from codegen.orders import CodeOrder
from kit.clock import FixedClock
from kit.db import transaction
from supplychain import distributors, shipments
from supplychain.distributors import Distributor
from supplychain.shipments import Shipment
from tests.conftest import Brand, Database
from web.portal import received

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)


def lot(distributor_id: str, at: datetime, number: str) -> Shipment:
    return Shipment(distributor_id=distributor_id, shipped_at=at, lot=number)


def serial(distributor_id: str, at: datetime, counter: int, number: str = "L1") -> Shipment:
    return Shipment(distributor_id=distributor_id, shipped_at=at, lot=number, serial=f"S{counter}", epoch=0, counter=counter)


@pytest.fixture
def everyone(database: Database, brand: Brand, clock: FixedClock) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        distributors.put_all(
            session,
            [Distributor(distributor_id=name, name=name, divisions=()) for name in ("ALICE", "BOB")],
            tenant_id=brand.tenant_id,
            now=clock.now(),
        )


LOOSE = CodeOrder(
    id=UUID(int=1),
    request_id="loose",
    epoch=0,
    first_counter=0,
    quantity=100,
    gtin=Gtin(""),
    lot="L1",
    kind=Kind.ITEM_OUTER,
    profile=Profile.SHORT,
    ordered_by="test",
    created_at=MONDAY,
)


def receiver(session: Session, brand: Brand, *, number: str, counter: int, at: datetime, order: CodeOrder = LOOSE) -> str | None:
    return shipments.distributor_of(session, order, counter, tenant_id=brand.tenant_id, lot=number, at=at)


def test_the_same_shipment_twice_is_one(database: Database, brand: Brand, everyone: None) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        assert shipments.record(session, [lot("ALICE", MONDAY, "L1"), lot("ALICE", MONDAY, "L1")], tenant_id=brand.tenant_id) == 1
        again = [lot("ALICE", MONDAY, "L1"), lot("ALICE", TUESDAY, "L1"), serial("BOB", MONDAY, 5)]
        assert shipments.record(session, again, tenant_id=brand.tenant_id) == 2
        assert shipments.record(session, [], tenant_id=brand.tenant_id) == 0


def test_goods_shipped_to_a_distributor_are_listed_by_lot(database: Database, brand: Brand, everyone: None) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        sent = [
            lot("ALICE", MONDAY, "L1"),
            lot("ALICE", TUESDAY, "L1"),
            serial("ALICE", WEDNESDAY, 5, "L2"),
            serial("ALICE", WEDNESDAY, 6, "L2"),
            lot("BOB", MONDAY, "L1"),
            serial("BOB", MONDAY, 7, "L2"),
        ]
        shipments.record(session, sent, tenant_id=brand.tenant_id)
        second, first = shipments.lots_of(session, "ALICE", tenant_id=brand.tenant_id)
        assert (first.lot, first.first_at, first.last_at, first.whole, first.serials) == ("L1", MONDAY, TUESDAY, True, 0)
        assert first.shared
        assert (second.lot, second.whole, second.serials, second.shared) == ("L2", False, 2, False)
        singles = shipments.serials_of(session, "ALICE", tenant_id=brand.tenant_id, lots=["L2"], limit=10)
        assert sorted(str(one.counter) for one in singles) == ["5", "6"]
        assert shipments.serials_of(session, "ALICE", tenant_id=brand.tenant_id, lots=["L1"], limit=10) == ()


def test_an_item_is_of_the_last_receiver_of_its_serial(database: Database, brand: Brand, everyone: None) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        sent = [lot("ALICE", MONDAY, "L1"), serial("BOB", TUESDAY, 5)]
        shipments.record(session, sent, tenant_id=brand.tenant_id)
        assert receiver(session, brand, number="L1", counter=5, at=MONDAY) == "ALICE"
        assert receiver(session, brand, number="L1", counter=5, at=WEDNESDAY) == "BOB"
        assert receiver(session, brand, number="L1", counter=6, at=WEDNESDAY) == "ALICE"
        assert receiver(session, brand, number="L1", counter=6, at=MONDAY - timedelta(seconds=1)) is None
        path = shipments.path_of(session, LOOSE, 5, tenant_id=brand.tenant_id, lot="L1")
        assert [(step.distributor_id, step.shipped_at) for step in path] == [("ALICE", MONDAY), ("BOB", TUESDAY)]


def test_of_a_lot_that_two_received_nobody_can_say_whose_item_it_is(database: Database, brand: Brand, everyone: None) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        shipments.record(session, [lot("ALICE", MONDAY, "L1"), lot("BOB", TUESDAY, "L1")], tenant_id=brand.tenant_id)
        assert receiver(session, brand, number="L1", counter=5, at=MONDAY) == "ALICE"
        assert receiver(session, brand, number="L1", counter=5, at=TUESDAY) is None


def test_a_pallet_brings_what_lies_in_it(database: Database, brand: Brand, everyone: None) -> None:
    gtin = f"0952{brand.tenant_id:08d}7"
    gtin += check_digit(gtin)
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        brands.add_gtin_prefix(session, tenant_id=brand.tenant_id, prefix="952")
        products.add(session, tenant_id=brand.tenant_id, gtin=gtin, name="Tea", now=MONDAY)
        keyring.open_epoch(session, tenant_id=brand.tenant_id, kek=bytes(32), now=MONDAY)
        order = orders.place(
            session,
            tenant_id=brand.tenant_id,
            gtin=gtin,
            quantity=8,
            inner=True,
            items_per_case=2,
            cases_per_pallet=2,
            lot="L1",
            request_id="packed",
            now=MONDAY,
            actor="test",
        )
        # Items 0-7, their inner codes 8-15, cases 16-19, pallets 20-21.
        sent = [serial("ALICE", MONDAY, 20), serial("BOB", WEDNESDAY, 17), lot("BOB", MONDAY, "L1")]
        shipments.record(session, sent, tenant_id=brand.tenant_id)
        assert order.first_counter == 0
        for counter in (0, 9, 16):
            assert receiver(session, brand, number="L1", counter=counter, at=WEDNESDAY, order=order) == "ALICE"
        # A case of the pallet went on by itself; what is on no shipped pallet is the lot's.
        assert receiver(session, brand, number="L1", counter=2, at=TUESDAY, order=order) == "ALICE"
        assert receiver(session, brand, number="L1", counter=2, at=WEDNESDAY, order=order) == "BOB"
        assert receiver(session, brand, number="L1", counter=4, at=WEDNESDAY, order=order) == "BOB"
        path = shipments.path_of(session, order, 11, tenant_id=brand.tenant_id, lot="L9")
        assert [one.distributor_id for one in path] == ["ALICE", "BOB"]
        alone = shipments.last_receivers(session, tenant_id=brand.tenant_id, lots=["L1"], limit=10)
        held = {(one.counter, one.distributor_id) for one in received.unpacked(alone, [order])}
    assert held == {(20, "ALICE"), *((n, "ALICE") for n in (16, 0, 1, 8, 9)), *((n, "BOB") for n in (17, 2, 3, 10, 11))}
