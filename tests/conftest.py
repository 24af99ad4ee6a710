"""Real servers for every test: one PostgreSQL for the run, a database and a Valkey for each worker, a new brand for each test."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from kit import servers, upgrading
from kit.clock import FixedClock
from kit.db import make_engine, transaction
from kit.ids import uuid7
from kit.postgres import Durability
from kit.redis import connect
from kit.servers import Server

NAMES = servers.Names(database="onemark_template", owner="onemark_owner", app="onemark_app")
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LOOPBACK = ("127.", "::1", "localhost", "/")
TEMPLATE_LOCK_ID = 4_711

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what it runs in the background, and our own processes would inherit it: the tests of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A migrated database. `app_engine` connects as the application's role, `owner_engine` as the owner of the tables."""

    app_engine: Engine
    owner_engine: Engine
    app_url: str
    owner_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    tenant_id: int
    slug: str
    origin: str


@pytest.fixture(scope="session", autouse=True)
def no_network_but_loopback() -> Iterator[None]:
    """A test that reaches outside the machine fails, and says whom it wanted to reach."""
    real = socket.socket.connect

    def connect_loopback(self: socket.socket, address: Any) -> None:
        host = address if isinstance(address, str) else str(address[0])
        if not host.startswith(LOOPBACK):
            raise AssertionError(f"a test may only reach loopback, not {host}")
        real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_loopback)
        yield


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def servers_of_run(run_dir: Path, worker_id: str) -> Iterator[servers.Endpoints]:
    with ExitStack() as stack:
        postgres = stack.enter_context(
            servers.joined(run_dir / "postgres", NAMES, needs=frozenset({Server.POSTGRES}), durability=Durability.NONE)
        )
        valkey = stack.enter_context(servers.joined(run_dir / f"valkey-{worker_id}", NAMES, needs=frozenset({Server.VALKEY})))
        yield servers.Endpoints(
            database_url=postgres.database_url,
            database_owner_url=postgres.database_owner_url,
            database_superuser_url=postgres.database_superuser_url,
            redis_url=valkey.redis_url,
        )
    shutil.rmtree(run_dir / f"valkey-{worker_id}", ignore_errors=True)


class Databases:
    """Makes databases out of one migrated template, about a tenth of a second each."""

    def __init__(self, endpoints: servers.Endpoints) -> None:
        self._endpoints = endpoints
        with self._superuser() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK_ID,))
            upgrading.upgrade(endpoints.database_owner_url, location="migrations:")

    def make(self, name: str) -> Database:
        with self._superuser() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK_ID,))
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {NAMES.database} OWNER {NAMES.owner}')
        app_url, owner_url = (
            make_url(url).set(database=name).render_as_string(hide_password=False)
            for url in (self._endpoints.database_url, self._endpoints.database_owner_url)
        )
        return Database(
            app_engine=make_engine(app_url), owner_engine=make_engine(owner_url), app_url=app_url, owner_url=owner_url
        )

    def drop(self, name: str, database: Database) -> None:
        database.app_engine.dispose()
        database.owner_engine.dispose()
        with self._superuser() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _superuser(self) -> psycopg.Connection[Any]:
        url = make_url(self._endpoints.database_superuser_url).set(drivername="postgresql", database="postgres")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture(scope="session")
def databases(servers_of_run: servers.Endpoints) -> Databases:
    return Databases(servers_of_run)


@pytest.fixture(scope="session")
def database(databases: Databases, worker_id: str) -> Iterator[Database]:
    """The worker's database. Tests share it, each with a brand of its own."""
    name = f"shared_{worker_id}"
    made = databases.make(name)
    yield made
    databases.drop(name, made)


@pytest.fixture
def fresh_database(databases: Databases) -> Iterator[Database]:
    """A database of the test's own, for what belongs to the instance rather than to a brand: the log, generations, versions."""
    name = f"fresh_{uuid7(NOW).hex}"
    made = databases.make(name)
    yield made
    databases.drop(name, made)


@pytest.fixture
def redis_url(servers_of_run: servers.Endpoints) -> str:
    """An empty Valkey with the settings that the edge demands."""
    with connect(servers_of_run.redis_url) as client:
        client.flushall()
        client.function_flush("SYNC")
    return servers_of_run.redis_url


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


def make_brand(engine: Engine, *, origin: str = "") -> Brand:
    slug = f"brand-{uuid7(NOW).hex[-12:]}"
    scan_origin = origin or f"HTTPS://{slug}.EXAMPLE".upper()
    with transaction(engine, tenant_id=None) as session:
        tenant_id = session.scalar(
            text("SELECT create_tenant(:slug, :name, :origin)"), {"slug": slug, "name": slug, "origin": scan_origin}
        )
    assert tenant_id is not None
    return Brand(tenant_id=tenant_id, slug=slug, origin=scan_origin)


@pytest.fixture
def brand(database: Database) -> Brand:
    """The brand of this test."""
    return make_brand(database.app_engine)


@pytest.fixture
def other_brand(database: Database) -> Brand:
    """A stranger's brand in the same database."""
    return make_brand(database.app_engine)


@pytest.fixture(scope="session")
def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}  # noqa: TID251 - CI is no setting of the product
