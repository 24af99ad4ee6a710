"""The README's pictures, from a box with the demo's month of scans: `make pictures`."""

import json
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import desk, executable, launched, phone
from tests.stories.box import Box, started
from web import first_start
from web.demo import filling

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"


def main() -> None:
    path = executable()
    if path is None:
        raise SystemExit("Chromium is missing: make browser")
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "var") as box:
        box.run("demo")
        with launched(path) as browser:
            draw_verdict(browser, box)
            draw_desk(browser, box, place="console", picture="dashboard")
            draw_desk(browser, box, place="portal", picture="portal")
    print(*sorted(FOLDER.glob("*.png")), sep="\n")  # noqa: T201 - the command's answer


def draw_verdict(browser: Browser, box: Box) -> None:
    order = box.run("codes", "order", "--gtin", first_start.GTIN, "--quantity", "1", "--lot", "PICTURE", "--activate")
    with tempfile.TemporaryDirectory() as folder:
        url = box.run("codes", "render", order["order_id"], "--out", str(Path(folder) / "code.svg"))["url"]
    with phone(browser, language="en-GB") as context:
        page = context.new_page()
        page.goto(url.replace("HTTP://", "http://"))
        page.locator("[data-stage=confirmed]").wait_for()
        page.screenshot(path=FOLDER / "verdict.png")


def draw_desk(browser: Browser, box: Box, *, place: str, picture: str) -> None:
    login = login_of(box, place)
    with desk(browser) as context:
        page = context.new_page()
        page.goto(f"{box.base}/sign-in")
        page.get_by_label("E-mail").fill(login["email"])
        page.get_by_label("Password").fill(login["password"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / f"{picture}.png")


def login_of(box: Box, place: str) -> dict[str, str]:
    """The portal is shown to a distributor of the demo, whose goods were scanned for a month."""
    if place != "portal":
        return first_start.logins(box.data_dir)[place]
    passwords: dict[str, str] = json.loads((box.data_dir / filling.LOGINS_FILE).read_text(encoding="utf-8"))
    email = next(email for email in sorted(passwords) if not email.startswith("marketer"))
    return {"email": email, "password": passwords[email]}


if __name__ == "__main__":
    main()
