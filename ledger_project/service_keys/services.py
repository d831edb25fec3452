"""Create, find and revoke service keys."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from uuid_utils.compat import uuid7

from accounts.rights import may
from api.scopes import Scope
from ledger_project.service_keys.exceptions import ServiceKeyNotFound
from ledger_project.service_keys.models import ServiceKey, digest_of, new_secret
from transfers import clock


def create(
    *,
    owner: User,
    name: str,
    scopes: Collection[Scope],
    expires_in: timedelta | None = None,
    client_id: UUID | None = None,
) -> tuple[ServiceKey, str]:
    """
    Create a key that belongs to ``owner``, and return it with its secret.

    :param client_id: a new one if it is None
    :raises IntegrityError: if there is a key with this id
    """
    secret, now = new_secret(), clock.now()
    key = ServiceKey.objects.create(
        id=client_id or uuid7(),
        owner=owner,
        name=name,
        scope=" ".join(scope for scope in Scope if scope in scopes),
        secret_digest=digest_of(secret),
        created_at=now,
        expires_at=None if expires_in is None else now + expires_in,
    )
    return key, secret


def find(*, client_id: UUID, actor: User) -> ServiceKey:
    """
    Return a key that ``actor`` may see.

    :raises ServiceKeyNotFound: if it doesn't exist or they may not see it
    """
    key = ServiceKey.objects.visible_to(actor).filter(pk=client_id).first()
    if key is None:
        raise ServiceKeyNotFound(client_id)
    return key


def revoke(*, client_id: UUID, actor: User, reason: str) -> ServiceKey:
    """
    Revoke a key, and with it all of its tokens. Do nothing if it was revoked before.

    :raises ServiceKeyNotFound: if it doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if it isn't theirs and they lack ``service_keys.revoke_any``
    """
    with transaction.atomic():
        key = find(client_id=client_id, actor=actor)
        if not (key.is_owned_by(actor) or may(actor, "service_keys.revoke_any")):
            raise PermissionDenied(
                "This requires the permission service_keys.revoke_any, unless the key is yours."
            )
        # One statement, so that the first of several revocations is the one that is recorded.
        ServiceKey.objects.filter(pk=client_id, revoked_at=None).update(
            revoked_at=clock.now(), revoked_by=actor, revoke_reason=reason
        )
        key.refresh_from_db(fields=["revoked_at", "revoked_by", "revoke_reason"])
    return key
