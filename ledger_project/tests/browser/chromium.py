"""Headless Chromium: where it is, and a page that reports what a person would not see."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response

# The names of the program on Debian, Ubuntu, Fedora, Arch Linux and macOS.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "Chromium")
# Background services look up hosts outside of this machine, and the sandbox doesn't run as root.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A phone and a desk, in CSS pixels.
WIDTHS = (400, 1400)
HEIGHT = 900
# In milliseconds. Longer than anything takes on a busy machine.
PATIENCE = 120_000


def chromium() -> str:
    """
    Return the path of Chromium: ``LEDGER_CHROMIUM`` or the first one on the PATH.

    :raises FileNotFoundError: if there is none
    """
    for name in (os.environ.get("LEDGER_CHROMIUM", ""), *NAMES):
        if name and (path := shutil.which(name)):
            return path
    raise FileNotFoundError(
        "The browser tests need Chromium. Install it (Debian: apt-get install chromium), set "
        "LEDGER_CHROMIUM to its path, or leave these tests out with BROWSER=0."
    )


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=list(OPTIONS))


@contextmanager
def visit(browser: Browser, origin: str, width: int) -> Iterator["Visit"]:
    """Open a window without cookies. At its end, fail if the browser has something to report."""
    context = browser.new_context(
        base_url=origin, viewport={"width": width, "height": HEIGHT}, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE)
    try:
        seen = Visit(context.new_page(), origin)
        yield seen
        assert seen.problems == []
    finally:
        context.close()


class Visit:
    """
    A window of the browser, and what went wrong in it.

    ``problems`` collects errors of scripts, messages in the console, requests to other hosts, and
    responses of 400 and above that the test didn't expect.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.problems: list[str] = []
        self.expected_statuses: set[int] = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def log_in(self, name: str, password: str) -> None:
        """Log in to the admin by the login page."""
        self.page.goto("/admin/login/?next=/admin/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("link", name="Log out").or_(
            self.page.get_by_role("button", name="Log out")
        ).first.wait_for(state="attached")

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def accessibility_faults(self) -> list[str]:
        """Return what axe-core finds against WCAG 2.2 AA, contrast included."""
        rules = {
            "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
        }
        reported = list(self.problems)
        found = Axe().run(self.page, options=rules).response["violations"]
        # The Content-Security-Policy blocks the styles of axe-core, which the console reports.
        self.problems[:] = reported
        return [f"{fault['id']}: {node['target'][0]}" for fault in found for node in fault["nodes"]]

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium also logs each response of 400 and above, which `_response` judges.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme in ("http", "https", "ws", "wss") and not request.url.startswith(
            f"{self.origin}/"
        ):
            self.problems.append(f"a request to another host: {place.netloc}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected_statuses:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")


if __name__ == "__main__":
    try:
        print(chromium())
    except FileNotFoundError as missing:
        sys.exit(str(missing))
