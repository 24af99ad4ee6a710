"""Upkeep of an instance: months ahead, retention, old files, and what the doctor and the log commands say of them."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from codegen import brands, orders, products
from codegen.code_lists import exports
from kit.clock import FixedClock
from kit.db import transaction
from kit.redis import connect
from kit.settings import Settings
from scanservice.hot import functions, generations
from scanservice.ingest import months, records, retention
from scanservice.ingest.records import ScanRow
from tests.conftest import NOW, Database
from web import doctor, instance, upkeep
from web.cli import root
from web.instance import Instance

GTIN = "09521234543213"


@pytest.fixture
def settings(tmp_path: Path, fresh_database: Database, redis_url: str) -> Settings:
    secret = base64.b64encode(bytes(32)).decode()
    given: dict[str, Any] = {"DATABASE_URL": fresh_database.app_url, "REDIS_URL": redis_url, "secret": secret, "kek": secret}
    return Settings(data_dir=tmp_path, **given)


@pytest.fixture
def onemark(settings: Settings, clock: FixedClock) -> Iterator[Instance]:
    with instance.attached(settings, clock=clock) as opened:
        with connect(settings.redis_url) as redis:
            functions.prepare(redis)
            generations.ensure(opened.engine, redis, now=clock.now())
        yield opened


@pytest.fixture
def tenant_id(onemark: Instance) -> int:
    with transaction(onemark.engine, tenant_id=None) as session:
        brand = brands.create(
            session,
            slug="tea",
            name="Tea House",
            scan_origin="https://tea.example",
            gtin_prefixes=("952",),
            kek=onemark.settings.kek_bytes,
            now=NOW,
        )
        products.add(session, tenant_id=brand.tenant_id, gtin=GTIN, name="Tea", name_zh="茶", now=NOW)
        return brand.tenant_id


def scan(onemark: Instance, tenant_id: int, at: datetime) -> UUID:
    words = dict.fromkeys(("gtin", "lot", "serial", "language", "client"), "")
    unknown = dict.fromkeys(("epoch", "counter", "order_id", "confirmed_at"))
    made: dict[str, Any] = {**words, **unknown, "role": "consumer", "verdict": "genuine_first", "reasons": (), "source": "live"}
    where: dict[str, Any] = {"ip": "203.0.113.7", "latitude": 31.2, "longitude": 121.5, "accuracy_m": 9.0, "division": "310000"}
    row = ScanRow(tenant_id=tenant_id, scan_id=uuid4(), scanned_at=at, visitor=b"v", whence=b"w", **made, **where)
    with onemark.transaction(tenant_id) as session:
        records.store(session, [row], projections=())
    return row.scan_id


def whereabouts(onemark: Instance, tenant_id: int) -> dict[UUID, tuple[bool, bool, str]]:
    with onemark.transaction(tenant_id) as session:
        found = session.execute(text("SELECT scan_id, ip IS NOT NULL, latitude IS NOT NULL, division FROM scan"))
        return {row[0]: (row[1], row[2], row[3]) for row in found}


def test_old_scans_lose_their_address_and_later_their_exact_position(
    onemark: Instance, tenant_id: int, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    old = [scan(onemark, tenant_id, NOW - timedelta(days=31, hours=hour)) for hour in range(5)]
    ancient = scan(onemark, tenant_id, NOW - timedelta(days=181))
    young = scan(onemark, tenant_id, NOW - timedelta(days=29))
    assert upkeep.forget_whereabouts(onemark) == 7
    assert whereabouts(onemark, tenant_id) == {
        **dict.fromkeys(old, (False, True, "310000")),
        ancient: (False, False, "310000"),
        young: (True, True, "310000"),
    }
    assert upkeep.forget_whereabouts(onemark) == 0
    clock.advance(timedelta(days=2))
    assert upkeep.forget_whereabouts(onemark) == 1


def test_history_that_is_imported_later_is_no_exception(onemark: Instance, tenant_id: int) -> None:
    upkeep.forget_whereabouts(onemark)
    at = NOW - timedelta(days=400)
    late = scan(onemark, tenant_id, at)
    assert upkeep.forget_whereabouts(onemark) == 0
    with onemark.transaction(tenant_id) as session:
        retention.reopen(session, tenant_id=tenant_id, since=at)
    assert upkeep.forget_whereabouts(onemark) == 2
    assert whereabouts(onemark, tenant_id)[late] == (False, False, "310000")


def test_a_zero_keeps_for_ever(settings: Settings, onemark: Instance, tenant_id: int) -> None:
    scan(onemark, tenant_id, NOW - timedelta(days=2000))
    keeping = settings.model_copy(update={"addresses_kept_days": 0, "positions_kept_days": 0, "files_kept_days": 0})
    with instance.attached(keeping, clock=FixedClock(NOW)) as other:
        assert upkeep.forget_whereabouts(other) == 0
        assert upkeep.remove_files(other) == 0


def test_an_old_export_goes_and_can_be_made_again(onemark: Instance, tenant_id: int, clock: FixedClock) -> None:
    kek, objects = onemark.settings.kek_bytes, onemark.settings.objects_dir
    export_id = uuid4()
    with onemark.transaction(tenant_id) as session:
        order = orders.place(session, tenant_id=tenant_id, gtin=GTIN, quantity=3, lot="L", request_id="r", now=NOW, actor="t")
        exports.request(session, tenant_id=tenant_id, export_id=export_id, order_id=order.id, now=NOW, actor="t")
        exports.advance(session, tenant_id=tenant_id, export_id=export_id, kek=kek, objects_dir=objects, now=NOW)
        file = exports.file_of(session, export_id, tenant_id=tenant_id, objects_dir=objects)
    content = file.read_bytes()
    clock.advance(timedelta(days=29))
    assert upkeep.remove_files(onemark) == 0
    clock.advance(timedelta(days=2))
    assert upkeep.remove_files(onemark) == 1
    assert upkeep.remove_files(onemark) == 0
    assert not file.exists()
    with onemark.transaction(tenant_id) as session:
        assert "removed" in exports.find(session, export_id, tenant_id=tenant_id).error
        exports.retry(session, tenant_id=tenant_id, export_id=export_id, now=clock.now())
        exports.advance(session, tenant_id=tenant_id, export_id=export_id, kek=kek, objects_dir=objects, now=clock.now())
    assert file.read_bytes() == content


def test_months_are_made_ahead_and_a_missing_one_is_an_alarm(onemark: Instance) -> None:
    assert "scan_2027_01" in findings(onemark)["months of the scan log"].says
    upkeep.make_months(onemark)
    upkeep.make_months(onemark)
    assert findings(onemark)["months of the scan log"].good


def months_there(onemark: Instance) -> set[str]:
    with onemark.transaction(None) as session:
        return {month.name for month in months.listing(session)}


def test_old_months_are_dropped_only_where_that_was_asked_for(
    settings: Settings, onemark: Instance, tenant_id: int, clock: FixedClock
) -> None:
    for month in (5, 6, 7, 11):
        scan(onemark, tenant_id, datetime(2026, month, 20, tzinfo=UTC))
    upkeep.drop_months(onemark)
    assert {"scan_2026_05", "scan_2026_06", "scan_2026_07"} < months_there(onemark)
    with instance.attached(settings.model_copy(update={"scans_kept_months": 4}), clock=clock) as dropping:
        assert [upkeep.drop_months(dropping) for _ in range(3)] == [1, 1, None]
    assert "scan_2026_06" not in months_there(onemark)
    assert len(whereabouts(onemark, tenant_id)) == 2


def test_an_operator_drops_a_month_after_a_warning(
    onemark: Instance, settings: Settings, tenant_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in (6, 7, 10):
        scan(onemark, tenant_id, datetime(2026, month, 20, tzinfo=UTC))
    monkeypatch.setattr("web.cli.root.settings.read", lambda: settings.model_copy(update={"environment": "production"}))

    def typed(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(root.cli, ["log", *words], input=answer)

    listed = json.loads(typed("months", "--json").stdout)["months"]
    assert [(one["month"], one["droppable"]) for one in listed] == [("2026-06", True), ("2026-07", False), ("2026-10", False)]
    assert "2026-06  about" in typed("months").stdout
    kept = typed("drop-month", "2026-06", answer="n\n")
    assert kept.exit_code == 1
    assert "deletes 1 scans of 2026-06, of all brands, for good" in kept.stderr
    assert "month_not_oldest" in typed("drop-month", "2026-07", "--yes").stderr
    assert typed("drop-month", "June", "--yes").exit_code == 2
    assert "scan_2026_06" in months_there(onemark)
    gone = json.loads(typed("drop-month", "2026-06", "--yes", "--json").stdout)
    assert (gone["month"], gone["scans"]) == ("2026-06", 1)
    assert "month_not_there" in typed("drop-month", "2026-06", "--yes").stderr
    assert "2026-07 is dropped: 1 scans" in typed("drop-month", "2026-07", answer="y\n").stdout


def findings(onemark: Instance) -> dict[str, doctor.Finding]:
    return {finding.what: finding for finding in doctor.examine(onemark)}


def test_the_doctor_sees_scans_that_nobody_stores(onemark: Instance, clock: FixedClock) -> None:
    assert findings(onemark)["scan log"].good
    onemark.redis.xadd(functions.log_key(7), {"e": b"?", "s": b""}, id="1-*")
    assert findings(onemark)["scan log"].says.startswith("1 entries wait")
    with transaction(onemark.engine, tenant_id=None) as session:
        session.execute(text("UPDATE log_position SET stopped = 'a gap' WHERE partition = 9"))
        session.execute(text("INSERT INTO log_dead_letter VALUES (3, 1, 4, '\\xc1', 'not readable', now())"))
    found = findings(onemark)
    assert "a gap" in found["partition 9"].says
    assert not found["dead letters"].good
    assert found["redis memory"].good
    assert clock.now() == NOW


def test_dead_letters_are_listed(onemark: Instance, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction(onemark.engine, tenant_id=None) as session:
        session.execute(text("INSERT INTO log_dead_letter VALUES (3, 1, 4, '\\xc1', 'not readable', :now)"), {"now": NOW})
    monkeypatch.setattr("web.cli.root.settings.read", lambda: settings.model_copy(update={"environment": "production"}))
    said = CliRunner().invoke(root.cli, ["log", "letters", "--json"])
    (letter,) = json.loads(said.stdout)["letters"]
    assert letter == {
        "place": "log:{3} 1-4",
        "error": "not readable",
        "found_at": datetime(2026, 11, 22, 8, tzinfo=UTC).isoformat(),
        "entry": "c1",
    }
    assert "0 entries wait" in CliRunner().invoke(root.cli, ["log", "lag"]).stdout
