import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.csv_files import plain_cell
from kit.db import transaction
from kit.ids import uuid7
from scanservice.ingest import records
from scanservice.ingest.records import ScanRow
from scanservice.verdicts import Role as ScanRole
from scanservice.verdicts import Verdict
from supplychain import distributors, shipments
from supplychain.distributors import Distributor
from supplychain.shipments import Shipment
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, Join, sign_in
from tests.web.scans import drop_scans
from web.accounts import Role

# D1's territory is Shanghai (310000).
PUDONG, XIHU, WUCHANG, JIANGHAN = "310115", "330106", "420106", "420103"
SHIPPED_AT = NOW - timedelta(days=20)
SCANNED_AT = NOW - timedelta(hours=30, minutes=17)

Ship = Callable[..., None]
Scan = Callable[..., None]


@pytest.fixture
def ship(database: Database, furnished: Furnished) -> Ship:
    """`ship("D1")` sends the whole lot, `ship("D1", row=7)` one item of it."""

    def send(distributor_id: str, *, row: int | None = None, at: datetime = SHIPPED_AT, brand: Furnished = furnished) -> None:
        shipment = Shipment(
            distributor_id=distributor_id,
            shipped_at=at,
            lot=brand.lot,
            serial="" if row is None else brand.serial(row),
            epoch=None if row is None else brand.cipher.epoch,
            counter=None if row is None else brand.first_counter + row - 1,
        )
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
            shipments.record(session, [shipment], tenant_id=brand.tenant_id)

    return send


@pytest.fixture
def scan(database: Database, furnished: Furnished) -> Scan:
    """`scan(3, PUDONG, times=4)`: the item of row 3 was scanned four times in Pudong."""

    def record(
        row: int,
        division: str,
        *,
        times: int = 1,
        at: datetime = SCANNED_AT,
        verdict: Verdict = Verdict.GENUINE_FIRST,
        brand: Furnished = furnished,
    ) -> None:
        rows = [_row(brand, row, division, at=at, verdict=verdict) for _ in range(times)]
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
            records.store(session, rows, projections=())

    return record


@pytest.fixture
def second_distributor(database: Database, furnished: Furnished) -> str:
    """D2, who sells in Hubei."""
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        distributors.put(
            session,
            Distributor(distributor_id="D2", name="Wuhan Trading", divisions=("420000",)),
            tenant_id=furnished.tenant_id,
            now=NOW,
        )
    return "D2"


def _row(brand: Furnished, row: int, division: str, *, at: datetime, verdict: Verdict) -> ScanRow:
    return ScanRow(
        tenant_id=brand.tenant_id,
        scan_id=uuid7(at),
        scanned_at=at,
        confirmed_at=at,
        epoch=brand.cipher.epoch,
        counter=brand.first_counter + row - 1,
        order_id=brand.order_id,
        gtin=brand.gtin,
        lot=brand.lot,
        serial="",
        verdict=verdict,
        reasons=(),
        role=ScanRole.CONSUMER,
        visitor=b"visitor!",
        whence=b"net",
        ip="203.0.113.77",
        latitude=31.234567,
        longitude=121.345678,
        accuracy_m=30.0,
        division=division,
        client="wechat",
        language="zh",
        source="live",
    )


