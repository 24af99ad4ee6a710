"""Packaging by arithmetic: one parent each, pairs that know each other, ratios that fit, and files that say so."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from codegen import catalogue, explain, orders, packaging
from codegen.brands import Brand
from codegen.code_lists import listing
from codegen.code_lists.listing import Layout
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.orders import CodeOrder, PackagingOfItems, RequestDiffers
from codegen.packaging import Packaging, PalletsWithoutCases, RatioMalformed, RatioUnfit
from tests.codegen.conftest import KEK, NOW, Inside, ordered


@st.composite
def packagings(draw: st.DrawFn) -> Packaging:
    per_case = draw(st.none() | st.integers(1, 9))
    per_pallet = draw(st.none() | st.integers(1, 5)) if per_case else None
    items = draw(st.integers(1, 6)) * (per_case or 1) * (per_pallet or 1)
    return packaging.checked(
        Packaging(items=items, inner=draw(st.booleans()), items_per_case=per_case, cases_per_pallet=per_pallet)
    )


@given(packagings())
def test_blocks_cover_every_place_once(packed: Packaging) -> None:
    kinds = [packed.kind_of(place) for place in range(packed.codes)]
    assert [kinds.count(kind) for kind in (Kind.ITEM_OUTER, Kind.ITEM_INNER, Kind.CASE, Kind.PALLET)] == [
        packed.items,
        packed.items if packed.inner else 0,
        packed.cases,
        packed.pallets,
    ]
    for outside in (-1, packed.codes):
        with pytest.raises(ValueError, match="places"):
            packed.kind_of(outside)


@given(packagings())
def test_parents_and_children_agree(packed: Packaging) -> None:
    children: dict[int, list[int]] = {place: [] for place in range(packed.codes)}
    for place in range(packed.codes):
        parent = packed.parent_of(place)
        if parent is not None:
            children[parent].append(place)
    assert {place: list(packed.children_of(place)) for place in range(packed.codes)} == children


@given(packagings())
def test_cases_and_pallets_hold_what_the_ratio_says(packed: Packaging) -> None:
    for block in packed.blocks:
        for place in range(block.first, block.last + 1):
            held = {packed.kind_of(child) for child in packed.children_of(place)}
            count = len(packed.children_of(place))
            if block.kind is Kind.CASE:
                assert (held, count) == ({Kind.ITEM_OUTER}, packed.items_per_case)
            elif block.kind is Kind.PALLET:
                assert (held, count) == ({Kind.CASE}, packed.cases_per_pallet)
            elif block.kind is Kind.ITEM_OUTER:
                assert count == (1 if packed.inner else 0)
            else:
                assert count == 0


@given(packagings())
def test_twins_know_each_other(packed: Packaging) -> None:
    for place in range(packed.codes):
        twin = packed.twin_of(place)
        if twin is None:
            assert not packed.inner or packed.kind_of(place) in {Kind.CASE, Kind.PALLET}
        else:
            assert packed.twin_of(twin) == place
            assert {packed.kind_of(place), packed.kind_of(twin)} == {Kind.ITEM_OUTER, Kind.ITEM_INNER}


def test_a_ratio_that_does_not_divide_is_told_what_would(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session, pytest.raises(RatioUnfit) as refused:
        packed_order(session, tea, gtin, quantity=1000)
    assert refused.value.data["fitting"] == "960, 1920"
    with pytest.raises(RatioUnfit) as refused:
        packaging.checked(Packaging(items=5, items_per_case=24))
    assert refused.value.data["fitting"] == "24"


def test_impossible_ratios_are_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with pytest.raises(RatioMalformed):
        packaging.checked(Packaging(items=5, items_per_case=0))
    with pytest.raises(PalletsWithoutCases):
        packaging.checked(Packaging(items=5, cases_per_pallet=5))
    with inside() as session, pytest.raises(PackagingOfItems):
        orders.place(
            session,
            tenant_id=tea.tenant_id,
            gtin=gtin,
            quantity=24,
            lot="L1",
            kind=Kind.CASE,
            request_id="r",
            now=NOW,
            actor="alice",
            items_per_case=24,
        )


def packed_order(session: Session, tea: Brand, gtin: str, *, quantity: int = 1920, request_id: str = "packed") -> CodeOrder:
    return orders.place(
        session,
        tenant_id=tea.tenant_id,
        gtin=gtin,
        quantity=quantity,
        lot="L1",
        request_id=request_id,
        now=NOW,
        actor="alice",
        inner=True,
        items_per_case=24,
        cases_per_pallet=40,
    )


def test_an_order_with_packaging_is_one_row_and_the_same_request_is_the_same_order(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        ordered(session, tea, gtin, quantity=7, request_id="noise")
        order = packed_order(session, tea, gtin)
        again = packed_order(session, tea, gtin)
        billion = packed_order(session, tea, gtin, quantity=960_000_000, request_id="many")
        with pytest.raises(RequestDiffers):
            ordered(session, tea, gtin, quantity=1920, request_id="packed")
        assert len(orders.every(session, tenant_id=tea.tenant_id)) == 3
        held = catalogue.snapshot(session, tenant_id=tea.tenant_id, kek=KEK)
    assert order == again
    assert (order.items, order.quantity, order.last_counter) == (1920, 1920 * 2 + 80 + 2, 7 + 3922 - 1)
    assert billion.first_counter == order.last_counter + 1
    assert order.parent_of(order.first_counter + 25) == order.first_counter + 3840 + 1
    found = held.range_of(epoch=0, counter=order.last_counter)
    assert found is not None
    assert found.kind_at(order.last_counter) is Kind.PALLET


def test_a_file_names_the_kind_and_the_parent_of_each_code(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = packed_order(session, tea, gtin)
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
    whole, part = io.BytesIO(), io.BytesIO()
    told: list[int] = []
    listing.write(order, cipher, origin="https://x.example", out=whole, progress=told.append)
    listing.write(order, cipher, origin="https://x.example", out=part, progress=told.append, first=1900, last=3900)
    layout = Layout.of(order, cipher, origin="https://x.example")
    assert len(whole.getvalue()) == layout.bytes_of(order.quantity)
    assert len(part.getvalue()) == layout.bytes_of(2001, first=1900)
    assert part.getvalue().splitlines()[1:] == whole.getvalue().splitlines()[1900:3901]
    rows = list(csv.DictReader(io.StringIO(whole.getvalue().decode())))
    for place, row in enumerate(rows):
        counter = order.first_counter + place
        parent = order.parent_of(counter)
        assert (row["serial"], row["kind"], row["parent_serial"]) == (
            cipher.serial_of(counter),
            order.kind_of(counter).value,
            "" if parent is None else cipher.serial_of(parent),
        )


def test_a_code_is_explained_with_its_tree(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = packed_order(session, tea, gtin)
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        inner, case, plain = (
            explain.explain(session, tenant_id=tea.tenant_id, text=cipher.serial_of(n), kek=KEK)
            for n in (
                order.first_counter + 1920 + 30,
                order.first_counter + 3840 + 79,
                ordered(session, tea, gtin, quantity=1, request_id="plain").first_counter,
            )
        )
    assert inner.kind is Kind.ITEM_INNER
    assert [(one.kind, one.row) for one in inner.tree.above] == [
        (Kind.ITEM_OUTER, 31),
        (Kind.CASE, 3842),
        (Kind.PALLET, 3921),
    ]
    assert inner.tree.twin == inner.tree.above[0]
    assert [one.serial for one in inner.tree.above[:1]] == [cipher.serial_of(order.first_counter + 30)]
    assert (case.kind, case.tree.children_count) == (Kind.CASE, 24)
    assert [one.row for one in case.tree.children] == [1897, 1920]
    assert plain.tree == explain.NO_TREE
