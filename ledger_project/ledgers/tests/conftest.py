"""Two ledgers, each on a database of its own, in the process of the tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection

from conftest import LedgerClient
from ledger_project.ledgers.file import Ledger
from ledger_project.ledgers.pool import pool, using
from ledger_project.ledgers.registry import registry
from ledger_project.ledgers.tests.databases import copies, write
from ledger_project.tests.live import database_url

A, B = "a.example", "b.example"
MIDDLEWARE = "ledger_project.ledgers.middleware."


@pytest.fixture(scope="module")
def urls(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of the databases of two ledgers, by host."""
    with django_db_blocker.unblock():
        folder = tmp_path_factory.mktemp("ledgers")
        source = database_url()
        connection.close()
        with copies(source, ["ledger-a", "ledger-b"], folder) as found:
            yield dict(zip((A, B), found, strict=True))
            # The connections of this process.
            pool.keep_only([])


@pytest.fixture
def file(urls, tmp_path) -> Path:
    """The file of the two ledgers."""
    write(tmp_path / "ledgers.toml", urls)
    return tmp_path / "ledgers.toml"


@pytest.fixture
def ledgers(db, file, settings) -> Iterator[dict[str, Ledger]]:
    """The two ledgers, which the requests of the tests are for if they name their hosts."""
    settings.LEDGERS = str(file)
    # Reading the file sets ALLOWED_HOSTS.
    settings.ALLOWED_HOSTS, settings.OTHER_HOSTS = [], ["localhost"]
    found = dict(registry().all())
    chain = [*django_settings.MIDDLEWARE]
    chain.insert(1, f"{MIDDLEWARE}LedgerMiddleware")
    place = chain.index("ledger_project.admin.middleware.AdminOnlyMiddleware")
    chain.insert(place, f"{MIDDLEWARE}RequireLedgerMiddleware")
    settings.MIDDLEWARE = chain
    yield found
    pool.keep_only([])


@pytest.fixture
def at(ledgers) -> Callable[..., LedgerClient]:
    """Return a function that makes a client of a ledger, logged in as a user of it."""

    def client_at(host: str, user: User | None = None) -> LedgerClient:
        if user is None:
            client = LedgerClient()
        else:
            with using(ledgers[host]):
                client = LedgerClient(user)
        client.defaults["HTTP_HOST"] = host
        return client

    return client_at
