"""manage.py purge_idempotency_keys deletes stored responses and keeps the keys."""

import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger_project.idempotency.management.commands import purge_idempotency_keys
from ledger_project.idempotency.models import IdempotencyKey


@pytest.fixture
def make_keys(alice):
    """Return a function that creates keys of alice with stored responses, ``days`` old."""

    def make(count: int, days: int, **fields) -> list[IdempotencyKey]:
        response = {"response_status": 200, "response_body": "{}", "method": "POST", "path": "/x"}
        made = timezone.now() - timedelta(days=days)
        return [
            IdempotencyKey.objects.create(
                user=alice, key=uuid.uuid4(), created_at=made, **response | fields
            )
            for _ in range(count)
        ]

    return make


def purge(*options: str) -> str:
    out = StringIO()
    call_command("purge_idempotency_keys", *options, stdout=out)
    return out.getvalue()


def bodies(keys) -> list[str | None]:
    found = IdempotencyKey.objects.in_bulk([key.pk for key in keys])
    return [found[key.pk].response_body for key in keys]


def test_responses_older_than_30_days_are_deleted_and_their_keys_kept(make_keys):
    keys = make_keys(1, days=31) + make_keys(1, days=29)

    printed = purge()

    assert printed == "Deleted the stored responses of 1 key.\n"
    assert bodies(keys) == [None, "{}"]


def test_only_the_body_is_deleted(make_keys):
    [key] = make_keys(1, days=31)
    before = IdempotencyKey.objects.filter(pk=key.pk).values().get()

    purge()

    after = IdempotencyKey.objects.filter(pk=key.pk).values().get()
    assert after == {**before, "response_body": None}


def test_the_days_option_sets_how_long_responses_are_kept(make_keys):
    keys = make_keys(1, days=8) + make_keys(1, days=6)

    purge("--days", "7")

    assert bodies(keys) == [None, "{}"]


def test_a_key_in_progress_is_not_purged(make_keys):
    [key] = make_keys(1, days=31, response_status=None, response_body=None)
    before = IdempotencyKey.objects.filter(pk=key.pk).values().get()

    printed = purge()

    assert printed == "Deleted the stored responses of 0 keys.\n"
    assert IdempotencyKey.objects.filter(pk=key.pk).values().get() == before


def test_a_retry_after_a_purge_is_refused_and_changes_nothing(api, alice, funded_account):
    account = funded_account(alice, 100)
    path = f"/accounts/{account.pk}/deposit"
    api.post(path, {"amount": 5}, key="abc")
    month_ago = timezone.now() - timedelta(days=31)
    IdempotencyKey.objects.filter(key="abc").update(created_at=month_ago)
    purge()

    response = api.post(path, {"amount": 5}, key="abc")

    account.refresh_from_db()
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_expired")
    assert account.balance == 105


def test_each_batch_continues_where_the_previous_one_ended(make_keys, monkeypatch):
    monkeypatch.setattr(purge_idempotency_keys, "BATCH", 2)
    keys = make_keys(5, days=31)

    with CaptureQueriesContext(connection) as queries:
        printed = purge()

    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    starts = [uuid.UUID(int=0), keys[1].pk, keys[3].pk]
    assert printed == "Deleted the stored responses of 5 keys.\n"
    assert bodies(keys) == [None] * 5
    assert [[str(start) in sql or start.hex in sql for sql in selects] for start in starts] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize("days", ["-1", "36501"])
def test_an_invalid_number_of_days_is_refused(db, days):
    with pytest.raises(CommandError, match="--days must be from 0 to 36500"):
        purge("--days", days)


@pytest.mark.django_db(transaction=True)
def test_concurrent_purges_delete_each_response_once(make_keys, at_once, monkeypatch):
    monkeypatch.setattr(purge_idempotency_keys, "BATCH", 3)
    keys = make_keys(20, days=31)

    printed = at_once(*[purge] * 4)

    assert sum(int(line.split()[5]) for line in printed) == 20
    assert bodies(keys) == [None] * 20
