"""
Faulty versions of how a group is carried out, each of which a particular test must detect.

See ``mutants``.
"""

from collections.abc import Sequence

from django.db import connection

from ledger_project.idempotency import groups
from ledger_project.idempotency.models import IdempotencyKey, IdempotencyKeyQuerySet

carry_out = groups._carry_out
insert = IdempotencyKeyQuerySet.insert


def answers_swapped_between_members(service, members):
    answers = carry_out(service, members)
    owners, responses = zip(*answers, strict=True)
    return list(zip(owners, responses[1:] + responses[:1], strict=True))


def answers_given_before_the_commit(service, members):
    answers = carry_out(service, members)
    for member, answer in answers:
        member.answer = answer
    return answers


def responses_stored_under_each_others_keys(
    keys: IdempotencyKeyQuerySet, rows: Sequence[IdempotencyKey]
) -> None:
    claims = [(row.key, row.fingerprint) for row in rows]
    for row, (key, fingerprint) in zip(rows, claims[1:] + claims[:1], strict=True):
        row.key, row.fingerprint = key, fingerprint
    insert(keys, rows)


def only_half_of_the_keys_stored(
    keys: IdempotencyKeyQuerySet, rows: Sequence[IdempotencyKey]
) -> None:
    insert(keys, rows[: len(rows) // 2])


def transfers_committed_before_the_keys(
    keys: IdempotencyKeyQuerySet, rows: Sequence[IdempotencyKey]
) -> None:
    if connection.vendor == "postgresql":
        connection.connection.commit()
    else:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            cursor.execute("BEGIN IMMEDIATE")
    insert(keys, rows)
