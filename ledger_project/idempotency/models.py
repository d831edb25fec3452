"""The table of idempotency keys and stored responses."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import connections, models
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpResponse
from uuid_utils.compat import uuid7

from api.scopes import Scope, has_scopes
from database import tables
from ledger_project.idempotency.keys import LONGEST_KEY

LONGEST_PATH = 2000

# Only these headers are replayed. Others, such as dates and request ids, belong to one response.
REMEMBERED_HEADERS = ("Content-Type", "Location")


class Answer(NamedTuple):
    """A stored response: its status, its headers, and its body as text and as parsed JSON."""

    status: int
    headers: dict[str, str]
    body: str
    document: Any

    @property
    def code(self) -> str | None:
        """The code of the error, or None if the response reports none."""
        is_error = self.status >= 400 and isinstance(self.document, dict)
        return self.document.get("code") if is_error else None


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Claim keys and store responses."""

    def claim(
        self, *, user: AbstractBaseUser, key: str, method: str, path: str, fingerprint: str
    ) -> UUID | None:
        """
        Insert the key and return the id of its row, or None if the user has already used the key.

        On PostgreSQL, a second request with the same key waits here, on the unique index, until the
        transaction of the first one ends.
        """
        table = IdempotencyKey._meta.db_table
        columns = "id, user_id, key, method, path, fingerprint, response_headers"
        claimed = uuid7()
        with connections[self.db].cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s, %s, %s, %s, '{{}}')"
                " ON CONFLICT (user_id, key) DO NOTHING RETURNING id",
                [
                    IdempotencyKey._meta.pk.get_db_prep_value(claimed, connections[self.db]),
                    user.pk,
                    key,
                    method,
                    path,
                    fingerprint,
                ],
            )
            return claimed if cursor.fetchone() else None

    def insert(self, rows: "Sequence[IdempotencyKey]") -> None:
        """
        Insert keys with their responses.

        On PostgreSQL, this waits on the unique index for other transactions that have inserted one
        of the keys.

        :raises IntegrityError: if one of the keys is used
        """
        if not rows:
            return
        # In the same order in all transactions, so that they can't deadlock.
        ordered = sorted(rows, key=lambda row: (row.user_id, row.key))
        values = [_answered().row_of(row) for row in ordered]
        with connections[self.db].cursor() as cursor:
            if connections[self.db].vendor == "postgresql":
                statement = tables.insert(_answered(), min(len(values), tables.MANY))
                cursor.execute(statement, tables.parameters(values))
            else:
                statement = tables.insert_row(_answered())
                cursor.executemany(statement, [tables.for_sqlite(row) for row in values])

    def remember(
        self,
        claimed: UUID,
        status: int,
        headers: dict[str, str],
        body: str,
        relied_on: str,
    ) -> None:
        """
        Store the response to the request whose claim returned this id.

        :param relied_on: see ``relied_on_by``
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(
                f"UPDATE {IdempotencyKey._meta.db_table} SET response_status = %s,"
                " response_headers = %s, response_body = %s, relied_on = %s WHERE id = %s",
                [
                    status,
                    json.dumps(headers),
                    body,
                    relied_on,
                    IdempotencyKey._meta.pk.get_db_prep_value(claimed, connections[self.db]),
                ],
            )


class IdempotencyKey(models.Model):
    """
    A key that a user has sent, with the request and the stored response.

    The row, its response and the transfers of the request are committed in one transaction. The
    response body can be purged later. The row is kept, so that the request can't be repeated.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False)
    key = models.CharField(max_length=LONGEST_KEY)
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=LONGEST_PATH)
    fingerprint = models.CharField(max_length=64)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    # Null until the view has run (only inside the claiming transaction), and after a purge.
    response_body = models.TextField(null=True)  # noqa: DJ001 -- "" is a valid body
    # The names of permissions and scopes, separated by spaces. The database sets the default,
    # because the INSERT of `claim` doesn't.
    relied_on = models.TextField(db_default="", editable=False)
    created_at = models.DateTimeField(db_default=Now())

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            # The key first, so that staff find a key without knowing who has used it.
            models.UniqueConstraint(fields=["key", "user"], name="idempotency_key_once_per_user"),
            # A body without a status would be replayed as a success.
            models.CheckConstraint(
                name="idempotency_body_has_its_status",
                condition=Q(response_body__isnull=True)
                | Q(response_status__isnull=False, response_status__range=(200, 499)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.created_at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def answered(
        cls, user: AbstractBaseUser, claim: Mapping[str, Any], response: HttpResponse
    ) -> Self:
        """Return a new key of ``user`` with its response."""
        return cls(
            user_id=user.pk,
            **claim,
            response_status=response.status_code,
            response_headers=remembered_headers(response),
            response_body=remembered_body(response),
            relied_on=relied_on_by(user),
        )

    def answer(self) -> Answer | None:
        """
        Return the stored response, or None if it was purged.

        Also None if a part of it is missing or can't be read, because somebody has edited it.
        """
        status, headers, body = self.response_status, self.response_headers, self.response_body
        if status is None or not isinstance(headers, dict) or not isinstance(body, str):
            return None
        if not headers.keys() <= set(REMEMBERED_HEADERS) or not all(
            isinstance(value, str) and value.isprintable() for value in headers.values()
        ):
            return None
        if body and "Content-Type" not in headers:
            return None
        try:
            return Answer(status, headers, body, orjson.loads(body) if body else None)
        except ValueError:
            return None

    def may_be_shown_to(self, user: User) -> bool:
        """Return whether the user still has all permissions and scopes that it required."""
        names = set(self.relied_on.split())
        scopes = names.intersection(Scope)
        return user.has_perms(names - scopes) and has_scopes(user, scopes)


def remembered_headers(response: HttpResponse) -> dict[str, str]:
    """Return the headers of a response that are stored and replayed."""
    return {name: response[name] for name in REMEMBERED_HEADERS if response.has_header(name)}


def remembered_body(response: HttpResponse) -> str:
    """Return the body of a response that is stored and replayed: without secrets."""
    content: bytes = getattr(response, "stored_content", response.content)
    return content.decode()


def relied_on_by(user: AbstractBaseUser) -> str:
    """
    Return the permissions and scopes without which the response would have been different.

    ``accounts.rights`` and ``api.scopes`` record them on the user. They are separated by spaces.
    """
    return " ".join(sorted(getattr(user, "relied_on", ())))


@cache
def _answered() -> tables.Table:
    columns = (field.attname for field in IdempotencyKey._meta.concrete_fields)
    return tables.Table(IdempotencyKey, (name for name in columns if name != "created_at"))


def fingerprint(method: str, full_path: str, document: Any, raw_body: bytes) -> str:
    """
    Return the SHA-256, in hex, of a request's method, full path and canonical body.

    :param document: the parsed body, in which whitespace and the order of members don't matter, or
        None if it isn't JSON; ``raw_body`` is then used instead (and the request will be refused)
    """
    if document is None:
        body = b"raw:" + raw_body
    else:
        body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(b"\n".join([method.encode(), full_path.encode(), body])).hexdigest()
