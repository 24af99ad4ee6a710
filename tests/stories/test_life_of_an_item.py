"""The life of one item, on a real box and in real browsers: ordered, printed, scanned, joined, claimed, seen by the brand and the distributor.

Alice buys the tea and scans it first. Bob picks up the same bottle later. The marketer watches both.
"""

import base64
import csv
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium, desk, phone  # noqa: F401 - chromium is a fixture
from tests.stories.box import Box, started
from tests.waiting import until
from web import first_start

pytestmark = pytest.mark.browser

PHONE_NUMBER = "13800138000"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with started(tmp_path_factory.mktemp("story") / "var") as running:
        yield running


@pytest.fixture
def console(chromium: Browser, box: Box) -> Iterator[Page]:  # noqa: F811 - the fixture's name
    with desk(chromium) as context:
        yield signed_in(context, box, "console")


def signed_in(context: BrowserContext, box: Box, place: str) -> Page:
    login = first_start.logins(box.data_dir)[place]
    page = context.new_page()
    page.goto(f"{box.base}/sign-in")
    page.get_by_label("E-mail").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def order_codes(console: Page, box: Box, *, lot: str) -> str:
    """Orders 20 active codes and returns the address in the symbol of row 7, read from its picture."""
    console.goto(f"{box.base}/console/orders/new")
    console.get_by_label("How many").fill("20")
    console.get_by_label("Lot", exact=True).fill(lot)
    console.get_by_label("Activate at once").check()
    console.get_by_role("button", name="Continue").click()
    console.get_by_role("button", name="Order codes").click()
    expect(console.get_by_role("heading", level=1)).to_contain_text(lot)
    order_id = console.url.rsplit("/", 1)[-1]

    exported = console.request.get(f"{box.base}/console/orders/{order_id}/codes.csv")
    rows = list(csv.DictReader(io.StringIO(exported.text())))
    assert len({row["serial"] for row in rows}) == 20

    picture = console.request.get(f"{box.base}/console/orders/{order_id}/symbols/7.png").body()
    printed = str(read_symbol(console, picture))
    assert printed == rows[6]["url"]
    return printed


def read_symbol(page: Page, png: bytes) -> str:
    """What a phone's camera would read: the picture goes through the browser into pixels, and zxing-cpp reads those."""
    shown = page.context.new_page()
    shown.set_content(f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}">')
    size, pixels = shown.evaluate(
        """() => new Promise((done) => {
            const image = document.images[0];
            const draw = () => {
                const canvas = document.createElement('canvas');
                canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
                const pen = canvas.getContext('2d');
                pen.drawImage(image, 0, 0);
                const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
                const grey = []; for (let at = 0; at < data.length; at += 4) grey.push(data[at]);
                done([[canvas.height, canvas.width], grey]);
            };
            image.complete ? draw() : image.onload = draw;
        })"""
    )
    shown.close()
    grey = np.array(pixels, dtype="uint8").reshape(size)
    (found,) = zxingcpp.read_barcodes(grey)
    return str(found.text)


def scan(context: BrowserContext, printed: str) -> Page:
    """Opens the address as a phone's camera does, and waits until the check is noted."""
    page = context.new_page()
    answer = page.goto(printed.replace("HTTP://", "http://"))
    assert answer is not None
    assert answer.request.redirected_from is not None
    first = answer.request.redirected_from.response()
    assert first is not None
    assert first.status == 307
    expect(page.locator("[data-check]")).to_have_attribute("data-stage", "confirmed")
    return page


def verdict(page: Page) -> str:
    return str(page.locator("[data-check]").get_attribute("data-verdict"))


def one_time_code(console: Page, box: Box) -> str:
    console.goto(f"{box.base}/console/messages")

    def arrived() -> str:
        console.reload()
        found = (
            re.search(r"\b(\d{6})\b", console.locator("tbody").first.inner_text()) if console.locator("tbody").count() else None
        )
        return found.group(1) if found else ""

    return until(arrived, "the one-time code on the console's page of messages")


