"""The Flask application on the test's servers, and people who are signed in to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen import brands, orders, products
from codegen.cipher import SerialCipher
from codegen.keys import keyring
from codegen.lifecycle import ranges
from kit import redis
from kit.clock import FixedClock
from kit.db import transaction
from kit.ids import uuid7
from kit.jobs import Jobs
from kit.settings import Settings
from kit.throttle import Throttle
from supplychain import distributors
from supplychain.distributors import Distributor
from tests.conftest import NOW, Database
from web import accounts, pages
from web.accounts import Role, StaffMember
from web.app import Parts, create_app

PASSWORD = "a long enough password"
GTIN_PREFIX = "952"


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A brand with a product, an active order of 100 codes and a distributor."""

    tenant_id: int
    slug: str
    gtin: str
    order_id: UUID
    lot: str
    cipher: SerialCipher
    first_counter: int

    def serial(self, row: int) -> str:
        """The serial in row 1, 2, ... of the order."""
        return self.cipher.serial_of(self.first_counter + row - 1)


@pytest.fixture
def settings(tmp_path: Path, database: Database, redis_url: str) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database.app_url, database_owner_url=database.owner_url, redis_url=redis_url)


@pytest.fixture
def app(settings: Settings, database: Database, clock: FixedClock) -> Iterator[Flask]:
    client = redis.connect(settings.redis_url)
    queue = Jobs(client)
    made = create_app(
        Parts(
            settings=settings,
            engine=database.app_engine,
            clock=clock,
            jobs=queue,
            throttle=Throttle(settings.redis_url, clock),
            enqueue=lambda *, tenant_id, entry_id: queue.enqueue("web.worker.deliver", tenant_id, str(entry_id)),
            redis=client,
        ),
        blueprints=pages.register,
    )
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield made
    client.close()


def furnish(database: Database, settings: Settings, *, gtin: str) -> Furnished:
    """`gtin` is unique in the whole instance, so each test makes its own: see `some_gtin`."""
    slug = f"brand-{uuid7(NOW).hex[-12:]}"
    with transaction(database.app_engine, tenant_id=None) as session:
        brand = brands.create(
            session,
            slug=slug,
            name=f"Brand {slug[-4:]}",
            scan_origin=f"https://{slug}.example",
            gtin_prefixes=[GTIN_PREFIX],
            kek=settings.kek_bytes,
            now=NOW,
        )
        tenant_id = brand.tenant_id
        products.add(session, tenant_id=tenant_id, gtin=gtin, name="Tea", name_zh="茶", now=NOW)
        order = orders.place(
            session, tenant_id=tenant_id, gtin=gtin, quantity=100, lot="L1", request_id="r1", now=NOW, actor="test"
        )
        ranges.activate(session, tenant_id=tenant_id, order_id=order.id, now=NOW, actor="test")
        distributors.put(
            session,
            Distributor(distributor_id="D1", name="Shanghai Trading", divisions=("310000",)),
            tenant_id=tenant_id,
            now=NOW - timedelta(days=1),
        )
        cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=order.epoch, kek=settings.kek_bytes)
    return Furnished(
        tenant_id=tenant_id, slug=slug, gtin=gtin, order_id=order.id, lot="L1", cipher=cipher, first_counter=order.first_counter
    )


def some_gtin() -> str:
    """A GTIN of GS1's demonstration range that no other test uses."""
    body = f"0952{uuid7(NOW).int % 10**9:09d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


@pytest.fixture
def furnished(database: Database, settings: Settings) -> Furnished:
    return furnish(database, settings, gtin=some_gtin())


@pytest.fixture
def other_furnished(database: Database, settings: Settings) -> Furnished:
    return furnish(database, settings, gtin=some_gtin())


Join = Callable[..., StaffMember]


@pytest.fixture
def hire(database: Database, furnished: Furnished) -> Join:
    """Opens an account at the test's brand (or another): `hire(Role.OWNER)`."""

    def open_account(role: Role, *, tenant_id: int = furnished.tenant_id, distributor_id: str = "D1") -> StaffMember:
        with transaction(database.app_engine, tenant_id=tenant_id) as session:
            return accounts.add(
                session,
                tenant_id=tenant_id,
                email=f"{role}-{uuid7(NOW).hex[-12:]}@brand.example",
                name=f"The {role}",
                role=role,
                password=PASSWORD,
                distributor_id=distributor_id if role is Role.DISTRIBUTOR else None,
                now=NOW,
            )

    return open_account


def sign_in(client: FlaskClient, member: StaffMember) -> FlaskClient:
    answer = client.post("/sign-in", data={"email": member.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    return client


@pytest.fixture
def owner(app: Flask, hire: Join) -> FlaskClient:
    return sign_in(app.test_client(), hire(Role.OWNER))


@pytest.fixture
def marketer(app: Flask, hire: Join) -> FlaskClient:
    return sign_in(app.test_client(), hire(Role.MARKETER))


@pytest.fixture
def distributor(app: Flask, hire: Join) -> FlaskClient:
    return sign_in(app.test_client(), hire(Role.DISTRIBUTOR))
