"""On SQLite the lock of a migration is a file beside the database."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger_project.management.commands import migrate


def test_a_migration_that_takes_too_long_is_named_to_those_who_wait(db, monkeypatch):
    monkeypatch.setattr(migrate, "PATIENCE_SECONDS", 0)

    with (
        migrate.migrating_alone(connection),
        pytest.raises(CommandError, match=r"\.migrate-lock: database is locked"),
    ):
        call_command("migrate", verbosity=0)
