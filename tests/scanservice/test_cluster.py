"""The same functions and ingesters on a Redis Cluster of three primaries with a replica each: a replica is stopped, its primary killed,
and no answered scan is lost or logged twice.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from redis.exceptions import RedisError
from sqlalchemy import Engine, select

from codegen import brands, orders, products
from codegen.keys import keyring
from codegen.lifecycle import ranges
from kit.clock import SystemClock
from kit.db import transaction
from kit.redis import connect, look_around, primaries, url_of_key
from kit.settings import Settings
from scanservice.hot import functions, generations
from scanservice.ingest import rebuild, statistics
from scanservice.ingest.ingesting import Ingester
from scanservice.models import Scan
from tests.conftest import Database
from tests.scanservice.cluster import Cluster, cluster
from tests.scanservice.conftest import GTIN, SECRET, LocalEdge, locate
from tests.waiting import until

# In 64 buckets: one for each partition.
CODES = functions.PARTITIONS * functions.FIELDS
PHONES = 16
JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def formed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def servers(formed: Cluster) -> Cluster:
    """Empty, whoever leads by now."""
    with connect(formed.url) as redis:
        for primary in primaries(redis):
            primary.flushall()
    return formed


class Load:
    """Phones that scan without pause, and write down each answer."""

    def __init__(self, edge: LocalEdge, paths: list[str]) -> None:
        self._edge = edge
        self._paths = paths
        self._next = 0
        self.answered: list[UUID] = []
        self.refused = 0

    def some(self) -> int:
        """A round of scans at once; how many of them were answered."""
        paths = [self._paths[(self._next + number) % len(self._paths)] for number in range(PHONES)]
        self._next += PHONES
        asks = [self._edge.stranger().asking("GET", path, **JSON) for path in paths]
        answers = self._edge.together(asks)
        scan_ids = [UUID(answer.json()["scan_id"]) for answer in answers if answer.status == 200]
        self.answered += scan_ids
        self.refused += len(answers) - len(scan_ids)
        assert {answer.status for answer in answers} <= {200, 503}, answers[0].body
        return len(scan_ids)


def place_codes(engine: Engine, settings: Settings) -> tuple[int, list[str]]:
    clock = SystemClock()
    with transaction(engine, tenant_id=None) as session:
        brand = brands.create(
            session,
            slug="tea",
            name="Tea House",
            scan_origin="https://tea.example",
            gtin_prefixes=("952",),
            kek=settings.kek_bytes,
            now=clock.now(),
        )
        products.add(session, tenant_id=brand.tenant_id, gtin=GTIN, name="Tea", now=clock.now())
        order = orders.place(
            session,
            tenant_id=brand.tenant_id,
            gtin=GTIN,
            quantity=CODES,
            lot="L1",
            request_id="one",
            now=clock.now(),
            actor="test",
        )
        ranges.activate(session, tenant_id=brand.tenant_id, order_id=order.id, now=clock.now(), actor="test")
        cipher = keyring.cipher(session, tenant_id=brand.tenant_id, epoch=order.epoch, kek=settings.kek_bytes)
        serials = [serial.decode() for serial in cipher.serials(order.first_counter, order.quantity)]
    # One code of each bucket after the other, so that phones that scan at once meet every server.
    spread = [serials[number] for start in range(functions.FIELDS) for number in range(start, len(serials), functions.FIELDS)]
    return brand.tenant_id, [f"/01/{GTIN}/21/{serial}" for serial in spread]


def test_a_failover_loses_no_answered_scan(servers: Cluster, instance: Database, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "DATABASE_URL": instance.app_url,
        "REDIS_URL": servers.url,
        "data_dir": tmp_path,
        "web_port": 9,
        "secret": SECRET,
    }
    settings = Settings(**given)
    tenant_id, paths = place_codes(instance.app_engine, settings)
    clock = SystemClock()
    done = Event()
    with connect(servers.url) as redis:
        functions.prepare(redis)
        generations.ensure(instance.app_engine, redis, now=clock.now())
        ingesters = [
            Ingester(instance.app_engine, redis, projections=(statistics.project,), locate=locate, clock=clock) for _ in range(2)
        ]
        threads = [Thread(target=keep_on, args=(one, done)) for one in ingesters]
        for thread in threads:
            thread.start()
        try:
            with LocalEdge.running(settings, clock) as edge:
                load = Load(edge, paths)
                story(servers, load, edge)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        until(lambda: drained(ingesters[0]), "everything in PostgreSQL")
    with transaction(instance.app_engine, tenant_id=tenant_id) as session:
        logged = Counter(session.scalars(select(Scan.scan_id).where(Scan.tenant_id == tenant_id)))
    assert len(load.answered) == len(set(load.answered))
    assert not set(load.answered) - set(logged)
    assert max(logged.values()) == 1
    print(f"{len(load.answered)} answered, {load.refused} refused, {len(logged)} logged")  # noqa: T201 - for who proves it


def story(servers: Cluster, load: Load, edge: LocalEdge) -> None:
    until(lambda: recovered(load, edge), "replicas with everything on disk")
    for _ in range(20):
        load.some()
    primary, replica = next(
        (one, other) for one, other in zip(servers.primaries, servers.replicas, strict=True) if servers.leads(one)
    )
    replica.process.suspend()
    halted = load.some()
    assert halted < PHONES, "nothing of this server is answered while its replica is silent"
    replica.process.resume()
    until(lambda: recovered(load, edge), "answers from all servers")
    killed_at = time.monotonic()
    primary.process.kill()
    until(lambda: servers.leads(replica), "the replica to take over")
    until(lambda: recovered(load, edge), "answers from all servers")
    print(f"scans of every partition again {time.monotonic() - killed_at:.1f} s after the primary was killed")  # noqa: T201
    for _ in range(20):
        load.some()


def recovered(load: Load, edge: LocalEdge) -> bool:
    edge.look_after()
    return all(load.some() == PHONES for _ in range(5))


def drained(ingester: Ingester) -> bool:
    try:
        ingester.drain()
    except RedisError:  # it has yet to learn who leads
        return False
    return True


def keep_on(ingester: Ingester, done: Event) -> None:
    """As the ingester's own process does: whatever Redis is up to, it tries again."""
    while not done.is_set():
        try:
            if not ingester.step():
                done.wait(0.01)
        except Exception:  # noqa: BLE001 - a server is away, as it should be in this test
            done.wait(0.1)


