"""The console's order pages and look-up in a real browser: what needs its script, and that no page is wider than the window."""

from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.browser import chromium, desk, phone
from tests.conftest import Database
from tests.web.conftest import PASSWORD, Furnished, Join
from tests.web.test_console_codes import all_orders
from web.accounts import Role

__all__ = ["chromium"]


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def signed_in(page: Page, address: str, email: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/console/**")


def test_the_wizard_follows_what_is_typed_and_orders_once(
    chromium: Browser, address: str, furnished: Furnished, database: Database, hire: Join
) -> None:
    with desk(chromium) as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        signed_in(page, address, hire(Role.MARKETER).email)
        page.goto(f"{address}/console/orders/new")
        page.get_by_label("Lot").fill("W1")
        page.get_by_label("How many").fill("9,600")
        page.get_by_label("Items a case").fill("24")
        beside = page.locator("[data-forecast]")
        expect(beside.get_by_role("row", name="Case 400")).to_be_visible()
        page.get_by_label("Size of a module, mm").fill("0.2")
        expect(beside).to_contain_text("phones fail below 0.25 mm")
        page.get_by_label("Size of a module, mm").fill("0.5")
        expect(beside).to_contain_text("comfortably")
        assert beside.get_by_alt_text("The symbol at the size of its print").evaluate("one => one.naturalWidth") > 50
        page.get_by_label("Printed on").select_option("case")
        expect(page.get_by_label("Items a case")).to_be_hidden()
        page.get_by_label("Printed on").select_option("item_outer")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="Look it over")).to_be_visible()
        page.get_by_role("button", name="Order codes").dblclick()
        expect(page.get_by_text("10,000 codes ordered for lot W1.")).to_be_visible()
        assert faults == []
    assert [order.quantity for order in all_orders(database, furnished)] == [100, 10_000]


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_no_page_about_codes_is_wider_than_its_window(
    chromium: Browser, address: str, furnished: Furnished, hire: Join, device: str
) -> None:
    order = f"/console/orders/{furnished.order_id}"
    with {"phone": phone, "desk": desk}[device](chromium, language="en-GB") as context:
        page = context.new_page()
        signed_in(page, address, hire(Role.OWNER).email)
        for path in (
            "/console/orders",
            "/console/orders/new",
            order,
            f"{order}/history",
            f"{order}/decide/void",
            "/console/codes/void",
            f"/console/codes?code={furnished.serial(3)}",
            "/console/audit",
            "/console/keys",
            "/console/keys/0/revoke",
        ):
            page.goto(f"{address}{path}")
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, path
