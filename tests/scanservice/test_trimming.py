"""What the log gives up after a day, and what it keeps although an entry among it tells of an older time or of none."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kit.clock import unix_ms
from kit.db import transaction
from kit.ids import uuid7
from scanservice.api_keys import Scope
from scanservice.hot import functions, log, pin_log, streams
from scanservice.hot.pin_log import PinEntry
from scanservice.hot.streams import Entry
from scanservice.ingest import entry_times, lag, rebuild, trimming
from scanservice.ingest.ingesting import Ingester
from tests.scanservice.conftest import LocalEdge, Market
from tests.scanservice.test_devices import key, told

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class Log:
    """The partition of the first row's code, as its only reader and writer sees it."""

    def __init__(self, edge: LocalEdge, market: Market, ingester: Ingester) -> None:
        self._edge = edge
        self._market = market
        self._ingester = ingester
        self._partition = functions.partition_of(market.tenant_id, market.order.first_counter)
        self._key = key(market, Scope.STAFF, Scope.OFFLINE)
        edge.look_after()

    def scan(self) -> None:
        self._edge.stranger().verdict(self._market.path(1))

    def scan_offline(self, *, ago: timedelta) -> None:
        report = {"url": self._market.url(1), "role": "staff", "scanned_at": told(self._market.clock.now() - ago)}
        assert self._edge.stranger().post("/v1/scans", report, **self._key).status == 200

    def try_pin(self) -> None:
        """As the Redis function notes a wrong one."""
        now, order = self._market.clock.now(), self._market.order
        entry = PinEntry(
            try_id=uuid7(now),
            tenant_id=self._market.tenant_id,
            epoch=order.epoch,
            counter=order.first_counter,
            at_ms=unix_ms(now),
            scan_id=uuid7(now),
            visitor=b"visitor!",
            whence=b"net\x00\x00",
        )
        self.write({pin_log.ENTRY_FIELD: pin_log.encode(entry), pin_log.OUTCOME_FIELD: b"wrong", pin_log.LANE_FIELD: b"open"})

    def write(self, fields: dict[Any, Any]) -> None:
        self._market.redis.xadd(functions.log_key(self._partition), fields, id="1-*")

    def write_unreadable(self) -> None:
        self.write({log.ENTRY_FIELD: b"\xc1", log.BEFORE_FIELD: b""})

    def pass_(self, time: timedelta) -> None:
        self._market.clock.advance(time)

    def kept(self) -> list[int]:
        """The sequence numbers that are there after everything was stored and one more look was taken."""
        self._ingester.drain()
        self.pass_(MINUTE)
        self._ingester.step()
        return [entry.sequence for entry in self.entries()]

    def entries(self) -> list[Entry]:
        return streams.forward(self._market.redis, self._partition, count=1000)


@pytest.fixture
def scans(edge: LocalEdge, market: Market, ingester: Ingester) -> Log:
    return Log(edge, market, ingester)


def test_scans_read_days_ago_and_reported_today_cost_no_other_entry_its_day(scans: Log) -> None:
    scans.scan()
    scans.pass_(DAY)
    for number in range(40):
        if number % 4 == 3:
            scans.scan_offline(ago=timedelta(days=3))
        else:
            scans.scan()
    assert scans.kept() == list(range(1, 41))
    assert scans.kept() == list(range(1, 41)), "and each further look takes no more"


def test_a_pin_in_the_middle_costs_no_other_entry_its_day(scans: Log) -> None:
    scans.scan()
    scans.pass_(DAY)
    for _ in range(12):
        scans.scan()
    scans.try_pin()
    for _ in range(13):
        scans.scan()
    assert scans.kept() == list(range(1, 27))


@pytest.mark.parametrize("head", ["offline", "pin", "unreadable"])
def test_what_stands_first_begins_no_trim_while_it_is_young(scans: Log, head: str) -> None:
    if head == "offline":
        scans.scan_offline(ago=timedelta(days=3))
    elif head == "pin":
        scans.try_pin()
    else:
        scans.write_unreadable()
    for _ in range(7):
        scans.scan()
        scans.scan_offline(ago=timedelta(days=3))
    assert scans.kept() == list(range(15))


