"""A list gets out, on a real box: two printers have a part each, one list is copied, and the scans say whose it was.

Olga orders and hands out the parts. Whoever copied printer A's file scans a canary and a code that is on no shelf yet. Olga looks.
"""

import csv
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, desk  # noqa: F401 - chromium is a fixture
from tests.stories.box import Box, started
from tests.waiting import until
from web import first_start
from web.cli.root import cli

pytestmark = pytest.mark.browser

GTIN = "09521234543213"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with started(tmp_path_factory.mktemp("leak") / "var") as running:
        yield running


def say(box: Box, *arguments: str) -> Any:
    """Types a command of the running box, without the second that a new interpreter takes."""
    told = {"ONEMARK_DATA_DIR": str(box.data_dir), "ONEMARK_PORT": str(box.port)}
    done = CliRunner(env=told).invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return json.loads(done.stdout)


def column(file: Path, name: str) -> list[str]:
    with file.open(encoding="utf-8", newline="") as opened:
        return [row[name] for row in csv.DictReader(opened)]


def scan(box: Box, serial: str) -> str:
    """Asks for a code as a program does, from somewhere."""
    connection = HTTPConnection("127.0.0.1", box.port)
    connection.request("GET", f"/01/{GTIN}/21/{serial}", headers={"Accept": "application/json"})
    verdict = json.loads(connection.getresponse().read())["verdict"]
    connection.close()
    return str(verdict)


def anomalies(box: Box, out: Path) -> list[dict[str, str]]:
    say(box, "export", "anomalies", "--out", str(out))
    with out.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def signed_in(page: Page, box: Box) -> Page:
    login = first_start.logins(box.data_dir)["console"]
    page.goto(f"{box.base}/sign-in")
    page.get_by_label("E-mail").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def test_the_scans_of_a_copied_list_name_the_printer_who_had_it(chromium: Browser, box: Box, tmp_path: Path) -> None:  # noqa: F811
    order_id = say(box, "codes", "order", "--gtin", GTIN, "--quantity", "100", "--lot", "LEAK-1")["order_id"]
    for name in ("Printer A", "Printer B"):
        say(box, "packages", "recipients", "add", name)
    made = say(box, "packages", "make", order_id, "--recipient", "Printer A", "--recipient", "Printer B", "--parts-of", "50")
    of_a, of_b = made["packages"]
    assert (of_a["recipient"], of_b["recipient"]) == ("Printer A", "Printer B")
    file, plain = tmp_path / "a.csv", tmp_path / "all.csv"
    say(box, "packages", "fetch", of_a["package_id"], "--out", str(file))
    say(box, "codes", "export", order_id, "--out", str(plain))

    listed, printed = column(file, "serial"), column(plain, "serial")
    canary = next(serial for serial in listed if serial not in printed)
    code = next(serial for serial in listed if serial in printed)
    assert [scan(box, serial) for serial in (code, canary)] == ["inactive", "inactive"]

    rows = until(lambda: [one for one in anomalies(box, tmp_path / "found.csv") if one["scans"] == "2"], "the leak of two scans")
    (leak,) = rows
    assert (leak["kind"], leak["lot"], leak["score"]) == ("leak", "LEAK-1", "1")
    assert leak["serial"] in {code, canary}

    with desk(chromium) as context:
        page = signed_in(context.new_page(), box)
        expect(page.get_by_role("link", name="Anomalies")).to_contain_text("1")
        page.get_by_role("link", name="Anomalies").click()
        page.get_by_role("link", name="Leak from the part of Printer A").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Leak from the part of Printer A")
        main = page.locator("main")
        for said in (
            "rows 1 to 50",
            of_a["package_id"],
            "command line",
            "explains 2 of 2 scans",
            "Canary: nobody ever prints it",
        ):
            expect(main).to_contain_text(said)
        expect(main).not_to_contain_text("Printer B")
        page.get_by_label("Why you close it").fill("Printer A was told; their file server is being looked at.")
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.locator("#history")).to_contain_text("their file server")
        expect(page.get_by_role("link", name="Anomalies").first).not_to_contain_text("1")
