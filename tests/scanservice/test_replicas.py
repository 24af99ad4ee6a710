"""A Redis with a replica: what was answered lies on two disks. The replica is a second server, stopped and started by signals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis import Redis

from kit import daemons, valkey
from kit.redis import connect
from kit.valkey import Valkey
from scanservice.hot import functions, streams
from tests.scanservice.conftest import LocalEdge, Market
from tests.waiting import until

JSON = "application/json"
PASSWORD = "replica"


@contextmanager
def replica_of(redis_url: str, folder: Path) -> Iterator[tuple[psutil.Process, Redis]]:
    """A replica that has everything the primary has."""
    server = Valkey(folder=folder, log=folder.with_suffix(".log"), port=daemons.free_port(), password=PASSWORD)
    server.prepare()
    server.launch()
    until(server.answers, "the replica")
    primary = urlsplit(redis_url)
    with connect(valkey.url(server.port, PASSWORD)) as client:
        try:
            client.config_set("masterauth", primary.password)
            client.replicaof(primary.hostname, primary.port)
            until(lambda: client.info("replication")["master_link_status"] == "up", "all that the primary has")
            process = server.process()
            assert process is not None
            yield process, client
        finally:
            client.replicaof("NO", "ONE")
            server.stop()


@pytest.fixture
def replica(redis_url: str, tmp_path: Path) -> Iterator[tuple[psutil.Process, Redis]]:
    with replica_of(redis_url, tmp_path / "replica") as made:
        yield made


def test_an_answered_scan_lies_on_the_replica_and_without_it_there_is_no_answer(
    edge: LocalEdge, market: Market, replica: tuple[psutil.Process, Redis]
) -> None:
    process, copy = replica
    edge.look_after()
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    assert streams.length(copy, partition) == 1
    process.suspend()
    try:
        answer = edge.stranger().get(market.path(2), accept=JSON)
        assert (answer.status, answer.json()["code"]) == (503, "recorder_away")
    finally:
        process.resume()
    # The scan that was refused is recorded all the same: nobody is told that it is not, only that it may not be.
    assert edge.stranger().verdict(market.path(3)) == "genuine_first"
    assert streams.length(copy, partition) == 3


def test_a_replica_that_was_taken_away_is_not_waited_for(edge: LocalEdge, market: Market, redis_url: str, tmp_path: Path) -> None:
    with replica_of(redis_url, tmp_path / "replica"):
        edge.look_after()
        assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    edge.look_after()
    assert edge.stranger().verdict(market.path(2)) == "genuine_first"
