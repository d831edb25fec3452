"""On PostgreSQL a purge passes over the keys that a rival run has locked."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from ledger_project.idempotency.models import IdempotencyKey


@pytest.mark.django_db(transaction=True)
def test_a_key_that_a_rival_run_has_locked_is_left_to_it(alice):
    made = timezone.now() - timedelta(days=31)
    for key in ("locked", "free"):
        IdempotencyKey.objects.create(
            user=alice, key=key, created_at=made, response_status=200, response_body="{}"
        )
    rival = connection.copy()

    try:
        rival.set_autocommit(False)
        with rival.cursor() as cursor:
            table = IdempotencyKey._meta.db_table
            cursor.execute(f"SELECT 1 FROM {table} WHERE key = 'locked' FOR UPDATE")
            call_command("purge_idempotency_keys", verbosity=0)
    finally:
        rival.close()

    bodies = dict(IdempotencyKey.objects.values_list("key", "response_body"))
    assert bodies == {"locked": "{}", "free": None}
