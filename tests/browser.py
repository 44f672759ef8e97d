"""A real browser, where one is installed: what a page has become in it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The program, None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def rendered(page: Path, profile: Path) -> str:
    """The page's DOM after its scripts have run, as HTML."""
    return _run(profile, "--dump-dom", page.absolute().as_uri())


def screenshot(page: Path, profile: Path, picture: Path) -> None:
    """The page as a PNG, 1300 x 2000 pixels."""
    size = "--window-size=1300,2000"
    _run(profile, size, f"--screenshot={picture}", page.absolute().as_uri())


@contextmanager
def driven(**options: object) -> Iterator["Page"]:
    """A page that a test can use as a person would; `options` are those of Playwright's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield chromium.new_page(**options)
        chromium.close()


def _run(profile: Path, *arguments: str) -> str:
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
    ]
    command += ["--virtual-time-budget=5000", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
