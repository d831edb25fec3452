"""A backup of the SQLite file, made while money is posted, can be restored over the file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Account
from ledger_project.tests.posting import posting, require_guarded_history
from ledger_project.tests.sqlite_files import connected_to, copy_to, manage
from transfers.services import deposit

pytestmark = pytest.mark.django_db(transaction=True)


def copy(source: Path, target: Path) -> None:
    """Copy a database as `.backup` and `.restore` of the program sqlite3 do."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def test_a_restored_backup_is_clean_guarded_and_can_be_used(staff, alice, funded_account, tmp_path):
    account = funded_account(alice, 100)
    file, backup = tmp_path / "ledger.db", tmp_path / "backup.db"
    copy_to(file)
    with connected_to(file):
        with posting(account, staff):
            copy(file, backup)
        lost = Account.objects.get(pk=account.pk).balance
        connection.close()
        copy(backup, file)

        migrated = manage(file, "migrate", "--verbosity", "0")
        verified = manage(file, "verify_ledger")
        restored = Account.objects.get(pk=account.pk).balance
        deposit(account_id=account.pk, amount=7, actor=staff)
        balance = Account.objects.get(pk=account.pk).balance
        require_guarded_history()

    assert (migrated, verified) == ((0, ""), (0, ""))
    assert 100 < restored < lost
    assert balance == restored + 7
