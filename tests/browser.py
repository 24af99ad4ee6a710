"""Chromium for tests and pictures, from the system's packages. Missing: skipped on a desk, a failure under CI=true."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=800)
NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",  # tests may run as root, and open nothing but our own pages on loopback
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def executable() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium(in_ci: bool) -> Iterator[Browser]:  # noqa: FBT001 - a fixture
    path = executable()
    if path is None:
        if in_ci:
            pytest.fail("Chromium is missing: make browser")
        pytest.skip("Chromium is missing: make browser says how to get it")
    with launched(path) as browser:
        yield browser


def phone(browser: Browser, *, language: str = "zh-CN") -> BrowserContext:
    """A phone of its own: nobody else's cookies."""
    return browser.new_context(viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True, locale=language)


def desk(browser: Browser, *, language: str = "en-GB") -> BrowserContext:
    return browser.new_context(viewport=DESK, locale=language)
