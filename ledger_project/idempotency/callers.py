"""The look-up of the callers of a group of requests, and of their keys, in one statement."""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F, FilteredRelation, Func, Q, TextField, Value

from database.composed import ComposedQuery, Placeholder, padded
from ledger_project.idempotency.replays import Name
from ledger_project.permissions import HAS_RIGHTS

# How long a group waits for a lock that somebody else holds, before its requests are carried out
# one by one. Shorter than PostgreSQL's deadlock_timeout.
PATIENCE = "100ms"


def callers_of(
    names: Collection[Name], service_keys: Collection[UUID] = ()
) -> tuple[dict[int, User], set[Name]]:
    """
    Return the active users among the callers, by id, and which of the names are used.

    On PostgreSQL, the rest of the transaction waits at most ``PATIENCE`` for each lock.

    :param names: the id of a user and a key
    :param service_keys: the ids of the service keys with which the users call. Those that aren't
        revoked are in ``live_keys`` of their owner
    """
    ids = padded({user_id for user_id, _ in names})
    keys = padded({key for _, key in names})
    clients = padded(service_keys) if service_keys else []
    users, used, live = {}, set(), defaultdict(set)
    for user in _callers(len(ids), len(keys), len(clients))(*ids, *keys, *clients):
        users[user.pk] = user
        used.add((user.pk, user.used_key))
        live[user.pk].add(getattr(user, "live_key", None))
        user.live_keys = live[user.pk]
    return users, used


@cache
def _callers(ids: int, keys: int, service_keys: int) -> ComposedQuery[Any]:
    user_ids: list[Any] = [Placeholder() for _ in range(ids)]
    key_texts = [Placeholder() for _ in range(keys)]
    client_ids = [Placeholder() for _ in range(service_keys)]
    users = User.objects.filter(pk__in=user_ids, is_active=True).annotate(
        has_rights=HAS_RIGHTS,
        used=FilteredRelation("idempotencykey", condition=Q(idempotencykey__key__in=key_texts)),
        used_key=F("used__key"),
    )
    if client_ids:
        is_live = Q(service_keys__pk__in=client_ids, service_keys__revoked_at=None)
        users = users.annotate(
            live=FilteredRelation("service_keys", condition=is_live), live_key=F("live__pk")
        )
    if connection.vendor == "postgresql":
        # Here, because a statement of its own would be another round trip.
        patience = Func(
            Value("lock_timeout"),
            Value(PATIENCE),
            Value(True),
            function="set_config",
            output_field=TextField(),
        )
        users = users.annotate(patience=patience)
    return ComposedQuery(users, [*user_ids, *key_texts, *client_ids])
