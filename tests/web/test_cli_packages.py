"""Packages from the command line: two printers, a leak that names one of them, and checks that need no server."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.conftest import Database
from web.cli.root import cli

KEY = "a" * 43 + "="
GTIN = "09521234543213"


@pytest.fixture
def production(fresh_database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A production instance with an order of 1,000 codes; the answer is the order's id."""
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
    run("brands", "add", "--slug", "tea", "--name", "Tea", "--origin", "HTTPS://TEA.EXAMPLE", "--gtin-prefix", "952")
    run("products", "add", "--gtin", GTIN, "--name", "Tea")
    return str(said("codes", "order", "--gtin", GTIN, "--quantity", "1000", "--lot", "L1", "--pin")["order_id"])


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == code, (arguments, result.output, result.exception)
    return result


def said(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "ONEMARK_KEK", "ONEMARK_SECRET"):
        monkeypatch.delenv(name)


def test_two_printers_and_a_leak_that_names_one(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = X25519PrivateKey.generate()
    (tmp_path / "public.pem").write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "private.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    run("packages", "recipients", "add", "Anna Print", "--public-key", "public.pem", "--contact", "anna@example.com")
    run("packages", "recipients", "add", "Bert Caps")
    assert "x25519" in run("packages", "recipients", "list").stdout
    parts = said(
        "packages", "make", production, "--recipient", "Anna Print", "--rows", "1..500", "--parts-of", "250", "--encrypt"
    )
    bert = said("packages", "make", production, "--recipient", "Bert Caps", "--rows", "501..1000")["packages"][0]
    assert [(one["first"], one["last"], one["state"]) for one in parts["packages"]] == [(1, 250, "ready"), (251, 500, "ready")]
    anna = parts["packages"][0]["package_id"]
    run("packages", "fetch", anna, "--out", "anna.sealed")
    run("packages", "fetch", bert["package_id"], "--out", "bert.csv")
    run("packages", "manifest", anna, "--out", "anna.json")
    run("packages", "keys", "--out", "keys.json")
    assert said("packages", "downloads", anna)["downloads"][0]["by"] == "command line"
    leaked = (tmp_path / "bert.csv").read_text().splitlines()[77].split(",")[1]
    assert said("codes", "explain", leaked)["given_to"] == "Bert Caps, codes of rows 501 to 1000"

    without_a_server(monkeypatch)
    assert said("packages", "verify", "anna.json", "anna.sealed", "--keys", "keys.json")["sealed"] is True
    run("packages", "open", "anna.sealed", "--out", "anna.csv", "--private-key", "private.pem")
    found = said("packages", "verify", "anna.json", "anna.csv", "--keys", "keys.json")
    assert (found["rows"], found["codes"], len(found["skip"]), found["sealed"]) == (252, 250, 2, False)
    for file in ("anna.csv", "anna.json"):
        raw = bytearray((tmp_path / file).read_bytes())
        raw[100] ^= 1
        (tmp_path / "altered").write_bytes(raw)
        pair = ("altered", "anna.csv") if file == "anna.json" else ("anna.json", "altered")
        run("packages", "verify", *pair, "--keys", "keys.json", code=1)


def test_pins_travel_alone_and_rows_are_given_once(production: str, tmp_path: Path) -> None:
    run("packages", "recipients", "add", "Anna Print")
    run("packages", "recipients", "add", "Scratch House")
    first = said("packages", "make", production, "--recipient", "Anna Print", "--request-id", "r1")
    assert said("packages", "make", production, "--recipient", "Anna Print", "--request-id", "r1") == first
    pins = said("packages", "make", production, "--recipient", "Scratch House", "--pins", "--downloads", "1")["packages"][0]
    run("packages", "fetch", pins["package_id"], "--out", "pins.csv")
    assert (tmp_path / "pins.csv").read_text().startswith("serial,pin\n")
    run("packages", "fetch", pins["package_id"], "--out", "again.csv", code=1)
    assert not (tmp_path / "again.csv").exists()
    refused = run("packages", "make", production, "--recipient", "Scratch House", code=1)
    assert "'Anna Print'" in refused.stderr
    run("packages", "make", production, "--recipient", "Scratch House", "--reprint")
    assert len(said("packages", "list", production)["packages"]) == 3
    assert said("packages", "resume") == {"packages": []}


def test_a_template_of_ones_own(production: str, tmp_path: Path) -> None:
    run("packages", "recipients", "add", "Anna Print")
    template = {"columns": [{"source": "row"}, {"source": "serial_groups"}], "separator": "tab", "header": False}
    (tmp_path / "own.json").write_text(json.dumps(template))
    made = said("packages", "make", production, "--recipient", "Anna Print", "--template", "own.json")["packages"][0]
    run("packages", "fetch", made["package_id"], "--out", "own.txt")
    number, groups = (tmp_path / "own.txt").read_text().splitlines()[0].split("\t")
    assert (number, len(groups)) == ("0001", 24)
    for text in ("[]", "{", "\udcff"):
        (tmp_path / "own.json").write_text(text, errors="surrogateescape")
        run("packages", "make", production, "--recipient", "Anna Print", "--template", "own.json", "--reprint", code=1)
    run("packages", "make", production, "--recipient", "Anna Print", "--rows", "5-9", code=1)
