"""`onemark export anomalies`: the file of the interface, whole or not at all."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kit.settings import Settings
from scanservice.verdicts import Standing
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.watch.strange_scans import strange_scan
from web.cli.root import cli

HEADER = "kind,serial,distributor_id,lot,division,score,scans,first_seen_at,detected_at"


@pytest.fixture
def say(settings: Settings, monkeypatch: pytest.MonkeyPatch, furnished: Furnished) -> CliRunner:
    for name, value in (
        ("ONEMARK_DATA_DIR", str(settings.data_dir)),
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
    ):
        monkeypatch.setenv(name, value)
    return CliRunner()


def test_each_anomaly_is_a_row_and_no_cell_is_a_formula(
    say: CliRunner, database: Database, furnished: Furnished, tmp_path: Path
) -> None:
    for row in (5, 6):
        strange_scan(database, furnished, Standing.INACTIVE, row=row)
    for number in range(10):
        strange_scan(database, furnished, Standing.BAD_SERIAL, serial=f"=HYPERLINK({number})", division="")
    out = tmp_path / "anomalies.csv"
    out.write_text("an older file")
    result = say.invoke(cli, ["export", "anomalies", "--out", str(out), "--tenant", furnished.slug, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads(result.stdout) == {"file": str(out), "anomalies": 2}
    text = out.read_text()
    assert text.splitlines()[0] == HEADER
    rows = {row["kind"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["leak"] == {
        "kind": "leak",
        "serial": furnished.serial(5),
        "distributor_id": "",
        "lot": furnished.lot,
        "division": "310115",
        "score": "1",
        "scans": "2",
        "first_seen_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "detected_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    }
    assert rows["forgery"]["serial"] == "'=HYPERLINK(0)"
    assert sorted(one.name for one in tmp_path.iterdir() if "anomalies" in one.name) == ["anomalies.csv"]
    of_leaks = say.invoke(cli, ["export", "anomalies", "--out", str(out), "--kind", "leak", "--tenant", furnished.slug])
    assert of_leaks.exit_code == 0
    assert "1 anomalies" in of_leaks.stdout
    assert len(out.read_text().splitlines()) == 2