def words_of(page: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def file_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_nothing_shipped_says_what_comes_next(distributor: FlaskClient) -> None:
    assert "Nothing has been shipped to you yet" in distributor.get("/portal/?lang=en").text
    assert "Nothing has been shipped to you yet" in distributor.get("/portal/scans?lang=en").text
    assert file_of(distributor, "/portal/scans.csv") == []


def test_a_lot_that_nobody_scanned_yet_is_shown(distributor: FlaskClient, ship: Ship) -> None:
    ship("D1")
    assert "Not scanned yet" in distributor.get("/portal/?lang=en").text
    page = distributor.get("/portal/lots/L1?lang=en").text
    assert "No scans in this period" in page
    assert "Whole lot" in page


def test_scans_are_counted_inside_outside_and_unknown(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, PUDONG, times=6)
    scan(2, XIHU, times=3)
    scan(3, "", times=5)
    page = words_of(distributor.get("/portal/lots/L1?lang=en&level=district").text)
    assert "In my territory 6 Outside 3 Place not known 5" in page
    assert file_of(distributor, "/portal/lots/L1/scans.csv?lang=zh&level=district") == [
        {"division": PUDONG, "name": "上海市浦东新区", "place": "inside", "scans": "6"},
        {"division": XIHU, "name": "浙江省杭州市西湖区", "place": "outside", "scans": "3"},
        {"division": "", "name": "", "place": "unknown", "scans": "5"},
    ]
    assert "67% of 9 with a known place" in words_of(distributor.get("/portal/?lang=en").text)


def test_the_portal_says_from_when_on_scans_are_kept(
    distributor: FlaskClient, ship: Ship, database: Database, furnished: Furnished
) -> None:
    ship("D1")
    assert "no longer kept" not in distributor.get("/portal/scans?lang=en").text
    drop_scans(database, furnished, since=datetime(2026, 7, 1, tzinfo=UTC), until=datetime(2026, 7, 2, tzinfo=UTC))
    assert "Scans so far 0 since 2026-08-01" in words_of(distributor.get("/portal/?lang=en").text)
    assert "Scans before 2026-08-01 are no longer kept, and are missing here." in distributor.get("/portal/scans?lang=en").text


def test_districts_gather_into_cities_and_provinces(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, WUCHANG, times=2)
    scan(2, JIANGHAN, times=2)
    scan(3, PUDONG)
    for level, hubei in (("city", "420100"), ("province", "420000")):
        rows = file_of(distributor, f"/portal/lots/L1/scans.csv?level={level}")
        assert [(row["division"], row["scans"]) for row in rows] == [(hubei, "4"), ("310000", "1")]


def test_a_few_scans_outside_have_no_number_and_no_place_of_their_own(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, XIHU, times=2)
    scan(2, WUCHANG)
    scan(3, PUDONG)
    rows = file_of(distributor, "/portal/lots/L1/scans.csv?level=district")
    assert [(row["division"], row["scans"]) for row in rows] == [(PUDONG, "1"), (XIHU, "<3"), (WUCHANG, "<3")]
    page = distributor.get("/portal/lots/L1?lang=en&level=district").text
    assert "Divisions with a few scans each: 2" in page
    assert "Outside my territory, fewer than 3 scans in each." in page
    latest = page[page.index("Latest scans") :]
    assert latest.count("Not shown, too few scans there") == 3
    assert "西湖区" not in latest
    assert "浦东新区" in latest


def test_where_the_totals_would_tell_how_few_nobody_is_told_where(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, XIHU, times=2)
    scan(3, PUDONG)
    rows = file_of(distributor, "/portal/lots/L1/scans.csv?level=district")
    assert [(row["division"], row["scans"]) for row in rows] == [(PUDONG, "1"), ("", "<3")]
    page = distributor.get("/portal/lots/L1?lang=en&level=district").text
    assert "西湖区" not in page
    assert "Outside my territory there were too few scans to say where." in page
    assert "Divisions with a few scans each" not in page


def test_the_latest_scans_say_nothing_about_the_person(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, PUDONG)
    page = distributor.get("/portal/lots/L1?lang=en").text
    # 2026-11-21 01:43 UTC is 09:43 in Shanghai.
    assert "2026-11-21 09:00" in page
    for personal in ("09:43", "203.0.113", "31.23", "121.34", "wechat", b"visitor!".hex()):
        assert personal not in page


def test_a_period_leaves_out_what_was_before(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1", at=NOW - timedelta(days=80))
    scan(1, PUDONG, times=2, at=NOW - timedelta(days=40))
    scan(1, PUDONG, times=3, at=NOW - timedelta(days=1))
    counts = {
        days: [row["scans"] for row in file_of(distributor, f"/portal/lots/L1/scans.csv?days={days}")] for days in (7, 30, 90, 0)
    }
    assert counts == {7: ["3"], 30: ["3"], 90: ["5"], 0: ["5"]}
    # A choice that is none of ours is the default.
    assert [row["scans"] for row in file_of(distributor, "/portal/lots/L1/scans.csv?days=12&level=x")] == ["3"]


def test_scans_before_the_shipment_are_not_the_distributors(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, PUDONG, at=SHIPPED_AT - timedelta(hours=1))
    assert file_of(distributor, "/portal/lots/L1/scans.csv?days=0") == []


def test_a_single_item_belongs_to_whoever_received_it_last(
    distributor: FlaskClient, app: Flask, hire: Join, ship: Ship, scan: Scan, second_distributor: str
) -> None:
    """D1 has the lot but for item 5, which went on to D2; item 6 was given to D2 and came back."""
    ship("D1")
    ship(second_distributor, row=5, at=SHIPPED_AT + timedelta(days=1))
    ship(second_distributor, row=6, at=SHIPPED_AT + timedelta(days=1))
    ship("D1", row=6, at=SHIPPED_AT + timedelta(days=2))
    for row, times in ((4, 1), (5, 2), (6, 4)):
        scan(row, PUDONG, times=times)
    assert [row["scans"] for row in file_of(distributor, "/portal/lots/L1/scans.csv")] == ["5"]
    second = sign_in(app.test_client(), hire(Role.DISTRIBUTOR, distributor_id=second_distributor))
    assert [row["scans"] for row in file_of(second, "/portal/lots/L1/scans.csv")] == ["<3"]


def test_a_lot_that_went_to_several_is_called_shared(distributor: FlaskClient, ship: Ship, second_distributor: str) -> None:
    ship("D1")
    assert "Shared lot" not in distributor.get("/portal/?lang=en").text
    ship(second_distributor)
    assert "Shared lot" in distributor.get("/portal/?lang=en").text
    assert "A scan of it may be of their goods" in distributor.get("/portal/lots/L1?lang=en").text


def test_scans_of_a_copied_code_are_told_apart(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, XIHU, times=4, verdict=Verdict.SUSPECT)
    page = distributor.get("/portal/lots/L1?lang=en").text
    assert "Scans outside of codes that several strangers scanned, perhaps copies: 4." in page


def test_without_a_territory_nothing_is_outside(
    distributor: FlaskClient, database: Database, furnished: Furnished, ship: Ship, scan: Scan
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        nowhere = Distributor(distributor_id="D1", name="Shanghai Trading", divisions=())
        distributors.put(session, nowhere, tenant_id=furnished.tenant_id, now=NOW)
    ship("D1")
    scan(1, XIHU, times=3)
    assert [row["place"] for row in file_of(distributor, "/portal/scans.csv")] == ["unknown"]
    assert "No territory is on record for you" in distributor.get("/portal/scans?lang=en").text
    assert "No territory is on record for you" in distributor.get("/portal/territory?lang=en").text


def test_the_territory_is_shown_by_province(distributor: FlaskClient, database: Database, furnished: Furnished) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        several = Distributor(distributor_id="D1", name="Shanghai Trading", divisions=("310000", "330100", "330206"))
        distributors.put(session, several, tenant_id=furnished.tenant_id, now=NOW)
    page = words_of(distributor.get("/portal/territory?lang=zh").text)
    assert "上海市 全部区域 浙江省 杭州市 宁波市北仑区" in page


def test_another_distributors_lot_is_not_found(distributor: FlaskClient, ship: Ship, scan: Scan, second_distributor: str) -> None:
    ship(second_distributor)
    scan(1, PUDONG)
    assert distributor.get("/portal/lots/L1").status_code == 404
    assert distributor.get("/portal/lots/L1/scans.csv").status_code == 404
    assert distributor.get("/portal/lots/NOBODYS").status_code == 404
    assert file_of(distributor, "/portal/scans.csv") == []


def test_another_brands_distributor_of_the_same_id_sees_nothing(
    app: Flask, hire: Join, ship: Ship, scan: Scan, other_furnished: Furnished
) -> None:
    ship("D1")
    scan(1, PUDONG, times=3)
    stranger = sign_in(app.test_client(), hire(Role.DISTRIBUTOR, tenant_id=other_furnished.tenant_id))
    assert stranger.get("/portal/lots/L1").status_code == 404
    ship("D1", brand=other_furnished)
    assert file_of(stranger, "/portal/lots/L1/scans.csv") == []


@pytest.mark.parametrize("address", ["/portal/", "/portal/scans", "/portal/territory", "/portal/lots/L1", "/portal/scans.csv"])
def test_the_portal_is_for_distributors_alone(app: Flask, owner: FlaskClient, marketer: FlaskClient, address: str) -> None:
    assert owner.get(address).status_code == 403
    assert marketer.get(address).status_code == 403
    answer = app.test_client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")


def test_the_pages_speak_chinese(distributor: FlaskClient, ship: Ship, scan: Scan) -> None:
    ship("D1")
    scan(1, XIHU, times=3)
    for address in ("/portal/", "/portal/lots/L1", "/portal/scans", "/portal/territory"):
        page = distributor.get(address, headers={"Accept-Language": "zh-CN"}).text
        assert '<html lang="zh">' in page
    assert "发给我的货" in distributor.get("/portal/?lang=zh").text
    assert "浙江省杭州市" in distributor.get("/portal/lots/L1?lang=zh").text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_file_is_a_formula(cell: str) -> None:
    assert plain_cell(cell) == f"'{cell}"
    assert plain_cell("浙江省") == "浙江省"
