from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from kit import redis
from kit.clock import FixedClock
from kit.csv_files import CsvRowsRefused
from kit.jobs import Jobs
from kit.settings import Settings
from scanservice.hot import functions, generations, state
from scanservice.hot.generations import StateToRebuild
from scanservice.ingest import rebuild
from tests.conftest import Database
from tests.web.conftest import Furnished, furnish, some_gtin
from web import imports
from web.imports import distributors
from web.imports.loading import ImportKindUnknown
from web.instance import Instance

HEADER = "time,url,visitor_id,ip,latitude,longitude,accuracy_m,user_agent\n"
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An instance of the test's own, with one brand."""

    instance: Instance
    brand: Furnished
    folder: Path

    def load(self, kind: str, content: str) -> tuple[str, list[tuple[str, int]]]:
        file = self.folder / "some.csv"
        file.write_text(content, encoding="utf-8")
        stages: list[tuple[str, int]] = []
        loaded = imports.load(
            self.instance, kind, file, tenant_id=self.brand.tenant_id, progress=lambda stage, rows: stages.append((stage, rows))
        )
        return str(loaded), stages

    def line(self, row: int, who: str, *, hours: int = 0) -> str:
        at = MONDAY + timedelta(hours=hours)
        return f"{at:%Y-%m-%dT%H:%M:%SZ},https://id.example/01/{self.brand.gtin}/21/{self.brand.serial(row)},{who},,,,,\n"

    def states(self) -> dict[Any, Any]:
        return {key: self.instance.redis.hgetall(key) for key in self.instance.redis.scan_iter(match=functions.STATES)}

    def scans(self) -> int:
        with self.instance.transaction(self.brand.tenant_id) as session:
            return int(session.scalar(text("SELECT count(*) FROM scan")) or 0)


@pytest.fixture
def box(fresh_database: Database, redis_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Box]:
    given: dict[str, Any] = {"DATABASE_URL": fresh_database.app_url, "REDIS_URL": redis_url, "data_dir": tmp_path}
    settings = Settings(**given)
    with redis.connect(redis_url) as client:
        instance = Instance(settings=settings, engine=fresh_database.app_engine, clock=clock, redis=client, jobs=Jobs(client))
        yield Box(instance=instance, brand=furnish(fresh_database, settings, gtin=some_gtin()), folder=tmp_path)


def test_a_history_reaches_the_record_and_then_the_live_state(box: Box) -> None:
    history = HEADER + box.line(1, "alice") + box.line(1, "bob", hours=1) + box.line(2, "bob", hours=2)
    said, stages = box.load("scans", history)
    assert said == "3 rows, 3 new"
    assert stages == [("checked", 3), ("recorded", 3), ("told", 2)]
    ((_, codes),) = box.states().items()
    kept = state.unpack(codes[str(functions.field(box.brand.first_counter)).encode()])
    assert len(kept.slots) == 2
    assert state.unix_s(kept.first_s) == MONDAY.timestamp()


def test_an_import_that_ended_before_redis_was_told_is_mended_by_the_same_file(box: Box) -> None:
    history = HEADER + box.line(1, "alice") + box.line(7, "bob", hours=1)
    box.load("scans", history)
    told = box.states()
    for key in told:
        box.instance.redis.delete(key)
    assert box.load("scans", history)[0] == "2 rows, 0 new"
    assert box.states() == told


def test_a_rebuild_after_an_import_finds_the_same_state(box: Box) -> None:
    box.load("scans", HEADER + "".join(box.line(1 + n % 3, f"v{n}", hours=n) for n in range(40)))
    told = box.states()
    rebuild.rebuild(box.instance.engine, box.instance.redis, drain=lambda: 0, now=box.instance.clock.now())
    assert box.states() == told


def test_nothing_is_loaded_where_redis_lost_its_state(box: Box) -> None:
    box.load("scans", HEADER + box.line(1, "alice"))
    box.instance.redis.flushall()
    with pytest.raises(StateToRebuild):
        box.load("scans", HEADER + box.line(2, "bob"))
    assert box.scans() == 1
    assert generations.shown(box.instance.redis) == {generations.NONE}


def test_a_refused_history_leaves_nothing_behind(box: Box) -> None:
    with pytest.raises(CsvRowsRefused, match="line 3, url"):
        box.load("scans", HEADER + box.line(1, "alice") + "2026-11-02T08:00:00Z,nonsense,bob,,,,,\n")
    assert box.scans() == 0
    assert box.states() == {}


def test_the_three_kinds_load_from_a_file_and_others_do_not(box: Box) -> None:
    assert box.load("distributors", "distributor_id,name,divisions\nD7,Seven,330000\n")[0] == "1 row, 1 new"
    assert box.load("shipments", "time,distributor_id,lot,serial\n2026-11-01T08:00:00Z,D7,L1,\n")[0] == "1 row, 1 new"
    with pytest.raises(ImportKindUnknown):
        box.load("prizes", "")


def test_an_import_that_lost_a_race_starts_over(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    load = distributors.load

    def lose_once(*args: Any, **named: Any) -> Any:
        tried.append("once more")
        if len(tried) == 1:
            raise OperationalError("INSERT", {}, psycopg.errors.DeadlockDetected())
        return load(*args, **named)

    monkeypatch.setattr(distributors, "load", lose_once)
    assert box.load("distributors", "distributor_id,name,divisions\nD7,Seven,330000\n")[0] == "1 row, 1 new"
    assert len(tried) == 2
