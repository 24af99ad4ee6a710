"""Signed codes with PINs on a real box and in a real browser: a buyer proves their item, a copier is told, and a page without a network verifies.

Anna bought the tea and scratches. Mallory has a photo of the code.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, phone  # noqa: F401 - chromium is a fixture
from tests.stories.box import Box, started

pytestmark = pytest.mark.browser

GTIN = "09521234543213"
# As an older browser: Web Crypto is there, Ed25519 is not.
WITHOUT_ED25519 = """
const importKey = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) =>
  algorithm.name === 'Ed25519' ? Promise.reject(new DOMException('no', 'NotSupportedError')) : importKey(format, key, algorithm, ...rest);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What two printers were given: addresses, and PINs by serial."""

    box: Box
    urls: tuple[str, ...]
    serials: tuple[str, ...]
    pins: dict[str, str]

    def scanned(self, row: int) -> str:
        return self.box.base + "/" + self.urls[row].split("/", 3)[3]

    def pin(self, row: int) -> str:
        return self.pins[self.serials[row]]


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    folder = tmp_path_factory.mktemp("pins")
    with started(folder / "var") as box:
        ordered = ("--gtin", GTIN, "--quantity", "20", "--lot", "PIN1")
        order = box.run("codes", "order", *ordered, "--signed", "--pin", "--activate")["order_id"]
        box.run("codes", "export", order, "--out", str(folder / "codes.csv"))
        box.run("packages", "recipients", "add", "Bert Scratch")
        made = box.run("packages", "make", order, "--recipient", "Bert Scratch", "--pins", "--canaries", "0")["packages"][0]
        box.run("packages", "fetch", made["package_id"], "--out", str(folder / "pins.csv"))
        codes, pins = rows_of(folder / "codes.csv"), rows_of(folder / "pins.csv")
        yield Press(
            box=box,
            urls=tuple(row["url"] for row in codes),
            serials=tuple(row["serial"] for row in codes),
            pins={row["serial"]: row["pin"] for row in pins},
        )


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def enter(page: Page, pin: str) -> None:
    page.get_by_label("PIN", exact=True).fill(pin)
    page.get_by_role("button", name="Check the PIN").click()


def test_a_buyer_proves_the_item_and_who_has_a_copy_is_told(press: Press, chromium: Browser) -> None:  # noqa: F811 - the fixture
    with phone(chromium, language="en-GB") as anna, phone(chromium, language="en-GB") as mallory:
        page = anna.new_page()
        page.goto(press.scanned(0))
        expect(page.get_by_text("Your check is noted.")).to_be_visible()
        wrong = f"{(int(press.pin(0)) + 1) % 10**6:06d}"
        enter(page, wrong)
        expect(page.locator("[data-said]")).to_have_text("That is not the PIN of this item. You have 2 more tries.")
        assert wrong not in page.url
        enter(page, press.pin(0))
        expect(page.get_by_text("PIN right: you hold the item")).to_be_visible()
        expect(page.get_by_text("the genuine item is in your hands")).to_be_visible()
        assert press.pin(0) not in page.content() + page.url
        copied = mallory.new_page()
        copied.goto(press.scanned(0))
        expect(copied.get_by_text("Someone who holds the item entered its PIN")).to_be_visible()
        expect(copied.get_by_role("heading", name="Scratch and enter")).to_be_visible()
        page.goto(press.scanned(0))
        expect(page.get_by_text("PIN right: you hold the item")).to_be_visible()


def test_the_pin_works_without_a_script(press: Press, chromium: Browser) -> None:  # noqa: F811 - the fixture
    with chromium.new_context(java_script_enabled=False, locale="en-GB") as plain:
        page = plain.new_page()
        page.goto(press.scanned(1))
        for left in ("You have 2 more tries.", "You have one more try.", "The next try is possible at"):
            enter(page, f"{(int(press.pin(1)) + 1) % 10**6:06d}")
            expect(page.locator("[data-said]")).to_contain_text(left)
        enter(page, press.pin(1))
        expect(page.locator("[data-said]")).to_contain_text("so we wait a little")
        page.goto(press.scanned(2))
        enter(page, press.pin(2))
        expect(page.get_by_text("PIN right: you hold the item")).to_be_visible()


@pytest.mark.parametrize("browser_kind", ["new", "old"])
def test_the_page_verifies_without_a_network(press: Press, chromium: Browser, browser_kind: str) -> None:  # noqa: F811 - the fixture
    with phone(chromium, language="en-GB") as context:
        if browser_kind == "old":
            context.add_init_script(WITHOUT_ED25519)
        page = context.new_page()
        page.goto(f"{press.box.base}/verify")
        expect(page.get_by_text("This page now also opens without a network.")).to_be_visible()
        context.set_offline(True)
        page.reload()
        for address, says in (
            (press.urls[3], "The brand issued this code"),
            (press.urls[3].replace("HTTP://", "http://"), "The brand issued this code"),
            (press.urls[3].replace(GTIN, "09521111111115"), "signature_wrong"),
            (press.urls[3].partition("?")[0] + "?" + press.urls[4].partition("?")[2], "signature_wrong"),
            (press.urls[3][:-1], "signature_malformed"),
            (press.urls[3].partition("?")[0], "url_unsigned"),
            (press.urls[3].replace(f"/21/{press.serials[3][0]}", "/21/7"), "signature_epoch_unknown"),
            ("https://example.com/tea", "url_unreadable"),
        ):
            page.get_by_label("The address from the code").fill(address)
            page.get_by_role("button", name="Check").click()
            expect(page.get_by_text(says, exact=True)).to_be_visible()
        page.get_by_role("link", name="中文").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("验证码的签名")


def test_other_keys_under_the_same_address_are_not_believed(press: Press, chromium: Browser) -> None:  # noqa: F811 - the fixture
    with phone(chromium, language="en-GB") as context:
        page = context.new_page()
        page.goto(f"{press.box.base}/verify")
        expect(page.get_by_text("This page now also opens without a network.")).to_be_visible()
        known = json.loads(page.evaluate("localStorage.getItem('om_keys')"))["set"]
        revoked = {**known, "epochs": [{"epoch": 0, "state": "revoked"}, {"epoch": 1, "state": "open"}], "keys": []}
        other = {**known, "keys": [{**key, "x": "A" * 43} for key in known["keys"]]}
        answers = [other, revoked, known]
        context.route("**/.well-known/onemark-keys.json", lambda route: route.fulfill(json=answers.pop(0)))
        careful = page.get_by_text("Careful: the keys that are published now")
        page.reload()
        expect(careful).to_be_visible()
        page.get_by_label("The address from the code").fill(press.urls[5])
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("The brand issued this code")).to_be_visible()
        page.reload()  # revoked: that is believed, and for ever
        page.get_by_label("The address from the code").fill(press.urls[5])
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("signature_epoch_revoked", exact=True)).to_be_visible()
        page.reload()
        expect(careful).to_be_visible()
