"""The editor of label templates in a real browser: the picture follows the form, under the real content security policy."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.browser import chromium, desk  # noqa: F401 - chromium is a fixture
from tests.web.conftest import PASSWORD, Join
from web.accounts import Role

pytestmark = pytest.mark.browser


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def picture_of(page: Page) -> str:
    """The address of the label's picture, once it has been drawn."""
    shown = page.locator("#label-preview .label-stage img")
    page.wait_for_function(
        "() => { const p = document.querySelector('#label-preview img'); return p && p.complete && p.naturalWidth > 0; }"
    )
    return str(shown.get_attribute("src"))


def test_the_picture_follows_the_form_as_somebody_types(chromium: Browser, served: str, hire: Join) -> None:  # noqa: F811
    member = hire(Role.MARKETER)
    with desk(chromium) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{served}/sign-in")
        page.fill("[name=email]", member.email)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.goto(f"{served}/console/labels/new?copy=a4-3x8")
        first = picture_of(page)
        page.fill("[name=texts-1-words]", "Best before: see lid. ")
        expect(page.locator("#label-preview .label-stage img")).not_to_have_attribute("src", first)
        second = picture_of(page)
        page.fill("[name=symbol_side_mm]", "40")
        expect(page.locator("#label-preview")).to_contain_text("The symbol with its quiet zone does not lie within the label.")
        page.fill("[name=symbol_side_mm]", "26")
        expect(page.locator("#label-preview .label-stage img")).to_have_attribute("src", second)
        page.select_option("[name=paper]", "roll")
        expect(page.locator("[name=page_width_mm]")).to_be_hidden()
        expect(page.locator("#label-preview .label-sheet")).to_have_count(0)
        page.fill("[name=name]", "Tea box")
        page.click("[name=submit]")
        page.wait_for_url("**/console/labels")
        expect(page.locator("h2", has_text="Tea box")).to_be_visible()
        assert complaints == []
