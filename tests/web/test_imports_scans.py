from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import insert, text

from codegen import catalogue
from codegen.lifecycle import ranges
from kit.csv_files import CsvHeader, CsvRowsRefused
from kit.db import transaction
from kit.settings import Settings
from scanservice import visitors
from scanservice.ingest import backfill
from scanservice.ingest.backfill import MonthsDropped
from scanservice.models import ScanMonth
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.scans import drop_scans
from web import projecting
from web.imports import scans
from web.imports.past_scans import Context
from web.imports.table import Loaded

HEADER = "time,url,visitor_id,ip,latitude,longitude,accuracy_m,user_agent\n"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1"
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Loads histories for the test's brand, which has 100 active codes of lot L1."""

    database: Database
    brand: Furnished
    settings: Settings

    def url(self, row: int, *, gtin: str = "") -> str:
        return f"https://id.example/01/{gtin or self.brand.gtin}/21/{self.brand.serial(row)}"

    def load(self, content: str) -> Loaded:
        tenant_id = self.brand.tenant_id
        engine = self.database.app_engine
        with transaction(engine, tenant_id=tenant_id) as session:
            context = Context(
                catalogue=catalogue.snapshot(session, tenant_id=tenant_id, kek=self.settings.kek_bytes),
                keys=visitors.Keys.of(bytes(32)),
                now=NOW,
            )
            history, reader = scans.stage(session, BytesIO(content.encode()), context=context)
            with transaction(engine, tenant_id=tenant_id) as beside:
                backfill.prepare(beside, history.months)
            return scans.load(session, history, reader, context=context, projections=projecting.PROJECTIONS)

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            return [tuple(row) for row in session.execute(text(f"SELECT {columns} FROM scan ORDER BY scanned_at, scan_id"))]

    def total(self, what: str, table: str) -> int:
        with transaction(self.database.app_engine, tenant_id=self.brand.tenant_id) as session:
            return int(session.scalar(text(f"SELECT coalesce(sum({what}), 0) FROM {table}")) or 0)

    def verdicts(self) -> list[str]:
        return [verdict for (verdict,) in self.rows("verdict")]


@pytest.fixture
def desk(database: Database, furnished: Furnished, settings: Settings) -> Desk:
    return Desk(database=database, brand=furnished, settings=settings)


def line(url: str, who: str, *, at: datetime = MONDAY, position: str = ",,", ip: str = "", agent: str = PHONE) -> str:
    return f'{at:%Y-%m-%dT%H:%M:%SZ},{url},{who},{ip},{position},"{agent}"\n'


def refused(desk: Desk, content: str) -> str:
    with pytest.raises(CsvRowsRefused) as caught:
        desk.load(content)
    return caught.value.detail


def test_history_becomes_rows_sums_and_visitors(desk: Desk) -> None:
    content = HEADER + "".join(
        [
            line(desk.url(1), "alice", position="30.2590,120.1300,25", ip="203.0.113.7"),
            line(desk.url(2), "alice", at=MONDAY + timedelta(hours=1)),
            line(desk.url(3), "", at=MONDAY + timedelta(days=1), ip="203.0.113.9"),
        ]
    )
    assert str(desk.load(content)) == "3 rows, 3 new"
    first, second, third = desk.rows(
        "verdict, division, host(ip), lot, gtin, client, source, confirmed_at = scanned_at, accuracy_m"
    )
    assert first == ("genuine_first", "330106", "203.0.113.7", "L1", desk.brand.gtin, "safari", "import", True, 25.0)
    assert (second[1], second[2], third[2]) == ("", None, "203.0.113.9")
    assert desk.total("scans", "scan_total") == desk.total("confirmed", "scan_total") == 3
    assert desk.total("scans", "visitor_activity") == 3
    assert desk.total("1", "visitor_activity") == 2


def test_the_same_file_again_adds_nothing_and_an_overlapping_one_adds_the_rest(desk: Desk) -> None:
    one, two = line(desk.url(1), "alice"), line(desk.url(1), "bob", at=MONDAY + timedelta(hours=2))
    fake = line("https://id.example/01/" + desk.brand.gtin + "/21/01YW9W24B8SFBF7BX1YR", "carol")
    assert str(desk.load(HEADER + one + fake)) == "2 rows, 2 new"
    assert str(desk.load(HEADER + one + fake)) == "2 rows, 0 new"
    assert str(desk.load(HEADER + fake + two + one)) == "3 rows, 1 new"
    assert desk.total("scans", "scan_total") == 3
    assert desk.total("scans", "visitor_activity") == 3


def test_a_row_that_stands_twice_in_a_file_is_one_scan(desk: Desk) -> None:
    same = f"2026-11-02T08:00:00.000+00:00,{desk.url(1)},alice,,30.2590,120.1300,,\n"
    assert (
        str(desk.load(HEADER + same + f"2026-11-02T08:00:00Z,{desk.url(1)},alice,,30.259,+120.13,,\n" + same)) == "3 rows, 1 new"
    )


