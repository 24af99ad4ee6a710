"""A month of the scan log is dropped, and no code forgets who was there."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kit import chance
from kit.db import transaction
from scanservice import verdicts
from scanservice.hot import functions, generations, state
from scanservice.hot.generations import StateToRebuild
from scanservice.hot.state import Mode, Touch
from scanservice.ingest import dropping, kept_states, months, rebuild, records
from scanservice.ingest.dropping import MonthBusy, MonthNotOldest, MonthNotThere, MonthYoung, RecordBehind
from scanservice.ingest.ingesting import Ingester
from scanservice.ingest.records import ScanRow
from scanservice.verdicts import Role, Verdict
from tests.conftest import Database, make_brand
from tests.scanservice.conftest import LocalEdge, Market

JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (6, 7, 8))


@pytest.fixture(autouse=True)
def oldest_is_june(instance: Database) -> None:
    """Other tests leave months behind, and months go oldest first."""
    with instance.owner_engine.begin() as connection:
        for month in connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'scan'::regclass")
        ):
            connection.execute(text(f"DROP TABLE {month}"))


def random_scans(market: Market, random: Random, *, months_: Sequence[date], count: int) -> list[ScanRow]:
    """Few codes, some with many visitors; seen, confirmed later and perhaps in the next month, by staff, of codes not on the market."""
    rows = []
    for _ in range(count):
        month = months.begin_of(random.choice(months_))
        at = month + timedelta(seconds=random.randrange(28 * 86_400), microseconds=random.randrange(1_000_000))
        if random.random() < 0.2:
            at = months.begin_of(months.later(month.date(), 1)) - timedelta(seconds=random.randrange(1, 1800))
        confirmed_at = random.choice([None, at, at + timedelta(seconds=random.randrange(1800))])
        rows.append(
            row(
                market,
                UUID(bytes=random.randbytes(16)),
                at,
                confirmed_at=confirmed_at,
                counter=market.order.first_counter + random.choice([0, 0, 0, 1, 2, 300, 301]),
                visitor=bytes([random.randrange(12)]) * 8,
                whence=bytes([random.randrange(3)]) * 5,
                verdict=random.choice(list(Verdict)),
                role=random.choice([Role.CONSUMER, Role.CONSUMER, Role.STAFF, Role.SHOP]),
            )
        )
    return rows


def row(market: Market, scan_id: UUID, at: datetime, **more: Any) -> ScanRow:
    given: dict[str, Any] = {
        **dict.fromkeys(("gtin", "lot", "serial", "language", "client", "division"), ""),
        **dict.fromkeys(("order_id", "confirmed_at", "ip", "latitude", "longitude", "accuracy_m")),
        "epoch": 0,
        "counter": market.order.first_counter,
        "reasons": (),
        "source": "live",
        "role": "consumer",
        "verdict": "genuine_first",
        "visitor": b"visitor1",
        "whence": b"whenc",
        **more,
    }
    return ScanRow(tenant_id=market.tenant_id, scan_id=scan_id, scanned_at=at, **given)


def store(market: Market, rows: Sequence[ScanRow]) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        records.store(session, rows, projections=())


def prove(market: Market, random: Random) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.execute(
            text(
                "INSERT INTO pin_try VALUES (:tenant, gen_random_uuid(), 0, :counter, :at, 'right', 'open', :id, :id8, :whence)"
            ),
            {
                "tenant": market.tenant_id,
                "counter": market.order.first_counter + random.choice([0, 1, 9]),
                "at": datetime(2026, 6, 1 + random.randrange(28), tzinfo=UTC),
                "id": UUID(bytes=random.randbytes(16)),
                "id8": random.randbytes(8),
                "whence": bytes(5),
            },
        )


def expected(rows: Sequence[ScanRow]) -> dict[int, bytes]:
    """By counter, folded one scan at a time from what the scans did when they were live."""
    by_code: dict[int, list[Touch]] = {}
    for one in rows:
        assert one.counter is not None
        mode = verdicts.recorded_mode(one.verdict, one.role, confirmed=one.confirmed_at is not None)
        times = {one.scanned_at: Mode.SEEN} | ({} if one.confirmed_at is None else {one.confirmed_at: mode})
        for at, its in times.items():
            by_code.setdefault(one.counter, []).append(
                Touch(mode=its, at_s=state.seconds(at.timestamp()), visitor=one.visitor[:4], whence=one.whence)
            )
    folded = {counter: state.fold(touches) for counter, touches in by_code.items()}
    return {counter: state.pack(one) for counter, one in folded.items() if one is not None}


def rebuilt(market: Market) -> dict[Any, Any]:
    rebuild.rebuild(market.engine, market.redis, drain=lambda: 0, now=market.clock.now())
    return states(market)


def states(market: Market) -> dict[Any, Any]:
    return {key: market.redis.hgetall(key) for key in sorted(market.redis.scan_iter(match=functions.STATES))}


def drop(market: Market, month: date) -> int:
    return dropping.drop(market.engine, market.redis, month=month, now=market.clock.now())


def names(market: Market) -> set[str]:
    with transaction(market.engine, tenant_id=None) as session:
        return {month.name for month in months.listing(session)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rebuild_gives_the_same_bytes_before_and_after_months_were_dropped(market: Market, seed: int) -> None:
    random = chance.seeded(seed)
    rows = random_scans(market, random, months_=(JUNE, JULY, AUGUST, date(2026, 11, 1)), count=400)
    store(market, rows)
    before = rebuilt(market)
    fields = {
        int(key.split(b":")[-1]) << 8 | int(field): packed for key, bucket in before.items() for field, packed in bucket.items()
    }
    assert fields == expected(rows)
    for _ in range(4):
        prove(market, random)
    before = rebuilt(market)
    assert drop(market, JUNE) == sum(months.begin_of(JUNE) <= one.scanned_at < months.begin_of(JULY) for one in rows)
    assert rebuilt(market) == before
    assert "scan_2026_06" not in names(market)
    drop(market, JULY)
    assert rebuilt(market) == before
    # Late ones: the months are made again, folded into what is kept, and dropped once more.
    late = random_scans(market, random, months_=(JUNE, JULY), count=100)
    store(market, late)
    before = rebuilt(market)
    for month in (JUNE, JULY, AUGUST):
        drop(market, month)
        assert rebuilt(market) == before
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        recomputed = rebuild.recompute(
            session, market.redis, tenant_id=market.tenant_id, codes=[(0, one.counter or 0) for one in rows]
        )
    assert recomputed == 5
    assert states(market) == before


def test_live_scans_go_on_as_if_nothing_had_happened(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    market.clock.advance(datetime(2026, 6, 3, tzinfo=UTC) - market.clock.now())
    anna = edge.stranger()
    assert anna.verdict(market.path(1)) == "genuine_first"
    ingester.drain()
    market.clock.advance(datetime(2026, 11, 22, tzinfo=UTC) - market.clock.now())
    before = states(market)
    assert drop(market, JUNE) == 1
    assert states(market) == before
    assert rebuilt(market) == before
    edge.look_after()
    assert edge.stranger().verdict(market.path(1)) == "genuine_seen"
    assert anna.verdict(market.path(1)) == "genuine_again"
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        assert months.dropped(session, tenant_id=market.tenant_id) == {JUNE: 1}
        assert months.kept_since(session, tenant_id=market.tenant_id) == months.begin_of(JULY)


def test_an_emptied_redis_is_noticed_though_all_months_are_dropped(market: Market) -> None:
    store(market, [row(market, UUID(int=1), datetime(2026, 6, 3, tzinfo=UTC))])
    assert drop(market, JUNE) == 1
    for partition in range(functions.PARTITIONS):
        market.redis.delete(functions.meta_key(partition))
    with pytest.raises(StateToRebuild):
        generations.ensure(market.engine, market.redis, now=market.clock.now())


def test_scans_that_come_while_a_month_is_folded_are_folded_too(market: Market) -> None:
    random = chance.seeded(4)
    rows = random_scans(market, random, months_=(JUNE,), count=50)
    store(market, rows[:40])
    late = [iter(rows[40:])]

    def progress(_scans: int) -> None:
        for more in late[0]:
            store(market, [more])
            break

    dropping.drop(market.engine, market.redis, month=JUNE, now=market.clock.now(), progress=progress)
    store(market, list(late[0]))
    fields = [packed for bucket in rebuilt(market).values() for packed in bucket.values()]
    assert sorted(fields) == sorted(expected(rows).values())


def test_scans_that_never_cease_to_come_keep_their_month(market: Market) -> None:
    random = chance.seeded(5)
    store(market, random_scans(market, random, months_=(JUNE,), count=3))
    with pytest.raises(MonthBusy):
        dropping.drop(
            market.engine,
            market.redis,
            month=JUNE,
            now=market.clock.now(),
            progress=lambda _: store(
                market, [row(market, UUID(bytes=random.randbytes(16)), datetime(2026, 6, 1, random.randrange(24), tzinfo=UTC))]
            ),
        )
    assert "scan_2026_06" in names(market)


def test_the_database_itself_drops_no_month_that_is_not_folded_for_every_brand(market: Market) -> None:
    store(market, random_scans(market, chance.seeded(6), months_=(JUNE,), count=20))
    other = make_brand(market.engine)
    with transaction(market.engine, tenant_id=other.tenant_id) as session:
        records.store(
            session,
            [ScanRow(**{**_members(row(market, UUID(int=7), datetime(2026, 6, 5, tzinfo=UTC))), "tenant_id": other.tenant_id})],
            projections=(),
        )
    assert dropping.finish(market.engine, month=JUNE) is None
    while dropping.step(market.engine, month=JUNE):
        pass
    with transaction(market.engine, tenant_id=other.tenant_id) as session:
        session.execute(text("UPDATE scan_month SET confirmed = confirmed + 1"))
    assert dropping.finish(market.engine, month=JUNE) is None
    assert "scan_2026_06" in names(market)
    while dropping.step(market.engine, month=JUNE):
        pass
    assert dropping.finish(market.engine, month=JUNE) == 21
    assert "scan_2026_06" not in names(market)


def _members(one: ScanRow) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ScanRow.__struct_fields__}


def test_young_months_unknown_ones_and_those_out_of_turn_stay(market: Market) -> None:
    store(market, random_scans(market, chance.seeded(7), months_=(JULY, AUGUST, date(2026, 9, 1)), count=60))
    for month, refusal in ((JUNE, MonthNotThere), (date(2026, 9, 1), MonthYoung), (AUGUST, MonthNotOldest)):
        with pytest.raises(refusal):
            drop(market, month)
    with transaction(market.engine, tenant_id=None) as session:
        assert dropping.due(session, kept=1, now=market.clock.now()) == JULY
        assert dropping.due(session, kept=4, now=market.clock.now()) is None


@pytest.mark.parametrize("month", ["2026-06-02", "2200-01-01", None])
def test_the_database_itself_refuses_what_is_no_old_month(market: Market, month: str | None) -> None:
    store(market, random_scans(market, chance.seeded(8), months_=(JUNE,), count=3))
    with pytest.raises(IntegrityError), transaction(market.engine, tenant_id=None) as session:
        session.execute(text("SELECT drop_scan_month(CAST(:month AS date))"), {"month": month})


def test_nothing_goes_while_the_record_is_behind_the_log(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    store(market, random_scans(market, chance.seeded(9), months_=(JUNE,), count=3))
    edge.stranger().verdict(market.path(1))
    market.clock.advance(timedelta(minutes=1))
    with pytest.raises(RecordBehind):
        drop(market, JUNE)
    ingester.drain()
    assert drop(market, JUNE) == 3


def test_a_code_with_more_visitors_than_are_kept_keeps_the_earliest(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_states, "SLOTS_MAX", 8)
    rows = [
        row(market, UUID(int=number + 1), at, confirmed_at=at, visitor=bytes([number % 11]) * 8)
        for number, at in enumerate(_days(datetime(2026, 6, 1, tzinfo=UTC), 80))
    ]
    store(market, rows)
    for month in (JUNE, JULY):
        drop(market, month)
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        assert session.scalar(text("SELECT octet_length(state) FROM code_state")) == 9 + 8 * 15
    fields = [packed for bucket in rebuilt(market).values() for packed in bucket.values()]
    assert fields == list(expected(rows).values())


def _days(first: datetime, count: int) -> Iterator[datetime]:
    return (first + timedelta(days=number) for number in range(count))
