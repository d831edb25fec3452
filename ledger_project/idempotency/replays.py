"""Replay stored responses."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse

from database.composed import ComposedQuery, Placeholder, padded
from database.replication import confirmed
from ledger_project.idempotency.exceptions import AnswerWithheld, KeyExpired, KeyReused
from ledger_project.idempotency.models import IdempotencyKey

# The id of a user, and a key.
Name = tuple[int, str]


def replay(record: IdempotencyKey, user: User, claim: Mapping[str, Any]) -> HttpResponse:
    """
    Return the stored response to a request with the same key.

    :param claim: the columns of the key, as the request would store them
    :raises KeyReused: if the key was used for another request
    :raises KeyExpired: if the response is no longer stored
    :raises AnswerWithheld: if it required a permission that ``user`` no longer has
    """
    if record.fingerprint != claim["fingerprint"]:
        raise KeyReused()
    answer = record.answer()
    if answer is None:
        raise KeyExpired()
    if not record.may_be_shown_to(user):
        raise AnswerWithheld(answer.status)
    headers = {**answer.headers, "Idempotent-Replayed": "true"}
    response = HttpResponse(answer.body, status=answer.status, headers=headers)
    response.replayed_code = answer.code  # type: ignore[attr-defined]  # for the log
    if "Content-Type" not in answer.headers:
        # Django's default. A response without content, such as a 204, has no type.
        del response["Content-Type"]
    return response


def records_of(names: Collection[Name]) -> dict[Name, IdempotencyKey]:
    """Return the used keys with these names, by name."""
    ids = padded({user_id for user_id, _ in names})
    keys = padded({key for _, key in names})
    records = _records(len(ids), len(keys))(*ids, *keys)
    return {(record.user_id, record.key): record for record in records}


@cache
def _records(ids: int, keys: int) -> ComposedQuery[IdempotencyKey]:
    user_ids: list[Any] = [Placeholder() for _ in range(ids)]
    texts: list[Any] = [Placeholder() for _ in range(keys)]
    records = IdempotencyKey.objects.filter(user__pk__in=user_ids, key__in=texts)
    return ComposedQuery(confirmed(records), [*user_ids, *texts])
