"""A production instance from nothing: migrated, given its first brand and login, ready for scans; and restored from a backup."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kit.db import transaction
from kit.redis import connect
from scanservice.hot import generations
from tests.conftest import Database
from web.cli.root import cli

KEY = "a" * 43 + "="


@pytest.fixture
def production(fresh_database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
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
    return fresh_database


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result


def add_brand(slug: str, *, prefix: str) -> Result:
    return run(
        "brands", "add", "--slug", slug, "--name", slug, "--origin", f"HTTPS://{slug}.EXAMPLE".upper(), "--gtin-prefix", prefix
    )


def test_two_commands_furnish_a_production_instance(production: Database, redis_url: str) -> None:
    run("migrate")
    run("migrate")
    with connect(redis_url) as client:
        assert "No brands" in run("brands", "list").stdout
        add_brand("tea", prefix="952")
        with transaction(production.app_engine, tenant_id=None) as session:
            assert generations.shown(client) == {generations.recorded(session)} == {1}


def test_the_first_login_belongs_to_the_only_brand(production: Database) -> None:
    add_brand("tea", prefix="952")
    added = run("staff", "add", "--email", "alice@tea.example", "--role", "owner", "--json")
    assert json.loads(added.stdout)["role"] == "owner"


def test_with_two_brands_a_command_asks_which(production: Database) -> None:
    add_brand("tea", prefix="952")
    add_brand("oil", prefix="6901234")
    refused = CliRunner().invoke(cli, ["brands", "open-epoch"])
    assert refused.exit_code == 1
    assert "--tenant" in refused.stderr
    assert json.loads(run("brands", "open-epoch", "--tenant", "oil", "--json").stdout) == {"epoch": 1}


def test_after_a_new_epoch_no_counter_is_issued_again(production: Database) -> None:
    add_brand("tea", prefix="952")
    run("products", "add", "--gtin", "09521234543213", "--name", "Tea")
    order = ("codes", "order", "--gtin", "09521234543213", "--quantity", "10", "--json", "--lot")
    orders = [json.loads(run(*order, "L1").stdout)["order_id"]]
    run("brands", "open-epoch")
    orders.append(json.loads(run(*order, "L2").stdout)["order_id"])
    for order_id in orders:
        run("codes", "export", order_id, "--out", f"{order_id}.csv")
    first, second = ({line.split(",")[1] for line in Path(f"{order_id}.csv").read_text().splitlines()[1:]} for order_id in orders)
    assert len(first | second) == 20


def test_a_slug_belongs_to_one_brand(production: Database) -> None:
    add_brand("tea", prefix="952")
    again = CliRunner().invoke(
        cli, ["brands", "add", "--slug", "tea", "--name", "Tea", "--origin", "HTTPS://OTHER.EXAMPLE", "--gtin-prefix", "952"]
    )
    assert again.exit_code == 1
    assert "slug_taken" in again.stderr
