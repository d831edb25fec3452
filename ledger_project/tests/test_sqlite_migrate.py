"""On SQLite, the lock of migrations is a file beside the database."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger_project.management.commands import migrate


def test_waiting_too_long_for_another_migration_names_the_lock_file(db, monkeypatch):
    monkeypatch.setattr(migrate, "PATIENCE_SECONDS", 0)

    with (
        migrate.migrating_alone(connection),
        pytest.raises(CommandError, match=r"\.migrate-lock: database is locked"),
    ):
        call_command("migrate", verbosity=0)
