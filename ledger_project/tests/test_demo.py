"""`make demo` with and without a running service."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from accounts.models import Account

# The discard port (RFC 863), on which nothing listens.
DISCARD = 9


def run_demo(port: str | int, database_url: str) -> subprocess.CompletedProcess:
    """Run the demo with the tests' settings, including the password hasher, for its manage.py."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ledger_project.test_settings",
        "LEDGER_TEST_DATABASE_URL": database_url,
        "PORT": str(port),
    }
    return subprocess.run(
        [sys.executable, "-m", "tools.demo"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def database_url() -> str:
    """The URL of the database that the tests run on."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


@pytest.mark.django_db(transaction=True)
def test_the_demo_runs_to_its_end(live_server, database_url):
    demo = run_demo(live_server.thread.port, database_url)

    assert (demo.stderr, demo.returncode) == ("", 0)
    assert demo.stdout.splitlines()[-1] == "All responses were as expected."
    balances = Account.objects.customers().order_by("owner_name")
    assert list(balances.values_list("owner_name", "balance")) == [
        ("Ada", 71_00),
        ("Ben", 29_00),
    ]
    assert User.objects.filter(is_staff=True).count() == 0


def test_without_a_service_the_demo_says_how_to_start_one(database_url):
    demo = run_demo(DISCARD, database_url)

    assert demo.returncode == 1
    assert demo.stderr.strip().endswith("Start it with `make run`.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (
            f"postgresql://ledger@127.0.0.1:{DISCARD}/ledger",
            "Is it running, and is LEDGER_DATABASE_",
        ),
        (
            "sqlite:///{folder}/empty.db",
            "an empty ledger with `manage.py migrate`.",
        ),
    ],
    ids=["away", "empty"],
)
def test_an_unreachable_or_empty_database_is_reported(live_server, tmp_path, url, advice):
    demo = run_demo(live_server.thread.port, url.format(folder=tmp_path))

    assert demo.returncode == 1
    assert demo.stderr.strip().startswith(
        "The demo stopped: manage.py could not make users. The database can't be used: "
    )
    assert advice in demo.stderr
    assert "Set LEDGER_DATABASE_URL as it is for the service" in demo.stderr
    assert demo.stderr.strip().count("\n") == 0


@pytest.mark.django_db(transaction=True)
def test_the_demo_reports_that_the_service_uses_another_database(
    live_server, tmp_path, new_machine
):
    url = f"sqlite:///{tmp_path}/other.db"
    migrated = new_machine().run(
        "manage.py", "migrate", LEDGER_DEBUG="true", LEDGER_DATABASE_URL=url
    )

    demo = run_demo(live_server.thread.port, url)

    assert (migrated.returncode, demo.returncode) == (0, 1)
    assert "Set LEDGER_DATABASE_URL as it is for the service" in demo.stderr
    assert "Traceback" not in demo.stderr


def test_an_invalid_port_is_reported(database_url):
    demo = run_demo("http", database_url)

    assert (demo.returncode, demo.stderr.strip()) == (
        1,
        "The demo stopped: PORT is not a number: http",
    )
