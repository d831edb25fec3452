"""The tables of the login throttle."""

from django.db import models


class LoginAttempt(models.Model):
    """A login attempt that reached the password check. Counted by ``throttling``."""

    # A hash of the network or the name, because people type their password into the wrong field.
    subject = models.CharField(max_length=64)
    at = models.DateTimeField()
    # Null while the password is being checked.
    failed = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "at"], name="login_attempt_by_subject")]

    def __str__(self) -> str:
        return f"{self.subject[:8]} at {self.at:%Y-%m-%d %H:%M:%S}"


class KnownNetwork(models.Model):
    """A network from which a user has logged in, so that others elsewhere can't lock them out."""

    # Both are hashes.
    name = models.CharField(max_length=64)
    network = models.CharField(max_length=64)
    last_login_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "network"], name="known_network_once_per_name")
        ]
        # Not shown in the admin.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.network[:8]} of {self.name[:8]} at {self.last_login_at:%Y-%m-%d %H:%M:%S}"