def test_verdicts_follow_time_and_not_the_order_of_the_file(desk: Desk) -> None:
    later = [line(desk.url(1), who, at=MONDAY + timedelta(days=day)) for day, who in ((3, "dora"), (2, "carol"), (1, "bob"))]
    again = line(desk.url(1), "alice", at=MONDAY + timedelta(hours=5))
    desk.load(HEADER + "".join(later) + again + line(desk.url(1), "alice"))
    assert desk.verdicts() == ["genuine_first", "genuine_again", "genuine_seen", "genuine_seen", "suspect"]


def test_a_later_file_is_judged_after_what_is_here(desk: Desk) -> None:
    desk.load(HEADER + line(desk.url(1), "alice"))
    desk.load(HEADER + line(desk.url(1), "bob", at=MONDAY + timedelta(days=1)) + line(desk.url(2), "bob", at=MONDAY))
    desk.load(HEADER + line(desk.url(1), "zoe", at=MONDAY - timedelta(days=1)))
    assert sorted(desk.rows("counter, scanned_at, verdict"))[:3] == [
        (desk.brand.first_counter, MONDAY - timedelta(days=1), "genuine_first"),
        (desk.brand.first_counter, MONDAY, "genuine_first"),
        (desk.brand.first_counter, MONDAY + timedelta(days=1), "genuine_seen"),
    ]


def test_a_household_and_a_crawler_are_no_strangers(desk: Desk) -> None:
    desk.load(
        HEADER
        + line(
            desk.url(1), "", agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ip="66.249.66.1"
        )
        + line(desk.url(1), "alice", at=MONDAY + timedelta(hours=1), ip="203.0.113.7")
        + line(desk.url(1), "mother", at=MONDAY + timedelta(hours=2), ip="203.0.113.90")
    )
    assert desk.rows("verdict, client, confirmed_at IS NOT NULL")[1:] == [
        ("genuine_first", "safari", True),
        ("genuine_again", "safari", True),
    ]
    assert desk.rows("client, confirmed_at IS NOT NULL")[0] == ("bot", False)


def test_what_we_never_made_is_kept_as_counterfeit(desk: Desk, other_furnished: Furnished) -> None:
    desk.load(
        HEADER
        + line(desk.url(1)[:-1] + ("0" if desk.url(1)[-1] != "0" else "1"), "alice")
        + line(f"https://id.example/01/{desk.brand.gtin}/21/anything-at-all", "alice", at=MONDAY + timedelta(hours=1))
        + line(desk.url(1, gtin=other_furnished.gtin), "alice", at=MONDAY + timedelta(hours=2))
        + line(f"https://id.example/{other_furnished.serial(1)}", "alice", at=MONDAY + timedelta(hours=3))
        + line(desk.url(101), "alice", at=MONDAY + timedelta(hours=4))
    )
    assert [
        (verdict, reasons[0][0], counter is None, bool(serial))
        for verdict, reasons, counter, serial in desk.rows("verdict, reasons, counter, serial")
    ] == [
        ("counterfeit", "bad_serial", True, True),
        ("counterfeit", "bad_serial", True, True),
        ("counterfeit", "wrong_gtin", True, True),
        ("counterfeit", "bad_serial", True, True),
        ("inactive", "no_range", False, False),
    ]


def test_a_void_counts_from_when_it_was_decided(desk: Desk) -> None:
    with transaction(desk.database.app_engine, tenant_id=desk.brand.tenant_id) as session:
        ranges.void(
            session,
            tenant_id=desk.brand.tenant_id,
            order_id=desk.brand.order_id,
            first=1,
            last=1,
            reason="stolen",
            now=MONDAY + timedelta(hours=1),
            actor="test",
        )
    desk.load(HEADER + line(desk.url(1), "alice") + line(desk.url(1), "bob", at=MONDAY + timedelta(hours=2)))
    assert desk.verdicts() == ["genuine_first", "void"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-11-22T09:00:00Z,{url},alice,,,,,", "time: '2026-11-22T09:00:00Z' lies in the future"),
        ("2026-11-02,{url},alice,,,,,", "time: '2026-11-02' is no time"),
        ("2026-11-02T08:00:00Z,,alice,,,,,", "url: '' is no http(s) address"),
        ("2026-11-02T08:00:00Z,https://id.example/hello,alice,,,,,", "url: "),
        ("2026-11-02T08:00:00Z,https://id.example/01/09521234543214/21/A,alice,,,,,", "check digit"),
        ("2026-11-02T08:00:00Z,ftp://id.example/01/09521234543213/21/A,alice,,,,,", "no http(s) address"),
        ("2026-11-02T08:00:00Z,https://[id/01/09521234543213/21/A,alice,,,,,", "url: "),
        ("2026-11-02T08:00:00Z,{url},,,,,,", "visitor_id: a visitor_id or an ip is needed"),
        ("2026-11-02T08:00:00Z,{url},alice,1.2.3.400,,,,", "ip: '1.2.3.400' is no IP address"),
        ("2026-11-02T08:00:00Z,{url},alice,,91,10,,", "latitude: '91' is not within -90 to 90"),
        ("2026-11-02T08:00:00Z,{url},alice,,nan,10,,", "latitude: 'nan' is no number"),
        ("2026-11-02T08:00:00Z,{url},alice,,30,,,", "longitude: is missing"),
        ("2026-11-02T08:00:00Z,{url},alice,,,30,,", "latitude: is missing"),
        ("2026-11-02T08:00:00Z,{url},alice,,30,120,-1,", "accuracy_m: '-1' is not within"),
        ("2026-11-02T08:00:00Z,{url},alice,,30,120,5,x,y", "has 9 columns instead of 8"),
    ],
)
def test_a_bad_row_is_named_with_line_column_and_reason(desk: Desk, row: str, words: str) -> None:
    detail = refused(desk, HEADER + line(desk.url(1), "alice") + row.format(url=desk.url(2)) + "\n")
    assert detail.startswith("Nothing was loaded: 1 fault. line 3")
    assert words in detail
    assert desk.rows("1") == []


