from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from codegen import catalogue
from kit.clock import FixedClock
from kit.csv_files import CsvEncoding, CsvHeader, CsvRowsRefused
from kit.db import transaction
from kit.settings import Settings
from supplychain import distributors, imported_files, shipments
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from web.imports import distributors as distributor_files
from web.imports import shipments as shipment_files
from web.imports import table
from web.imports.table import Loaded, Unreadable

DISTRIBUTORS = "distributor_id,name,divisions\n"
SHIPMENTS = "time,distributor_id,lot,serial\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Loads files for the test's brand, which has 100 codes of lot L1 and distributor D1."""

    database: Database
    brand: Furnished
    kek: bytes

    def load_distributors(self, content: str | bytes) -> Loaded:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            return distributor_files.load(session, _file(content), tenant_id=self.brand.tenant_id, now=NOW)

    def load_shipments(self, content: str | bytes) -> Loaded:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            known = catalogue.snapshot(session, tenant_id=self.brand.tenant_id, kek=self.kek)
            return shipment_files.load(session, _file(content), tenant_id=self.brand.tenant_id, catalogue=known, now=NOW)

    def distributors(self) -> dict[str, tuple[str, ...]]:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            known = distributors.everybody(session, tenant_id=self.brand.tenant_id)
        return {one.distributor_id: one.divisions for one in known}

    def goods(self, distributor_id: str) -> list[tuple[str, bool, int]]:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            found = shipments.lots_of(session, distributor_id, tenant_id=self.brand.tenant_id)
        return [(one.lot, one.whole, one.serials) for one in found]


def _file(content: str | bytes) -> BytesIO:
    return BytesIO(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def desk(database: Database, furnished: Furnished, settings: Settings) -> Desk:
    return Desk(database=database, brand=furnished, kek=settings.kek_bytes)


def refused(load: Callable[[str], Loaded], content: str) -> str:
    with pytest.raises(CsvRowsRefused) as caught:
        load(content)
    return caught.value.detail


def test_distributors_load_and_the_same_file_again_changes_nothing(desk: Desk) -> None:
    content = DISTRIBUTORS + "D2,华东,310000;330106\nD3,Hanoi,VN-HN\nD4,Nowhere,\n"
    assert str(desk.load_distributors(content)) == "3 rows, 3 new"
    assert str(desk.load_distributors(content)) == "3 rows, 0 new"
    assert desk.distributors() == {"D1": ("310000",), "D2": ("310000", "330106"), "D3": ("VN-HN",), "D4": ()}
    with transaction(desk.database.app_engine, tenant_id=desk.brand.tenant_id) as session:
        (entry,) = imported_files.latest(session, tenant_id=desk.brand.tenant_id)
    assert (entry.kind, entry.rows, entry.rows_new) == ("distributors", 3, 3)


def test_an_overlapping_file_of_distributors_adds_the_new_and_updates_the_changed(desk: Desk) -> None:
    desk.load_distributors(DISTRIBUTORS + "D2,East,310000\nD3,South,440000\n")
    loaded = desk.load_distributors(DISTRIBUTORS + "D3,South,450000\nD2,East,310000\nD5,West,510000\n")
    assert str(loaded) == "3 rows, 1 new, 1 changed"
    assert desk.distributors()["D3"] == ("450000",)


def test_one_bad_distributor_loads_none_and_is_named(desk: Desk) -> None:
    detail = refused(desk.load_distributors, DISTRIBUTORS + "D2,East,310000\nD3,,440000\nD4,West,999999;510000\nD2,Other,\n")
    assert detail.startswith(
        "Nothing was loaded: 3 faults. line 3, name: needs 1 to 200 printable characters; line 4, divisions:"
    )
    assert "'999999'" in detail
    assert detail.endswith("line 5, distributor_id: 'D2' stands on line 2 with other data.")
    assert desk.distributors() == {"D1": ("310000",)}


def test_a_lot_and_a_serial_are_shipped(desk: Desk) -> None:
    serial = desk.brand.serial(7)
    content = (
        SHIPMENTS + f"2026-11-01T08:00:00Z,D1,L1,\n2026-11-02T08:00:00+00:00,D1,,{serial}\n2026-11-03T08:00:00Z,D1,L1,{serial}\n"
    )
    assert str(desk.load_shipments(content)) == "3 rows, 3 new"
    assert str(desk.load_shipments(content)) == "3 rows, 0 new"
    assert str(desk.load_shipments(content + "2026-11-04T08:00:00Z,D1,L1,\n")) == "4 rows, 1 new"
    assert desk.goods("D1") == [("L1", True, 1)]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("2026-11-01 08:00:00,D1,L1,", "time", "no time in ISO 8601 UTC"),
        ("2026-11-01T08:00:00+08:00,D1,L1,", "time", "no time in ISO 8601 UTC"),
        ("2026-02-30T08:00:00Z,D1,L1,", "time", "is no time"),
        ("2026-11-22T16:00:00Z,D1,L1,", "time", "lies in the future"),
        ("1970-01-01T00:00:00Z,D1,L1,", "time", "is before 2010-01-01"),
        ("2026-11-01T08:00:00Z,D9,L1,", "distributor_id", "there is no distributor 'D9'"),
        ("2026-11-01T08:00:00Z,D1,L9,", "lot", "nobody ordered codes of lot 'L9'"),
        ("2026-11-01T08:00:00Z,D1,,", "lot", "a lot or a serial is needed"),
        ("2026-11-01T08:00:00Z,D1,,01YW9W24B8SFBF7BX1YR", "serial", "is not a serial of this brand"),
        ("2026-11-01T08:00:00Z,D1,,hello", "serial", "is not a serial of this brand"),
    ],
)
def test_a_bad_shipment_is_named_with_line_column_and_reason(desk: Desk, row: str, column: str, words: str) -> None:
    detail = refused(desk.load_shipments, SHIPMENTS + f"2026-11-01T08:00:00Z,D1,L1,\n{row}\n")
    assert detail.startswith(f"Nothing was loaded: 1 fault. line 3, {column}: ")
    assert words in detail
    assert desk.goods("D1") == []


