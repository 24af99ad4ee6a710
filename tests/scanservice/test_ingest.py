"""The log on its way into PostgreSQL: everything once, nothing lost unseen."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.db import transaction
from scanservice import queries
from scanservice.hot import functions, streams
from scanservice.ingest.ingesting import Ingester, News, NewScan
from scanservice.queries import DayTotal, DivisionTotal, ScanLine
from scanservice.verdicts import Verdict
from tests.scanservice.conftest import GTIN, LocalEdge, Market, locate

TODAY = date(2026, 11, 22)
TOMORROW = TODAY + timedelta(days=1)
SHANGHAI = {"latitude": 31.2, "longitude": 121.5, "accuracy_m": 20}


def lines(market: Market) -> list[ScanLine]:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return queries.recent_scans(session, tenant_id=market.tenant_id)


def totals(market: Market) -> list[DayTotal]:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return queries.totals_by_day(session, tenant_id=market.tenant_id, since=TODAY, until=TOMORROW)


def rows_of(market: Market, table: str) -> list[Any]:
    with market.engine.connect() as connection:
        return list(connection.execute(text(f"SELECT * FROM {table}")))


def entries(market: Market) -> int:
    return sum(streams.length(market.redis, partition) for partition in range(functions.PARTITIONS))


def test_a_page_and_its_beacon_become_one_row(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    anna = edge.stranger()
    ticket = anna.open(market.path(1))
    market.clock.advance(timedelta(seconds=3))
    anna.post("/v1/scans/confirm", {"ticket": ticket, **SHANGHAI})
    assert ingester.step() == 2
    (line,) = lines(market)
    assert line.verdict is Verdict.GENUINE_FIRST
    assert line.confirmed_at == line.scanned_at + timedelta(seconds=3)
    assert (line.epoch, line.counter, line.gtin, line.lot) == (0, market.order.first_counter, GTIN, "L1")
    assert (line.division, line.client) == ("310000", "safari")


def test_a_beacon_that_comes_later_moves_its_scan_in_the_totals(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    early = anna.open(market.path(1))
    bert.confirm(bert.open(market.path(1)))
    ingester.step()
    assert totals(market) == [DayTotal(day=TODAY, verdict=Verdict.GENUINE_FIRST, scans=2, confirmed=1)]
    anna.post("/v1/scans/confirm", {"ticket": early, **SHANGHAI})
    ingester.step()
    assert totals(market) == [
        DayTotal(day=TODAY, verdict=Verdict.GENUINE_FIRST, scans=1, confirmed=1),
        DayTotal(day=TODAY, verdict=Verdict.GENUINE_SEEN, scans=1, confirmed=1),
    ]
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        top = queries.top_divisions(session, tenant_id=market.tenant_id, since=TODAY, until=TOMORROW)
    assert top == [DivisionTotal(division="310000", scans=1, confirmed=1)]


def test_what_was_answered_is_what_is_recorded(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    answered: Counter[str] = Counter()
    for row in (1, 1, 2, 1, 1, 95):
        answered[edge.stranger().verdict(market.path(row))] += 1
    ingester.step()
    assert Counter(str(line.verdict) for line in lines(market)) == +answered


def test_replays_insert_and_count_nothing_twice(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    anna = edge.stranger()
    anna.confirm(anna.open(market.path(1)))
    edge.stranger().verdict(market.path(2))
    ingester.step()
    before = (lines(market), totals(market))
    with market.engine.begin() as connection:
        connection.execute(text("UPDATE log_position SET sequence = -1"))
    seen: list[NewScan] = []

    def watch(_session: Session, _tenant_id: int, scans: News, /) -> None:
        seen.extend(scans)

    again = Ingester(market.engine, market.redis, projections=(watch,), locate=locate, clock=market.clock)
    assert again.step() == 3
    assert seen == []
    assert (lines(market), totals(market)) == before


def test_a_failing_projection_leaves_nothing_behind(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))

    def fail(_session: Session, _tenant_id: int, _scans: News, /) -> None:
        raise RuntimeError("no")

    failing = Ingester(market.engine, market.redis, projections=(fail,), locate=locate, clock=market.clock)
    with pytest.raises(RuntimeError):
        failing.step()
    assert lines(market) == []
    assert ingester.step() == 1
    assert len(lines(market)) == 1


def test_a_gap_in_the_sequence_stops_its_partition_and_no_other(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    stopped, other = market.order.first_counter, market.order.first_counter + 1
    assert stopped >> functions.BUCKET_BITS == other >> functions.BUCKET_BITS
    partition = functions.partition_of(market.tenant_id, stopped)
    anna = edge.stranger()
    for row in (1, 2, 3):
        anna.verdict(market.path(row))
    market.redis.xdel(functions.log_key(partition), "1-1")
    assert edge.stranger().verdict(f"/01/{GTIN}/21/0000000000000000000Z") == "counterfeit"
    ingester.step()
    (row,) = [row for row in rows_of(market, "log_position") if row.stopped]
    assert (row.partition, row.sequence, row.stopped) == (partition, 0, "entry 1-2 follows 1-0")
    anna.verdict(market.path(4))
    ingester.step()
    assert {line.counter for line in lines(market)} == {stopped, None}


def test_a_log_that_went_back_stops_its_partition(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))
    edge.stranger().verdict(market.path(2))
    ingester.step()
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    market.redis.delete(functions.log_key(partition))
    edge.stranger().verdict(market.path(3))
    market.clock.advance(timedelta(minutes=1))
    assert ingester.step() == 0
    (row,) = [row for row in rows_of(market, "log_position") if row.stopped]
    assert row.stopped == "the log ends at 1-0, before 1-1"


def test_what_cannot_be_read_lies_in_the_dead_letters_and_the_rest_goes_on(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    edge.stranger().verdict(market.path(1))
    market.redis.xadd(functions.log_key(partition), {"e": b"\xc1", "s": b""}, id="1-*")
    market.redis.xadd(functions.log_key(partition), {"x": b"?"}, id="1-*")
    edge.stranger().verdict(market.path(2))
    assert ingester.step() == 4
    letters = rows_of(market, "log_dead_letter")
    assert [(letter.sequence, bytes(letter.entry)) for letter in letters] == [(1, b"\xc1"), (2, b"")]
    assert len(lines(market)) == 2


def test_two_ingesters_share_the_work_and_nothing_is_done_twice(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    for row in range(1, 20):
        edge.stranger().verdict(market.path(row))
    with transaction(market.engine, tenant_id=None) as session:
        session.execute(text("SELECT * FROM log_position FOR UPDATE"))
        assert ingester.step() == 0
    assert ingester.step() == 19
    assert ingester.step() == 0
    assert len(lines(market)) == 19


def test_stored_entries_are_trimmed_after_a_day(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))
    ingester.step()
    market.clock.advance(timedelta(hours=23))
    edge.stranger().verdict(market.path(2))
    ingester.step()
    assert entries(market) == 2
    market.clock.advance(timedelta(hours=2))
    ingester.step()
    assert entries(market) == 1
    market.clock.advance(timedelta(hours=24))
    ingester.step()
    assert entries(market) == 0
    edge.stranger().verdict(market.path(3))
    assert ingester.step() == 1


def test_a_filling_log_is_trimmed_before_its_day_but_never_before_it_is_stored(edge: LocalEdge, market: Market) -> None:
    small = Ingester(market.engine, market.redis, projections=(), locate=locate, clock=market.clock, log_bytes_max=64 * 160 * 8)
    for row in range(1, 8):
        edge.stranger().verdict(market.path(row))
    small.step()
    for row in range(8, 12):
        edge.stranger().verdict(market.path(row))
    market.clock.advance(timedelta(minutes=1))
    small.step()
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    (first,) = streams.forward(market.redis, partition, count=1)
    assert first.sequence == 3
    assert len(lines(market)) == 11


def test_a_clock_that_stepped_back_is_marked(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))
    market.clock.advance(timedelta(seconds=-5))
    edge.stranger().verdict(market.path(1))
    market.clock.advance(timedelta(seconds=-1))
    edge.stranger().verdict(market.path(1))
    ingester.step()
    marked = [line for line in lines(market) if ("clock_stepped_back_s", 6) in line.reasons]
    assert [line.scanned_at for line in marked] == [market.clock.now()]


def test_a_scan_keeps_the_trace_of_who_asked(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sound = f"00-{trace}-00f067aa0ba902b7-01"
    edge.stranger().get(market.path(1), accept="application/json", traceparent=sound)
    edge.stranger().post("/v1/scans", {"scans": [{"url": market.url(2)}]}, traceparent=sound)
    browser = edge.stranger(headers={"traceparent": sound})
    browser.confirm(browser.open(market.path(3)))
    edge.stranger().get(market.path(4), accept="application/json", traceparent="00-" + "0" * 32 + "-00f067aa0ba902b7-01")
    edge.stranger().get(market.path(5), accept="application/json")
    ingester.step()
    in_order = sorted(lines(market), key=lambda line: line.counter or 0)
    assert [("trace_id", trace) in line.reasons for line in in_order] == [True, True, True, False, False]


def test_a_scan_of_a_code_we_never_made_keeps_its_text(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().get(f"/01/{GTIN}/21/0000000000000000000Z", accept="application/json")
    ingester.step()
    (line,) = lines(market)
    assert (line.verdict, line.serial, line.counter) == (Verdict.COUNTERFEIT, "0000000000000000000Z", None)
