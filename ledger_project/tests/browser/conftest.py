"""The browser, and a running service with the demo data, for all tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from ledger_project.tests.browser.chromium import Visit, launch, visit
from ledger_project.tests.live import HOST, LiveServer

IMAGES: Path = settings.BASE_DIR / "docs" / "images"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def service(tmp_path_factory) -> Iterator[LiveServer]:
    """The service on a SQLite file of its own with the demo data, as ``make run`` starts it."""
    file = tmp_path_factory.mktemp("browser") / "ledger.db"
    server = LiveServer(LEDGER_DATABASE_URL=f"sqlite:///{file}", LEDGER_LOG_LEVEL="ERROR")
    for command in (["migrate", "--verbosity=0"], ["seed_demo"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=server.environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def open_window(
    browser: Browser, service: LiveServer
) -> Callable[[int], AbstractContextManager[Visit]]:
    """Return a function that opens a window of the given width on the running service."""
    return partial(visit, browser, f"http://{HOST}:{service.port}")


@pytest.fixture
def photograph(tmp_path) -> Callable[[Visit, str], None]:
    """
    Return a function that takes a screenshot of a whole page, or of what the window shows of it.

    ``make screenshots`` keeps them in ``docs/images``. Other runs throw them away.
    """
    folder = IMAGES if "SCREENSHOTS" in os.environ else tmp_path
    folder.mkdir(exist_ok=True)

    def take(window: Visit, name: str, *, whole: bool = True) -> None:
        width = window.page.viewport_size["width"]
        window.page.screenshot(path=folder / f"{name}-{width}.png", full_page=whole)

    return take