def test_late_scans_and_pins_go_when_they_have_lain_for_a_day(scans: Log) -> None:
    scans.scan_offline(ago=timedelta(days=3))
    scans.try_pin()
    scans.pass_(DAY - 10 * MINUTE)
    scans.scan()
    assert scans.kept() == [0, 1, 2]
    scans.pass_(10 * MINUTE)
    assert scans.kept() == [2]


def test_what_cannot_be_read_goes_with_the_next_that_can(scans: Log) -> None:
    scans.write_unreadable()
    scans.scan()
    scans.write_unreadable()
    scans.pass_(DAY)
    scans.scan()
    assert scans.kept() == [2, 3]
    scans.pass_(DAY)
    assert scans.kept() == []


def test_times_of_no_calendar_and_of_the_future_hold_nothing_up(scans: Log, market: Market) -> None:
    scans.scan()
    (entry,) = scans.entries()
    sighting = log.decode(entry.fields[log.ENTRY_FIELD])
    for at_ms in (1 << 62, unix_ms(market.clock.now() + 300 * DAY)):
        known, visit = log.pack(sighting.known), log.pack(sighting.visit)
        packed = log.encode(uuid7(market.clock.now()), at_ms, sighting.counter, "", known, visit)
        scans.write({log.ENTRY_FIELD: packed, log.BEFORE_FIELD: b""})
    assert [entry_times.at(one.fields) is None for one in scans.entries()] == [False, True, False]
    scans.scan()
    scans.pass_(DAY)
    assert scans.kept() == []


def test_of_an_older_generation_each_entry_has_its_day_too(
    scans: Log, edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    scans.scan()
    scans.pass_(12 * 60 * MINUTE)
    scans.scan_offline(ago=timedelta(days=3))
    rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    edge.look_after()
    scans.scan()
    scans.kept()
    assert [entry.id for entry in scans.entries()] == ["1-0", "1-1", "2-0"]
    scans.pass_(12 * 60 * MINUTE - 10 * MINUTE)
    scans.kept()
    assert [entry.id for entry in scans.entries()] == ["1-0", "1-1", "2-0"]
    scans.pass_(10 * MINUTE)
    scans.kept()
    assert [entry.id for entry in scans.entries()] == ["1-1", "2-0"]


def test_a_restored_postgresql_reads_again_whatever_is_younger_than_a_day(scans: Log, market: Market, ingester: Ingester) -> None:
    scans.scan()
    scans.pass_(DAY)
    for _ in range(4):
        scans.scan()
        scans.scan_offline(ago=timedelta(days=3))
        scans.try_pin()
    scans.kept()
    # As a dump that was made after the first of them knows it.
    with transaction(market.engine, tenant_id=None) as session:
        session.execute(text("UPDATE log_position SET sequence = 0 WHERE sequence > 0"))
    assert ingester.drain() == 12
    with transaction(market.engine, tenant_id=None) as session:
        assert not lag.measure(session, market.redis).stopped


def test_long_untrimmed_logs_are_caught_up_with_in_several_looks(scans: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "READ_AT_ONCE", 2)
    monkeypatch.setattr(trimming, "TRIMMED_AT_ONCE_MAX", 4)
    for _ in range(9):
        scans.scan()
    scans.pass_(DAY)
    assert [len(scans.kept()) for _ in range(3)] == [5, 1, 0]


def test_a_scan_that_a_device_reported_late_waits_since_it_was_reported(scans: Log, market: Market) -> None:
    scans.scan_offline(ago=timedelta(days=3))
    scans.pass_(MINUTE)
    with transaction(market.engine, tenant_id=None) as session:
        measured = lag.measure(session, market.redis)
    assert (measured.waiting, measured.oldest_s(market.clock.now())) == (1, 60)