def test_every_server_holds_some_partitions(servers: Cluster) -> None:
    holders: Counter[str] = Counter()
    with connect(servers.url) as redis:
        for partition in range(functions.PARTITIONS):
            holders[url_of_key(redis, functions.meta_key(partition), url=servers.url)] += 1
    assert len(holders) == 3
    assert min(holders.values()) >= 10


def test_a_rebuild_spreads_the_state_over_the_servers_again(servers: Cluster, instance: Database, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "DATABASE_URL": instance.app_url,
        "REDIS_URL": servers.url,
        "data_dir": tmp_path,
        "web_port": 9,
        "secret": SECRET,
    }
    settings = Settings(**given)
    _, paths = place_codes(instance.app_engine, settings)
    clock = SystemClock()
    with connect(servers.url) as redis:
        look_around(redis)
        functions.prepare(redis)
        ingester = Ingester(instance.app_engine, redis, projections=(statistics.project,), locate=locate, clock=clock)
        rebuild.rebuild(instance.app_engine, redis, drain=ingester.drain, now=clock.now())
        with LocalEdge.running(settings, clock) as edge:
            load = Load(edge, paths)
            until(lambda: recovered(load, edge), "answers from all servers")
            stranger = edge.stranger()
            first = until(lambda: stranger.get(paths[-1], **JSON).json().get("verdict"), "an answer")
            until(lambda: drained(ingester), "everything in PostgreSQL")
            rebuilt = rebuild.rebuild(instance.app_engine, redis, drain=ingester.drain, now=clock.now())
            edge.look_after()
            again = until(lambda: stranger.get(paths[-1], **JSON).json().get("verdict"), "an answer")
    assert (first, again) == ("genuine_first", "genuine_again")
    assert rebuilt.codes >= len(set(paths[: 5 * PHONES]))
