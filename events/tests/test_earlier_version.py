"""The log can't be added to a ledger that has a history without events."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import Migration

from database import guards
from ledger_project.earlier_versions import why_made_anew

pytestmark = pytest.mark.django_db

PENDING = [(Migration("0001_initial", "events"), False)]


def drop_the_log():
    guards.drop(connection)
    with connection.cursor() as cursor:
        for model in reversed(list(apps.get_app_config("events").get_models())):
            # Webhooks refer to events.
            cascade = "CASCADE" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TABLE {model._meta.db_table} {cascade}")


def test_a_ledger_with_accounts_and_without_a_log_must_be_made_anew(source):
    drop_the_log()

    reason = why_made_anew(connection, PENDING)

    assert reason is not None
    assert "it lacks events_" in reason


def test_the_log_is_created_in_a_ledger_without_accounts(db):
    drop_the_log()

    assert why_made_anew(connection, PENDING) is None
