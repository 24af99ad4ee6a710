"""How soon does a phone on a slow network show the verdict, and how much does it fetch? `python -m tests.first_paint`

A fresh phone each time (no cookie, nothing cached) opens a code that nobody has scanned, at the rates of Chromium's old "slow 3G" profile:
400 kbit/s both ways and 400 ms for a round trip. Counted is from the request for the printed address, the redirect included, to the first
contentful paint, which is the verdict; bytes are everything that came, headers included. Aims: under a second, under 60 kB.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser import executable, launched, phone
from tests.stories.box import Box, started
from web import first_start

ROUNDS = 5
LANGUAGES = ("zh-CN", "en-GB")
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 400_000 // 8, "uploadThroughput": 400_000 // 8}
# The paint is written down a moment after it: asked for until it is there.
PAINTED_MS = """() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return paint ? paint.startTime : 0;
}"""


def main() -> None:
    path = executable()
    if path is None:
        raise SystemExit("Chromium is missing: make browser")
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "var") as box, launched(path) as browser:
        urls = _urls(box, Path(folder))
        _open(browser, next(urls), LANGUAGES[0])  # the first page of a web process is made of templates that nobody has read yet
        for language in LANGUAGES:
            paints, pages, alls = zip(*(_open(browser, next(urls), language) for _ in range(ROUNDS)), strict=True)
            print(  # noqa: T201 - the command's answer
                f"{language}: verdict painted after {statistics.median(paints):.2f} s ({min(paints):.2f} to {max(paints):.2f}, {ROUNDS} phones);"
                f" the page {statistics.median(pages) / 1000:.1f} kB, everything {statistics.median(alls) / 1000:.1f} kB"
            )


def _urls(box: Box, folder: Path) -> Iterator[str]:
    """Codes that nobody has scanned, one at a time."""
    number = 0
    while True:
        number += 1
        order = box.run("codes", "order", "--gtin", first_start.GTIN, "--quantity", "1", "--lot", f"PAINT{number}", "--activate")
        url: str = box.run("codes", "render", order["order_id"], "--out", str(folder / f"{number}.svg"))["url"]
        yield url.replace("HTTP://", "http://")


def _open(browser: Browser, url: str, language: str) -> tuple[float, int, int]:
    """Seconds to the paint, bytes of the page, bytes of everything."""
    with phone(browser, language=language) as context:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.emulateNetworkConditions", SLOW)
        came: list[int] = []
        wire.on("Network.loadingFinished", lambda event: _note(came, event))
        page.goto(url)
        page.locator("[data-stage=confirmed]").wait_for()
        page.wait_for_load_state("networkidle")
        painted_ms: float = page.wait_for_function(PAINTED_MS).json_value()
        return painted_ms / 1000, came[0], sum(came)


def _note(came: list[int], event: dict[str, Any]) -> None:
    came.append(int(event["encodedDataLength"]))


if __name__ == "__main__":
    main()
