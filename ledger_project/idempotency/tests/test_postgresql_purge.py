"""On PostgreSQL, a purge skips keys that another purge has locked."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from ledger_project.idempotency.models import IdempotencyKey


@pytest.mark.django_db(transaction=True)
def test_a_purge_skips_a_key_that_another_purge_has_locked(alice):
    made = timezone.now() - timedelta(days=31)
    for key in ("locked", "free"):
        IdempotencyKey.objects.create(
            user=alice, key=key, created_at=made, response_status=200, response_body="{}"
        )
    other_purge = connection.copy()

    try:
        other_purge.set_autocommit(False)
        with other_purge.cursor() as cursor:
            table = IdempotencyKey._meta.db_table
            cursor.execute(f"SELECT 1 FROM {table} WHERE key = 'locked' FOR UPDATE")
            call_command("purge_idempotency_keys", verbosity=0)
    finally:
        other_purge.close()

    bodies = dict(IdempotencyKey.objects.values_list("key", "response_body"))
    assert bodies == {"locked": "{}", "free": None}
