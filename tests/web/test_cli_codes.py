"""`onemark codes` and its decisions, typed as in a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.conftest import Database
from web.cli.root import cli

KEY = "a" * 43 + "="
GTIN = "09521234543213"


@pytest.fixture
def box(fresh_database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
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
    said("brands", "add", "--slug", "tea", "--name", "Tea", "--origin", "HTTPS://TEA.EXAMPLE", "--gtin-prefix", "952")
    said("products", "add", "--gtin", GTIN, "--name", "Tea")
    return fresh_database


def said(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == 1, (arguments, result.output, result.exception)
    return result.stderr


def an_order(*more: str) -> str:
    return str(said("codes", "order", "--gtin", GTIN, "--quantity", "10", "--lot", "L1", *more)["order_id"])


@pytest.mark.usefixtures("box")
def test_an_order_is_led_through_its_life(tmp_path: Path) -> None:
    order = an_order("--draft")
    assert "order_not_issued" in refused("codes", "export", order, "--out", str(tmp_path / "codes.csv"))
    said("codes", "issue", order)
    said("codes", "export", order, "--out", str(tmp_path / "codes.csv"))
    said("codes", "printed", order)
    said("codes", "activate", order)
    said("codes", "freeze", order, "--first", "2", "--last", "3", "--reason", "smell")
    said("codes", "unfreeze", order, "--first", "2", "--last", "2")
    said("codes", "recall", order, "--first", "9", "--reason", "Do not drink it.")
    said("codes", "close", order)
    assert "order_closed" in refused("codes", "activate", order)
    history = said("codes", "history", order)
    assert history["life"] == "closed"
    assert [line["action"] for line in history["history"]] == [
        "order.placed",
        "order.issued",
        "range.printed",
        "range.active",
        "range.frozen",
        "range.unfrozen",
        "range.recalled",
        "order.closed",
    ]


@pytest.mark.usefixtures("box")
def test_the_kill_switch_takes_an_order_a_list_or_an_epoch(tmp_path: Path) -> None:
    order = an_order("--activate")
    said("codes", "export", order, "--out", str(tmp_path / "codes.csv"))
    serials = [line.split(",")[1] for line in (tmp_path / "codes.csv").read_text().splitlines()[1:]]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(serials[:2]))
    assert said("codes", "kill", "--serials", str(listed), "--reason", "stolen", "--yes")["voided"] == 2
    said("codes", "kill", "--order", order, "--first", "10", "--reason", "torn", "--yes")
    findings = [said("codes", "explain", serials[place])["finding"] for place in (0, 1, 2, 9)]
    assert findings == ["void", "void", "active", "void"]
    assert said("codes", "kill", "--epoch", "0", "--reason", "leaked", "--yes")["changed"]
    assert said("codes", "explain", serials[2])["finding"] == "epoch_revoked"
    assert CliRunner().invoke(cli, ["codes", "kill", "--reason", "x", "--yes"]).exit_code == 2


@pytest.mark.usefixtures("box")
def test_blank_codes_are_bound_by_rows_and_by_list(tmp_path: Path) -> None:
    order = str(said("codes", "order", "--quantity", "10", "--lot", "ROLL", "--profile", "short", "--activate")["order_id"])
    said("codes", "export", order, "--out", str(tmp_path / "codes.csv"))
    rows = [line.split(",") for line in (tmp_path / "codes.csv").read_text().splitlines()[1:]]
    assert rows[0] == [f"HTTPS://TEA.EXAMPLE/{rows[0][1]}", rows[0][1], "", "ROLL", "item_outer", "", ""]
    listed = tmp_path / "list.txt"
    listed.write_text(rows[9][0] + "\n")
    target = ("--gtin", GTIN, "--lot", "L9", "--scene", "reward")
    assert said("codes", "bind", "--order", order, "--last", "5", *target)["bound"] == 5
    assert said("codes", "bind", "--serials", str(listed), *target)["bound"] == 1
    assert [said("codes", "explain", rows[place][1])["finding"] for place in (0, 5, 9)] == ["active", "unbound", "active"]


@pytest.mark.usefixtures("box")
def test_cases_and_pallets_are_ordered_with_their_items() -> None:
    ratio = ("--items-per-case", "24", "--cases-per-pallet", "40", "--inner")
    assert "960, 1920" in refused("codes", "order", "--gtin", GTIN, "--quantity", "1000", "--lot", "L1", *ratio)
    placed = said("codes", "order", "--gtin", GTIN, "--quantity", "960", "--lot", "L1", *ratio)
    assert (placed["quantity"], placed["codes"]) == (960, 960 * 2 + 40 + 1)
    # A case's worth of items takes the case along, the inner codes too; the same again is the same.
    for _ in range(2):
        activated = said("codes", "activate", placed["order_id"], "--first", "1", "--last", "30", "--along")
        assert (activated["codes"], activated["runs"]) == (61, [[1, 30], [961, 990], [1921, 1921]])
    (line,) = [
        one for one in said("codes", "history", placed["order_id"])["history"] if one["facts"].get("rows") == [[1921, 1921]]
    ]
    assert line["action"] == "range.active"
