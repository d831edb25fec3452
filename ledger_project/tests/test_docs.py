"""The tables of the documentation list exactly what the code has."""

import re
from collections.abc import Iterator

import pytest
from django.core.management import get_commands
from django.urls import URLPattern

from api.exceptions import LARGEST_BODY
from events.feed import LONGEST_WAIT
from events.guards import guards as event_guards
from ledger_project import urls
from ledger_project.server.buffer import BUFFERED_BYTES
from ledger_project.server.front import (
    BODY_SECONDS,
    EXPORT_THREADS,
    PIECE_BYTES,
    SEND_SECONDS,
    WRITE_SECONDS,
)
from ledger_project.server.protocol import (
    CONNECTIONS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LARGEST_HEAD,
    MOST_HEADERS,
    PIPELINE,
)
from ledger_project.server.supervisor import KILL_SECONDS
from ledger_project.server.threads import QUEUE, QUEUE_SECONDS
from ledger_project.server.waiting import MOST_WAITING
from ledger_project.tests.pages import column, rows, text
from transfers import export_file
from transfers.approvals.guards import guards as approval_guards
from transfers.export import EXPORT_SECONDS
from transfers.guards import guards
from transfers.views.batches import BatchViewSet

pytestmark = pytest.mark.one_database

KIB, MIB = 1024, 1024 * 1024

ROOMS = ("api", "database", "accounts", "transfers", "audit", "events", "ledger_project")


SERVER = re.compile(r"exec \S+ -m ledger_project (.*)")


def test_the_operations_page_starts_the_server_as_make_run_does():
    [options] = SERVER.findall(text("docs/operations.md"))

    assert [options] == SERVER.findall(text("tools/run.sh").replace('"$PORT"', "8000"))


def test_the_operations_page_states_the_limits_of_the_server():
    stated = {
        row["what a client may use"]: row["limit"]
        for row in rows("docs/operations.md", "what a client may use")
    }

    assert HEAD_SECONDS == BODY_SECONDS
    assert stated == {
        "time between two requests": f"{IDLE_SECONDS} s",
        "time to send the head of a request, and its body": f"{HEAD_SECONDS} s each",
        "size of the head": f"{LARGEST_HEAD // KIB} KiB",
        "headers": str(MOST_HEADERS),
        "size of the body": (
            f"{LARGEST_BODY // KIB} KiB; of a batch {BatchViewSet.max_body // MIB} MiB"
        ),
        f"time to receive {PIECE_BYTES // KIB} KiB of a response, and all of it": (
            f"{WRITE_SECONDS} s, {SEND_SECONDS} s"
        ),
        "requests sent before a response is read": f"{PIPELINE}",
        "connections to a worker": f"{CONNECTIONS:,}",
        "request bodies that a worker holds in memory": f"{BUFFERED_BYTES // MIB} MiB",
        "requests that wait for a thread of a worker": f"{QUEUE}, for {QUEUE_SECONDS} s each",
        "requests of a worker that wait for events": f"{MOST_WAITING}, for {LONGEST_WAIT} s each",
        "time to make an export of a statement": f"{EXPORT_SECONDS} s",
        "simultaneous exports per worker": f"{EXPORT_THREADS}",
        "exports that a worker keeps until they are read": (
            f"{export_file.FILES} with {export_file.BYTES // MIB} MiB in `TMPDIR`"
        ),
    }
    assert f"exits within {KILL_SECONDS} seconds" in text("docs/operations.md")


# ── Commands ─────────────────────────────────────────────────────────────────────────────────────


def test_the_operations_page_lists_every_make_target():
    listed = [each for each in column("docs/operations.md", "command") if each.startswith("make ")]

    targets = re.findall(r"^([a-z][\w-]*):(?!=)", text("Makefile"), re.MULTILINE)

    assert sorted(listed) == sorted(f"make {target}" for target in targets)


def test_the_operations_page_lists_every_management_command():
    listed = {
        each.removeprefix("manage.py ")
        for each in column("docs/operations.md", "command")
        if each.startswith("manage.py ")
    }

    own = {name for name, app in get_commands().items() if str(app).split(".")[0] in ROOMS}

    assert own - listed == set()
    assert listed - set(get_commands()) == set()


# ── Routes ───────────────────────────────────────────────────────────────────────────────────────

METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> Iterator[tuple[str, str]]:
    """Return the method and path of every route, with parameters as the pages write them."""
    for route in urls.urlpatterns:
        path = re.sub("<id:[^>]+>", "{id}", re.sub("<path:key>", "{key}", f"/{route.pattern}"))
        for method in methods_of(route) if isinstance(route, URLPattern) else ["get"]:
            yield method.upper(), path


def methods_of(route: URLPattern) -> list[str]:
    view = route.callback
    if hasattr(view, "actions"):
        return [method for method in METHODS if method in view.actions]
    if hasattr(view, "cls"):
        return [method for method in METHODS if hasattr(view.cls, method)]
    return ["get"]


def test_the_api_page_lists_every_route():
    listed = [(row["method"], row["route"].strip("`")) for row in rows("docs/api.md", "method")]

    assert sorted(listed) == sorted(routes())


# ── Dependencies ─────────────────────────────────────────────────────────────────────────────────


def test_the_decision_about_dependencies_gives_a_reason_for_every_requirement():
    files = ("requirements.txt", "requirements-otel.txt", "requirements-dev.txt")
    requirements = "".join(map(text, files))
    required = re.findall(r"^([\w-]+)(?:\[\w+\])?==", requirements, re.MULTILINE)

    page = "docs/decisions/0017-dependencies.md"
    titles = ("to run", "to export traces", "to test and check")
    named = ", ".join(name for title in titles for name in column(page, title))

    # A name may be followed by a version, such as `django 5.2`, if that has a reason.
    assert sorted(re.sub(r" [\d.]+", "", named).split(", ")) == sorted(required)


# ── Guards ───────────────────────────────────────────────────────────────────────────────────────


def names_on(vendor: str) -> list[str]:
    sets = (guards, approval_guards, event_guards)
    return [name for each in sets for name in each.names_on(vendor)]


def test_every_guard_of_postgresql_is_listed():
    page = "docs/guarantees.md"
    listed = [*column(page, "guard"), *column(page, "trigger")]

    assert sorted(listed) == sorted(names_on("postgresql"))


def test_every_guard_that_only_sqlite_has_is_listed():
    of_its_own = [name for name in names_on("sqlite") if "_refuse_" not in name]

    page = text("docs/guarantees.md")
    assert [name for name in of_its_own if f"`{name}`" not in page] == []