def join(page: Page, console: Page, box: Box) -> None:
    page.get_by_role("link", name="Join and collect").click()
    page.get_by_label("Mobile number").fill(PHONE_NUMBER)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the text message").fill(one_time_code(console, box))
    page.get_by_label("I agree to the membership service").check()
    expect(page.get_by_label("I want news and offers")).not_to_be_checked()
    page.get_by_role("button", name="Join", exact=True).click()


def test_an_item_is_ordered_scanned_joined_and_claimed(chromium: Browser, box: Box, console: Page) -> None:  # noqa: F811
    printed = order_codes(console, box, lot="STORY-1")
    with phone(chromium, language="en-GB") as alice, phone(chromium, language="zh-CN") as bob:
        page = scan(alice, printed)
        assert verdict(page) == "genuine_first"
        join(page, console, box)
        second_tab = alice.new_page()
        second_tab.goto(page.url)
        page.get_by_role("button", name="Collect 10 points").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("+10")
        page.get_by_role("link", name="To my wallet").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("10")

        see_the_consumer(console, box)

        page = scan(bob, printed)
        assert verdict(page) == "genuine_seen"
        assert page.locator("html").get_attribute("lang") == "zh"
        expect(page.get_by_role("button", name=re.compile("领取"))).to_have_count(0)

        page = scan(alice, printed)
        assert verdict(page) == "genuine_again"
        expect(page.get_by_text("You have collected 10 points")).to_be_visible()

        claim_again(second_tab, box)
    see_the_lot(chromium, box)


def see_the_consumer(console: Page, box: Box) -> None:
    """The marketer finds the profile by number, with the scan (once it is ingested) and the points."""

    def scanned() -> bool:
        console.goto(f"{box.base}/console/consumers?phone={PHONE_NUMBER}")
        console.get_by_role("link", name=re.compile(r"138")).click()
        return "STORY-1" in console.locator(".desk-timeline").inner_text()

    until(scanned, "the scan in the profile")
    timeline = console.locator(".desk-timeline")
    expect(timeline).to_contain_text("Became a member")
    expect(timeline).to_contain_text("Claim")
    expect(timeline).to_contain_text("+10")
    expect(console.locator(".desk-figure").filter(has_text="Points to spend")).to_contain_text("10")


def claim_again(second_tab: Page, box: Box) -> None:
    """The same ticket once more, from a tab that still offers the points: the first answer, and no further points."""
    second_tab.get_by_role("button", name="Collect 10 points").click()
    expect(second_tab.get_by_text("You collected these points before")).to_be_visible()
    second_tab.goto(f"{box.base}/wallet")
    expect(second_tab.get_by_role("heading", level=1)).to_have_text("10")


def see_the_lot(chromium: Browser, box: Box) -> None:  # noqa: F811
    """The distributor sees the goods shipped to them, and nothing of the lot that was not."""
    with desk(chromium) as context:
        page = signed_in(context, box, "portal")
        expect(page.locator("main")).to_contain_text(first_start.LOT)
        expect(page.locator("main")).not_to_contain_text("STORY-1")


def test_a_changed_character_is_told_to_be_counterfeit(chromium: Browser, box: Box, console: Page) -> None:  # noqa: F811
    printed = order_codes(console, box, lot="STORY-2")
    changed = printed[:-1] + ("0" if printed[-1] != "0" else "1")
    with phone(chromium, language="en-GB") as charlie:
        page = scan(charlie, changed)
        assert verdict(page) == "counterfeit"
        expect(page.get_by_role("link", name="Join and collect")).to_have_count(0)


def test_the_verdict_is_there_without_javascript(chromium: Browser, box: Box, console: Page) -> None:  # noqa: F811
    printed = order_codes(console, box, lot="STORY-3")
    with chromium.new_context(java_script_enabled=False, locale="en-GB") as plain:
        page = plain.new_page()
        page.goto(printed.replace("HTTP://", "http://"))
        assert verdict(page) == "genuine_first"
        page.get_by_role("button", name="Confirm my check").click()
        expect(page.locator("[data-check]")).to_have_attribute("data-stage", "confirmed")