def test_a_serial_without_an_order_and_one_of_another_lot_are_refused(desk: Desk) -> None:
    detail = refused(
        desk.load_shipments,
        SHIPMENTS + f"2026-11-01T08:00:00Z,D1,,{desk.brand.serial(101)}\n2026-11-01T08:00:00Z,D1,L2,{desk.brand.serial(1)}\n",
    )
    assert "line 2, serial: " in detail
    assert "belongs to no order" in detail
    assert "line 3, lot: nobody ordered codes of lot 'L2'" in detail
    assert "is of lot 'L1'" in detail


def test_one_bad_row_in_a_hundred_thousand_loads_nothing(desk: Desk) -> None:
    rows = [
        f"2026-11-01T{hour:02d}:{minute:02d}:{second:02d}Z,D1,L1,"
        for hour in range(23)
        for minute in range(60)
        for second in range(60)
    ]
    rows.append("2026-11-01T08:00:00Z,D1,L9,")
    detail = refused(desk.load_shipments, SHIPMENTS + "\n".join(rows))
    assert detail == f"Nothing was loaded: 1 fault. line {len(rows) + 1}, lot: nobody ordered codes of lot 'L9'."
    assert desk.goods("D1") == []


def test_a_file_of_another_kind_says_what_was_expected(desk: Desk) -> None:
    with pytest.raises(CsvHeader, match="Expected: time,distributor_id,lot,serial Found: distributor_id,name,divisions"):
        desk.load_shipments(DISTRIBUTORS + "D2,East,\n")
    with pytest.raises(CsvEncoding, match="Line 3 is not UTF-8"):
        desk.load_distributors(DISTRIBUTORS.encode() + b"D2,East,\nD3,\xbb\xaa,\n")


def test_a_brand_cannot_ship_to_a_strangers_distributor(desk: Desk, other_furnished: Furnished) -> None:
    with transaction(desk.database.app_engine, tenant_id=other_furnished.tenant_id) as session:
        theirs = distributors.checked(distributor_id="THEIRS", name="Theirs", divisions=[])
        distributors.put(session, theirs, tenant_id=other_furnished.tenant_id, now=NOW)
    assert "there is no distributor 'THEIRS'" in refused(desk.load_shipments, SHIPMENTS + "2026-11-01T08:00:00Z,THEIRS,L1,\n")
    serial = other_furnished.serial(1)
    assert "is not a serial of this brand" in refused(desk.load_shipments, SHIPMENTS + f"2026-11-01T08:00:00Z,D1,,{serial}\n")


def test_a_clock_slightly_ahead_is_forgiven(clock: FixedClock) -> None:
    ahead = clock.now() + timedelta(minutes=4)
    assert table.instant(ahead.strftime("%Y-%m-%dT%H:%M:%SZ"), now=clock.now()) == ahead
    with pytest.raises(Unreadable, match="future"):
        table.instant("2026-11-22T08:06:00Z", now=clock.now())


def test_times_keep_their_fractions() -> None:
    assert table.instant("2026-11-01T08:00:00.250Z", now=NOW) == datetime(2026, 11, 1, 8, 0, 0, 250_000, tzinfo=UTC)
    assert table.instant("2026-11-01T08:00Z", now=NOW) == datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
