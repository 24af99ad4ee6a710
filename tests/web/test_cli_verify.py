"""`onemark verify`: signed addresses checked with a file of keys and nothing else, in every file that writes them."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.web.test_cli_packages import GTIN, production, run, said, without_a_server

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
    assert [row["reason"] for row in mixed] == ["", "", "url_unreadable", "signature_malformed", "signature_wrong"]
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
