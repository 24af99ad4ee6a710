"""Alice is a member, Bob another one; Charlie belongs to another brand."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from crm import identities, people
from crm.identities import E164, PersonalKeys
from crm.people import FirstTouch
from kit.db import transaction
from tests.conftest import NOW, Brand, Database

ALICE_PHONE = E164("+8613812345678")
BOB_PHONE = E164("+8613912345678")
KEYS = PersonalKeys.derive(b"a secret of thirty-two bytes ...")

Open = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    tenant_id: int
    id: UUID
    phone: E164


@pytest.fixture
def keys() -> PersonalKeys:
    return KEYS


@pytest.fixture
def opened(database: Database, brand: Brand) -> Open:
    """Opens a transaction inside the brand of this test."""
    return partial(transaction, database.app_engine, tenant_id=brand.tenant_id)


def make_member(database: Database, brand: Brand, phone: E164) -> Member:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        found = people.find_or_create(
            session,
            tenant_id=brand.tenant_id,
            keys=KEYS,
            phone=identities.read_phone(phone),
            source=FirstTouch(channel="scan", gtin="09521234543213", lot="L1"),
            language="zh",
            now=NOW,
        )
    return Member(tenant_id=brand.tenant_id, id=found.consumer_id, phone=phone)


@pytest.fixture
def alice(database: Database, brand: Brand) -> Member:
    return make_member(database, brand, ALICE_PHONE)


@pytest.fixture
def bob(database: Database, brand: Brand) -> Member:
    return make_member(database, brand, BOB_PHONE)


@pytest.fixture
def charlie(database: Database, other_brand: Brand) -> Member:
    return make_member(database, other_brand, ALICE_PHONE)
