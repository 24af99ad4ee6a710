"""`onemark verify`: signed addresses checked with a file of keys and nothing else, in every file that writes them."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.web.test_cli_packages import GTIN, production, run, said, without_a_server
from web.cli.root import cli

__all__ = ["production"]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_signed_order_is_verified_without_a_server(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = said("codes", "order", "--gtin", GTIN, "--quantity", "30", "--lot", "S1", "--signed", "--pin")
    assert (order["signed"], order["pin"]) == (True, True)
    run("codes", "export", order["order_id"], "--out", "signed.csv")
    run("codes", "export", production, "--out", "plain.csv", "--last", "2")
    rendered = said("codes", "render", order["order_id"], "--row", "7", "--out", "7.svg")["url"]
    run("packages", "keys", "--out", "keys.json")
    run("packages", "recipients", "add", "Anna")
    made = said("packages", "make", order["order_id"], "--recipient", "Anna")["packages"][0]
    run("packages", "fetch", made["package_id"], "--out", "package.csv")
    blank = said("codes", "order", "--quantity", "2", "--lot", "ROLL", "--profile", "short", "--signed")
    run("codes", "export", blank["order_id"], "--out", "blank.csv")
    assert run("verify", rendered).stdout.startswith("right    tea")
    epoch = json.loads((tmp_path / "keys.json").read_text())
    revoked = {**epoch, "epochs": [{"epoch": 0, "state": "revoked"}], "keys": []}
    (tmp_path / "revoked.json").write_text(json.dumps(revoked))

    without_a_server(monkeypatch)
    offline = ("verify", "--offline", "--keys", "keys.json")
    listed = rows_of(run(*offline, "--list", "signed.csv", "--csv").stdout)
    assert (len(listed), {row["answer"] for row in listed}, listed[0]["line"]) == (30, {"right"}, "2")
    assert rendered == listed[6]["url"]
    packed = rows_of(run(*offline, "--list", "package.csv", "--csv").stdout)
    assert ({row["answer"] for row in packed}, len(packed)) == ({"right"}, 32)  # thirty codes and two canaries
    assert {row["gtin"] for row in rows_of(run(*offline, "--list", "blank.csv", "--csv").stdout)} == {""}
    (tmp_path / "some.txt").write_text(
        f"{rendered}\n\n{rendered.replace('S1', '')}\n=cmd()\n{rendered[:-1]}\n{rendered.lower()}\n"
    )
    mixed = rows_of(run(*offline, "--list", "some.txt", "--csv", code=1).stdout)
    assert [row["line"] for row in mixed] == ["1", "3", "4", "5", "6"]
    assert [row["reason"] for row in mixed[:4]] == ["", "", "url_unreadable", "signature_malformed"]
    assert mixed[4]["reason"] in {"signature_wrong", "signature_malformed"}  # small letters are another signature, or none
    assert mixed[2]["url"] == "'=cmd()"
    plain = rows_of(run(*offline, "--list", "plain.csv", "--csv", code=1).stdout)
    assert {row["reason"] for row in plain} == {"url_unsigned"}
    altered = rendered.replace(GTIN, "09521111111115")
    answer = json.loads(run(*offline, rendered, altered, "--json", code=1).stdout)
    assert (answer["right"], answer["refused"], answer["results"][1]["reason"]) == (1, 1, "signature_wrong")
    gone = run("verify", "--offline", "--keys", "revoked.json", rendered, code=1)
    assert "signature_epoch_revoked" in gone.stdout
    (tmp_path / "none.json").write_text("{}")
    assert "key_set_malformed" in run("verify", "--offline", "--keys", "none.json", rendered, code=1).output
    assert "keys_missing" in run("verify", "--offline", rendered, code=1).output
    assert "nothing_to_verify" in run(*offline, code=1).output


@pytest.mark.usefixtures("production")
def test_consumer_service_checks_a_pin_that_was_read_out() -> None:
    order = said("codes", "order", "--gtin", GTIN, "--quantity", "3", "--lot", "P1", "--pin")["order_id"]
    plain = said("codes", "order", "--gtin", GTIN, "--quantity", "3", "--lot", "P2")["order_id"]
    run("codes", "export", order, "--out", "codes.csv")
    run("codes", "export", plain, "--out", "plain.csv")
    run("packages", "recipients", "add", "Scratch House")
    made = said("packages", "make", order, "--recipient", "Scratch House", "--pins", "--canaries", "0")["packages"][0]
    run("packages", "fetch", made["package_id"], "--out", "pins.csv")
    pin = rows_of(Path("pins.csv").read_text())[1]["pin"]
    url = rows_of(Path("codes.csv").read_text())[1]["url"]
    right = CliRunner().invoke(cli, ["codes", "check-pin", url], input=f"{pin}\n")
    assert (right.exit_code, right.stdout.startswith("Right")) == (0, True)
    wrong = CliRunner().invoke(cli, ["codes", "check-pin", url], input=f"{(int(pin) + 1) % 10**6:06d}\n")
    assert (wrong.exit_code, "pin_wrong" in wrong.output) == (1, True)
    assert pin not in right.output + wrong.output
    other = rows_of(Path("plain.csv").read_text())[0]["serial"]
    assert "pin_not_ordered" in run("codes", "check-pin", other, code=1).output
    assert "code_not_ordered" in run("codes", "check-pin", "0" * 20, code=1).output
