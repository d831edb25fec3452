"""The ledgers of a process follow their file."""

import pytest

from ledger_project.ledgers import registry as module
from ledger_project.ledgers.pool import pool
from ledger_project.ledgers.registry import Registry
from ledger_project.ledgers.tests.databases import write

pytestmark = pytest.mark.one_database

ONE = {"a.example": "sqlite:///a.db"}
TWO = {**ONE, "b.example": "sqlite:///b.db"}


@pytest.fixture
def file(tmp_path, settings, monkeypatch):
    settings.ALLOWED_HOSTS, settings.OTHER_HOSTS = [], ["localhost"]
    monkeypatch.setattr(module, "LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr(pool, "keep_only", lambda ledgers: None)
    write(tmp_path / "ledgers.toml", ONE)
    return tmp_path / "ledgers.toml"


def test_a_ledger_is_added_moved_and_removed_without_a_restart(file, settings, caplog):
    caplog.set_level("INFO", logger="ledger.ledgers")
    registry = Registry(file)

    assert list(registry.all()) == ["a.example"]
    assert settings.ALLOWED_HOSTS == ["a.example", "localhost"]
    write(file, TWO)
    assert list(registry.all()) == ["a.example", "b.example"]
    assert settings.ALLOWED_HOSTS == ["a.example", "b.example", "localhost"]
    write(file, {"b.example": "sqlite:///moved.db"})
    assert [each.url for each in registry.all().values()] == ["sqlite:///moved.db"]
    assert settings.ALLOWED_HOSTS == ["b.example", "localhost"]
    assert [record.getMessage() for record in caplog.records] == [
        "read the ledgers again: added b.example; removed none; moved none",
        "read the ledgers again: added none; removed a.example; moved b.example",
    ]


def test_a_broken_file_keeps_the_ledgers_and_is_logged_once(file, caplog):
    registry = Registry(file)
    before = dict(registry.all())

    file.write_text("broken")
    assert [dict(registry.all()), dict(registry.all())] == [before, before]
    file.unlink()
    assert dict(registry.all()) == before
    assert [record.getMessage() for record in caplog.records] == [
        f"kept the ledgers: LEDGER_LEDGERS names {file}, which isn't valid TOML: Expected '=' "
        "after a key in a key/value pair (at end of document)",
        f"kept the ledgers: LEDGER_LEDGERS names {file}, which can't be read: No such file or "
        "directory",
    ]
    write(file, TWO)
    assert list(registry.all()) == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("a.example", "a.example"),
        ("A.EXAMPLE:8000", "a.example"),
        ("a.example.", "a.example"),
        ("b.example", None),
        ("evil.a.example", None),
        ("a.example, b.example", None),
        ("", None),
    ],
)
def test_the_host_header_is_compared_as_django_does(file, rf, header, host):
    ledger = Registry(file).of(rf.get("/", HTTP_HOST=header))

    assert (ledger and ledger.host) == host
