"""Rows on their way into PostgreSQL: what arrives is what was sent, to the last bit, and projections see just what was news."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from kit.db import transaction
from scanservice.ingest import records
from scanservice.ingest.records import News, NewScan, RaceLost, ScanRow
from scanservice.verdicts import Reason
from tests.conftest import Brand, Database

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
REASONS = st.lists(st.builds(Reason, TEXTS, TEXTS | st.integers(-(2**31), 2**31) | st.none()), max_size=3).map(tuple)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@st.composite
def rows(draw: st.DrawFn) -> ScanRow:
    epoch, counter = draw(st.tuples(st.integers(0, 30), st.integers(0, 2**40 - 1)) | st.just((None, None)))
    latitude, longitude = draw(st.tuples(NUMBERS, NUMBERS) | st.just((None, None)))
    return ScanRow(
        tenant_id=0,
        scan_id=draw(st.uuids()),
        scanned_at=draw(TIMES),
        confirmed_at=draw(TIMES | st.none()),
        epoch=epoch,
        counter=counter,
        order_id=draw(st.uuids() | st.none()),
        gtin=draw(TEXTS),
        lot=draw(TEXTS),
        serial=draw(TEXTS),
        verdict=draw(TEXTS),
        reasons=draw(REASONS),
        role=draw(TEXTS),
        visitor=draw(st.binary(max_size=16)),
        whence=draw(st.binary(max_size=5)),
        ip=draw((st.ip_addresses().map(str)) | st.none()),
        latitude=latitude,
        longitude=longitude,
        accuracy_m=draw(NUMBERS | st.none()),
        division=draw(TEXTS),
        client=draw(TEXTS),
        language=draw(TEXTS),
        source=draw(TEXTS),
    )


def row(brand: Brand, **more: Any) -> ScanRow:
    words = dict.fromkeys(("gtin", "lot", "serial", "verdict", "role", "division", "client", "language"), "")
    unknown = dict.fromkeys(("epoch", "counter", "order_id", "ip", "latitude", "longitude", "accuracy_m", "confirmed_at"))
    plain: dict[str, Any] = {**words, **unknown, "reasons": (), "visitor": b"visitor1", "whence": b"", "source": "live"}
    return ScanRow(**{**plain, "tenant_id": brand.tenant_id, "scan_id": uuid4(), "scanned_at": NOON, **more})


@pytest.fixture
def opened(database: Database, brand: Brand) -> Iterator[Session]:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        yield session


class Witness:
    def __init__(self, *verdicts: str) -> None:
        self.verdicts = verdicts
        self.seen: list[NewScan] = []

    def __call__(self, _session: Session, _tenant_id: int, news: News, /) -> None:
        found = list(news.having(self.verdicts) if self.verdicts else news)
        assert self.verdicts or len(found) == len(news)
        self.seen += found


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_rows=st.lists(rows(), max_size=8, unique_by=lambda one: one.scan_id))
def test_what_arrives_is_what_was_sent(opened: Session, brand: Brand, given_rows: list[ScanRow]) -> None:
    sent = [msgspec.structs.replace(one, tenant_id=brand.tenant_id) for one in given_rows]
    witness = Witness()
    example = opened.begin_nested()
    records.store(opened, sent, projections=[witness])
    example.rollback()
    assert {one.row.scan_id: one.row for one in witness.seen} == {one.scan_id: one for one in sent}


def test_only_what_is_new_is_news(opened: Session, brand: Brand) -> None:
    page, known = row(brand, verdict="genuine_first"), row(brand, verdict="void", confirmed_at=NOON)
    records.store(opened, [page, known], projections=())
    records.forget(opened)
    beacon = msgspec.structs.replace(page, verdict="genuine_seen", division="310000", confirmed_at=NOON + timedelta(seconds=2))
    fresh = row(brand, verdict="void")
    everything, void = Witness(), Witness("void", "inactive")
    assert records.store(opened, [known, beacon, fresh], projections=[everything, void]) == 2
    assert [one.row for one in void.seen] == [fresh]
    (confirmed,) = [one for one in everything.seen if not one.newly_inserted]
    assert (confirmed.row, confirmed.before) == (beacon, records.Before(verdict="genuine_first", division=""))
    records.forget(opened)
    again = Witness()
    assert records.store(opened, [known, beacon, fresh], projections=[again]) == 0
    assert again.seen == []


def test_a_scan_that_another_stores_at_the_same_moment_is_a_lost_race(database: Database, brand: Brand) -> None:
    known, same, other = row(brand, confirmed_at=NOON), row(brand, confirmed_at=NOON), row(brand)

    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "INSERT INTO scan (" in statement:
            with transaction(database.app_engine, tenant_id=brand.tenant_id) as theirs:
                records.store(theirs, [same], projections=())

    def store(*, disturbed: bool) -> int:
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as ours:
            if disturbed:
                event.listen(ours.connection(), "before_cursor_execute", meanwhile)
            return records.store(ours, [known, same, other], projections=())

    with transaction(database.app_engine, tenant_id=brand.tenant_id) as earlier:
        # The month has its partition then: whoever makes one holds the others up.
        records.store(earlier, [row(brand, confirmed_at=NOON)], projections=())
    with pytest.raises(RaceLost):
        store(disturbed=True)
    assert [store(disturbed=False), store(disturbed=False)] == [2, 0]


def test_a_page_keeps_its_place_when_its_beacon_has_none(opened: Session, brand: Brand) -> None:
    page = row(brand, division="510000", latitude=30.6, longitude=104.1)
    records.store(opened, [page], projections=())
    records.forget(opened)
    beacon = msgspec.structs.replace(page, division="", latitude=None, longitude=None, confirmed_at=NOON)
    witness = Witness()
    records.store(opened, [beacon], projections=[witness])
    assert [one.row.division for one in witness.seen] == ["510000"]
