"""The drill: yesterday's database comes back, and no counter is ever issued twice.

One instance, typed like an operator would: a backup, a day of orders and prints, a restore, and everything that brings the codes in the world
back. The backup is a copy of the database by PostgreSQL itself; codes are judged by the catalogue that an edge loads.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from kit import servers
from kit.ids import uuid7
from scanservice import catalogue
from scanservice.catalogue import Asked
from tests.conftest import NOW, Database
from web.cli.root import cli

KEY = "a" * 43 + "="
GTIN = "09521234543213"


class Box:
    """A production instance and its backup."""

    def __init__(self, database: Database, superuser_url: str, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self._superuser = make_url(superuser_url).set(drivername="postgresql", database="postgres")
        self._backup = f"backup_{uuid7(NOW).hex}"

    def say(self, *arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, [*arguments, "--json"])
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        answer = json.loads(result.stdout)
        assert isinstance(answer, dict)
        return answer

    def refused(self, *arguments: str) -> str:
        result = CliRunner().invoke(cli, list(arguments))
        assert result.exit_code == 1, (arguments, result.output, result.exception)
        return result.stderr

    def order(self, lot: str, *, quantity: int = 10) -> str:
        placed = self.say("codes", "order", "--gtin", GTIN, "--quantity", str(quantity), "--lot", lot, "--activate")
        return str(placed["order_id"])

    def printed(self, order_id: str) -> list[str]:
        file = self.folder / f"{order_id}.csv"
        self.say("codes", "export", order_id, "--out", str(file))
        return [line.split(",")[1] for line in file.read_text().splitlines()[1:]]

    def standing(self, serial: str) -> str:
        """What a scan of it would be judged by."""
        loaded = catalogue.load(self.database.app_engine, kek=base64.b64decode(KEY))
        (tenant_id,) = loaded.brands
        return loaded.item(Asked(tenant_id=tenant_id, serial=serial)).facts.standing.value

    def back_up(self) -> None:
        self._copy(of=self._name, to=self._backup)

    def restore(self) -> None:
        self._sql(f'DROP DATABASE "{self._name}" WITH (FORCE)')
        self._copy(of=self._backup, to=self._name)

    def forget(self) -> None:
        self._sql(f'DROP DATABASE IF EXISTS "{self._backup}" WITH (FORCE)')

    @property
    def _name(self) -> str:
        name = make_url(self.database.app_url).database
        assert name is not None
        return name

    def _copy(self, *, of: str, to: str) -> None:
        self._sql(f'CREATE DATABASE "{to}" TEMPLATE "{of}" OWNER onemark_owner')

    def _sql(self, statement: str) -> None:
        self.database.app_engine.dispose()
        self.database.owner_engine.dispose()
        with psycopg.connect(self._superuser.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture
def box(
    fresh_database: Database,
    servers_of_run: servers.Endpoints,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Box]:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ONEMARK_ENVIRONMENT": "production",
        "ONEMARK_DATA_DIR": str(tmp_path / "data"),
        "ONEMARK_SECRET": KEY,
        "ONEMARK_KEK": KEY,
        "DATABASE_URL": fresh_database.app_url,
        "DATABASE_OWNER_URL": fresh_database.owner_url,
        "REDIS_URL": redis_url,
    }.items():
        monkeypatch.setenv(name, value)
    made = Box(replace(fresh_database), servers_of_run.database_superuser_url, tmp_path)
    made.say("brands", "add", "--slug", "tea", "--name", "Tea", "--origin", "HTTPS://TEA.EXAMPLE", "--gtin-prefix", "952")
    made.say("products", "add", "--gtin", GTIN, "--name", "Tea")
    yield made
    made.forget()


def test_yesterdays_database_comes_back_and_no_counter_is_issued_twice(box: Box) -> None:
    before = box.printed(box.order("BEFORE"))
    box.back_up()

    lost_order = box.order("SINCE", quantity=20)
    since = box.printed(lost_order)
    record = box.folder / "since.json"
    assert CliRunner().invoke(cli, ["codes", "record", lost_order, "--out", str(record)]).exit_code == 0
    assert box.standing(since[0]) == "active"

    box.restore()
    assert (box.standing(before[0]), box.standing(since[0])) == ("active", "no_range")
    assert "epoch_still_open" in box.refused("codes", "reenter", str(record))

    assert box.say("doctor", "--after-restore")["epochs"] == {"tea": 1}
    after = box.printed(box.order("AFTER", quantity=30))
    assert box.standing(since[0]) == "no_range"

    back = box.say("codes", "reenter", str(record))
    assert (back["order_id"], back["epoch"]) == (lost_order, 0)
    assert box.standing(since[0]) == "inactive"
    box.say("codes", "activate", lost_order, "--reason", "released before the restore")
    assert box.printed(lost_order) == since
    assert {box.standing(serial) for serial in (*before, *since, *after)} == {"active"}
    assert len({*before, *since, *after}) == 60
    later = box.printed(box.order("LATER"))
    assert not {*later} & {*before, *since, *after}


def test_keys_rotated_since_the_backup_come_back_from_their_file(box: Box) -> None:
    passphrase = box.folder / "passphrase"
    passphrase.write_text("four horses under water\n")
    ring = box.folder / "ring.json"
    box.back_up()

    box.say("keys", "rotate", "--reason", "yearly")
    lost_order = box.order("SINCE")
    since = box.printed(lost_order)
    record = box.folder / "since.json"
    assert CliRunner().invoke(cli, ["codes", "record", lost_order, "--out", str(record)]).exit_code == 0
    box.say("keys", "export", "--out", str(ring), "--passphrase-file", str(passphrase))
    assert ring.stat().st_mode & 0o077 == 0

    box.restore()
    assert box.standing(since[0]) == "bad_serial"
    assert box.say("keys", "import", str(ring), "--passphrase-file", str(passphrase))["added"] == [1]
    assert box.say("doctor", "--after-restore")["epochs"] == {"tea": 2}
    assert box.standing(since[0]) == "no_range"
    box.say("codes", "reenter", str(record))
    box.say("codes", "activate", lost_order)
    assert box.standing(since[0]) == "active"
    assert [one["state"] for one in box.say("keys", "list")["epochs"]] == ["closed", "closed", "open"]


def test_a_new_key_encryption_key_is_taken_into_use(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    serial = box.printed(box.order("L1"))[0]
    new = base64.b64encode(bytes(range(32))).decode()
    key = box.folder / "new-key"
    key.write_text(new + "\n")
    assert box.say("keys", "rewrap", "--new-key", str(key))["epochs"] == 1
    assert "kek_mismatch" in box.refused("codes", "explain", serial)
    monkeypatch.setenv("ONEMARK_KEK", new)
    assert box.say("codes", "explain", serial)["finding"] == "active"
    key.write_text("short\n")
    assert "kek_malformed" in box.refused("keys", "rewrap", "--new-key", str(key))


def test_a_revoked_epoch_is_void_on_the_command_line(box: Box) -> None:
    serial = box.printed(box.order("L1"))[0]
    box.say("keys", "revoke", "0", "--reason", "leaked", "--yes")
    assert box.standing(serial) == "epoch_revoked"
    assert [one["state"] for one in box.say("keys", "list")["epochs"]] == ["revoked", "open"]
