"""Debian's Chromium, without a window, for tests of pages."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, sync_playwright

__all__ = ["missing_chromium", "running_chromium"]

CHROMIUM = which("chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing_chromium() -> str | None:
    """Why Chromium can't be started here; None when it can."""
    return None if CHROMIUM else "chromium is not installed: apt-get install chromium"


@contextmanager
def running_chromium() -> Generator[Browser]:
    """Run it for as long as the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()
