"""Two brands with key rings, inside which the tests of this package work: Tea owns, Rival is a stranger."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy.orm import Session

from codegen import brands, orders, products
from codegen.brands import Brand
from codegen.orders import CodeOrder
from codegen.proofs import NO_PROOFS, Proofs
from kit.db import transaction
from kit.ids import uuid7
from tests.conftest import Database

KEK = bytes(range(32, 64))
GTIN = "09521234543213"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

Inside = Callable[[], AbstractContextManager[Session]]


def new_brand(database: Database, *, origin: str | None = None, prefixes: tuple[str, ...] = ("952",)) -> Brand:
    slug = f"b{uuid7(NOW).hex[-12:]}"
    with transaction(database.app_engine, tenant_id=None) as session:
        return brands.create(
            session,
            slug=slug,
            name="Tea House",
            scan_origin=origin or f"https://{slug}.example",
            gtin_prefixes=prefixes,
            kek=KEK,
            now=NOW,
        )


def gtin_of(payload: int) -> str:
    """A GTIN of prefix 952 that no other test uses: GTINs are unique in an instance."""
    digits = f"0952{payload % 10**9:09d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


@pytest.fixture
def tea(database: Database) -> Brand:
    return new_brand(database)


@pytest.fixture
def rival(database: Database) -> Brand:
    return new_brand(database)


@pytest.fixture
def inside(database: Database, tea: Brand) -> Inside:
    """A transaction of the brand."""
    return partial(transaction, database.app_engine, tenant_id=tea.tenant_id)


@pytest.fixture
def gtin(inside: Inside, tea: Brand) -> str:
    """The brand's product."""
    number = gtin_of(uuid7(NOW).int)
    with inside() as session:
        products.add(session, tenant_id=tea.tenant_id, gtin=number, name="Tea", name_zh="茶", now=NOW)
    return number


def ordered(
    session: Session,
    brand: Brand,
    gtin: str,
    *,
    quantity: int = 1000,
    request_id: str = "r1",
    lot: str = "L1",
    proofs: Proofs = NO_PROOFS,
) -> CodeOrder:
    return orders.place(
        session,
        tenant_id=brand.tenant_id,
        gtin=gtin,
        quantity=quantity,
        lot=lot,
        proofs=proofs,
        request_id=request_id,
        now=NOW,
        actor="alice@tea.example",
    )
