"""The browser, and a running service with the demo data, for all tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
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
    """
    The service on a SQLite file of its own with the demo data, as ``make run`` starts it.

    A second superuser, `checker`, has the password `checker`. From 100,000.00 USD on, `admin` and
    `checker` must approve what the other requests.
    """
    file = tmp_path_factory.mktemp("browser") / "ledger.db"
    server = LiveServer(
        LEDGER_DATABASE_URL=f"sqlite:///{file}",
        LEDGER_LOG_LEVEL="ERROR",
        LEDGER_APPROVAL_THRESHOLD=str(100_000_00),
    )
    checker = ["--noinput", "--username=checker", "--email=checker@ledger.example"]
    for command in (["migrate", "--verbosity=0"], ["seed_demo"], ["createsuperuser", *checker]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env={**server.environment, "DJANGO_SUPERUSER_PASSWORD": "checker"},
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


@pytest.fixture
def faults_of(
    open_window: Callable[[int], AbstractContextManager[Visit]],
    photograph: Callable[[Visit, str], None],
) -> Callable[[Mapping[str, str], int], dict[str, object]]:
    """
    Return a function that opens pages of the admin, photographs them, and returns their faults.

    A fault is by how many pixels a page is wider than the window, or what axe-core finds.
    """

    def look(pages: Mapping[str, str], width: int) -> dict[str, object]:
        faults: dict[str, object] = {}
        with open_window(width) as window:
            window.log_in("admin", "admin")
            for name, path in pages.items():
                window.page.goto(path)
                photograph(window, name)
                if (found := [window.overflow(), *window.accessibility_faults()]) != [0]:
                    faults[name] = found
        return faults

    return look