def test_one_bad_row_in_a_hundred_thousand_loads_nothing_and_is_named(desk: Desk) -> None:
    urls = [desk.url(1 + number % 100) for number in range(100)]
    rows = [
        f"2026-11-01T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z,{urls[n % 100]},v{n},,,,,\n" for n in range(100_000)
    ]
    rows[77_776] = "2026-11-01T08:00:00Z,https://id.example/01/1/21/A,v,,,,,\n"
    detail = refused(desk, HEADER + "".join(rows))
    assert detail.startswith("Nothing was loaded: 1 fault. line 77778, url: ")
    assert desk.rows("1") == []
    assert desk.total("scans", "scan_total") == 0


def test_a_file_of_another_kind_is_refused(desk: Desk) -> None:
    with pytest.raises(CsvHeader, match="Expected: time,url,visitor_id"):
        desk.load("time,distributor_id,lot,serial\n")


def test_a_short_address_names_its_item(desk: Desk) -> None:
    desk.load(HEADER + line(f"HTTPS://ID.EXAMPLE/{desk.brand.serial(5)}", "alice"))
    assert desk.rows("counter, verdict") == [(desk.brand.first_counter + 4, "genuine_first")]


def test_the_codes_of_a_history_are_named_once(desk: Desk) -> None:
    with transaction(desk.database.app_engine, tenant_id=desk.brand.tenant_id) as session:
        context = Context(
            catalogue=catalogue.snapshot(session, tenant_id=desk.brand.tenant_id, kek=desk.settings.kek_bytes),
            keys=visitors.Keys.of(bytes(32)),
            now=NOW,
        )
        content = HEADER + line(desk.url(2), "alice") + line(desk.url(1), "bob") + line(desk.url(2), "carol")
        history, _ = scans.stage(session, BytesIO(content.encode()), context=context)
        assert list(history.codes()) == [(0, desk.brand.first_counter), (0, desk.brand.first_counter + 1)]
        assert history.months == {datetime(2026, 11, 1, tzinfo=UTC)}


def test_history_is_judged_by_what_dropped_months_left_of_its_codes(desk: Desk) -> None:
    """Anna was first in May. Her scan went with its month; Bert, in June, is told that somebody was there, and Carl, in April, is not."""
    may, june, april = (datetime(2026, month, 3, tzinfo=UTC) for month in (5, 6, 4))
    desk.load(HEADER + line(desk.url(1), "anna", at=may))
    drop_scans(desk.database, desk.brand, since=may, until=may + timedelta(days=1))
    desk.load(
        HEADER + line(desk.url(1), "bert", at=june) + line(desk.url(1), "carl", at=april) + line(desk.url(1), "anna", at=MONDAY)
    )
    assert desk.verdicts() == ["genuine_first", "genuine_seen", "genuine_again"]


def test_history_of_a_dropped_month_is_refused_as_nobody_can_tell_what_of_it_is_new(desk: Desk) -> None:
    gone = date(2026, 5, 1)
    with transaction(desk.database.app_engine, tenant_id=desk.brand.tenant_id) as session:
        values = {"tenant_id": desk.brand.tenant_id, "month": gone, "folded_until": MONDAY}
        session.execute(insert(ScanMonth).values(**values, dropped=3))
        session.execute(insert(ScanMonth).values(**values | {"month": date(2026, 4, 1)}))
    assert desk.load(HEADER + line(desk.url(1), "anna", at=datetime(2026, 4, 3, tzinfo=UTC))).rows_new == 1
    with pytest.raises(MonthsDropped, match="2026-05"):
        desk.load(HEADER + line(desk.url(1), "anna", at=datetime(2026, 5, 3, tzinfo=UTC)) + line(desk.url(2), "anna"))
    assert len(desk.rows("1")) == 1
