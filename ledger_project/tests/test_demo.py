"""`make demo` against a service that runs, and against none."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from accounts.models import Account

DEMO = Path(settings.BASE_DIR, "tools", "demo.py")

# A port on which nothing listens any more (RFC 863).
DISCARD = 9


def run_demo(port: str | int, database_url: str) -> subprocess.CompletedProcess:
    """Run the demo, whose manage.py shares the tests' settings, the password hasher among them."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ledger_project.test_settings",
        "LEDGER_TEST_DATABASE_URL": database_url,
        "PORT": str(port),
    }
    return subprocess.run(
        [sys.executable, str(DEMO)], env=environment, capture_output=True, text=True
    )


@pytest.fixture
def database_url() -> str:
    """The URL of the database that the tests run on."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


@pytest.mark.django_db(transaction=True)
def test_the_demo_tells_its_story_to_the_end(live_server, database_url):
    demo = run_demo(live_server.thread.port, database_url)

    assert (demo.stderr, demo.returncode) == ("", 0)
    assert demo.stdout.splitlines()[-1] == "Everything was as it should be."
    balances = Account.objects.customers().order_by("owner_name")
    assert list(balances.values_list("owner_name", "balance")) == [
        ("Ada", 70_00),
        ("Ben", 30_00),
    ]
    assert User.objects.filter(is_staff=True).count() == 0


def test_without_a_service_the_demo_says_how_to_start_one(database_url):
    demo = run_demo(DISCARD, database_url)

    assert demo.returncode == 1
    assert demo.stderr.strip().endswith("start it: make run")


def test_a_port_that_is_no_number_is_named(database_url):
    demo = run_demo("http", database_url)

    assert (demo.returncode, demo.stderr.strip()) == (
        1,
        "The demo stopped: PORT is not a number: http",
    )
