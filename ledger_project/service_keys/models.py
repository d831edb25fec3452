"""The table of service keys, the credentials of machines."""

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from accounts.rights import may

LONGEST_NAME = 100
LONGEST_REASON = 200

# Makes a secret recognizable for tools that search code and logs for secrets.
PREFIX = "lsk_"
# In bytes. Nobody can guess it, so its digest needs no salt and no slow hash.
SECRET_BYTES = 32


class ServiceKeyQuerySet(models.QuerySet["ServiceKey"]):
    """Find the keys that a user may see."""

    def visible_to(self, user: User) -> Self:
        """Return the user's own keys; all keys with ``service_keys.read_any``."""
        keys = self.select_related("owner")
        return keys if may(user, "service_keys.read_any") else keys.filter(owner=user)


class ServiceKey(models.Model):
    """
    A credential with which a machine obtains access tokens, in place of its owner's password.

    It may do what its owner may do, within its scopes. It works until it is revoked or expires, or
    until its owner is deactivated. It is never deleted. Only a digest of its secret is stored.
    """

    id = models.UUIDField("client id", primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="service_keys")
    name = models.CharField(max_length=LONGEST_NAME)
    # The SHA-256 of the secret, in hex.
    secret_digest = models.CharField(max_length=64, editable=False)
    # Separated by spaces, in the order of `api.scopes.Scope`.
    scope = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    # Of the last token, to the minute.
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    revoke_reason = models.CharField(max_length=LONGEST_REASON, default="")

    objects = ServiceKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="service_key_has_a_scope", condition=~Q(scope="")),
            models.CheckConstraint(
                name="service_key_expires_after_its_creation",
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=models.F("created_at")),
            ),
            models.CheckConstraint(
                name="service_key_revocation_has_its_user",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]
        # Not Django's own ones: keys are never changed or deleted.
        default_permissions = ()
        permissions = [
            ("read_any", "Can see the service keys of all users"),
            ("revoke_any", "Can revoke service keys of other users"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"

    def status_at(self, now: datetime) -> str:
        """Return "Revoked", "Expired", "Owner deactivated" or "Active"."""
        if self.revoked_at is not None:
            return "Revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "Expired"
        return "Active" if self.owner.is_active else "Owner deactivated"

    def has_secret(self, secret: str) -> bool:
        """Return whether this is the secret, in a time that doesn't depend on it."""
        return secrets.compare_digest(self.secret_digest, digest_of(secret))

    def is_owned_by(self, user: User) -> bool:
        return self.owner_id == user.pk


def new_secret() -> str:
    """Return a random secret, in characters that need no escape in a URL or a header."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return the digest under which a secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
