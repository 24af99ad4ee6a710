"""`onemark links`: added once, listed, removed and brought back; hosts and vocabularies."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from tests.conftest import Database
from web.cli.root import cli

KEY = "a" * 43 + "="
GTIN = "09521234543213"
HOST = "www.tea-brand.example.com"
ADD = ("links", "add", "--gtin", GTIN, "--type", "gs1:pip", "--href", f"https://{HOST}/", "--title", "Tea", "--language", "en")


@pytest.fixture
def product(fresh_database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A production instance with one product."""
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


def said(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == code, (arguments, result.output, result.exception)
    return json.loads(result.stdout) if not code else result.stderr


@pytest.mark.usefixtures("product")
def test_a_link_is_added_once_listed_removed_and_brought_back() -> None:
    assert "target_host_not_allowed" in said(*ADD, code=1)
    assert said("links", "allow", HOST) == {"host": HOST}
    first = said(*ADD, "--until", "2027-01-01T00:00+08:00")
    assert (first["type"], first["role"], first["valid_until"]) == ("gs1:pip", "plain", "2026-12-31T16:00:00+00:00")
    assert UUID(first["id"])
    assert said(*ADD, "--until", "2027-01-01T00:00+08:00") == first
    listed = ("links", "list", "--gtin", GTIN)
    assert [one["id"] for one in said(*listed)["links"]] == [first["id"]]
    assert said("links", "remove", first["id"])["removed_at"]
    assert said(*listed) == {"links": []}
    said("links", "restore", first["id"])
    assert said("links", "vocabulary", "tea", "https://tea.example.com/voc/")["prefix"] == "tea"
    assert said(*ADD, "--type", "tea:brewing", "--lot", "L1", "--role", "default", "--no-query")["passes_query"] is False
    assert "link_item_not_made" in said(*ADD, "--serial", "0816MZTTBH7PFP77PTNS", code=1)
    result = CliRunner().invoke(cli, list(listed))
    assert [line.split()[1:4] for line in result.stdout.splitlines()] == [
        ["product", "gs1:pip", "plain"],
        ["L1", "tea:brewing", "default"],
    ]
    assert said("links", "disallow", HOST) == {"host": HOST}
