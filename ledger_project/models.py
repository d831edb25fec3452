"""What the shell itself keeps."""

from django.db import models


class LoginAttempt(models.Model):
    """A login that was let through to the password check, counted by ``throttling``."""

    # A hash, because people type their password into the wrong field.
    subject = models.CharField(max_length=64)
    at = models.DateTimeField()
    # Null while the password is being checked.
    failed = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "at"], name="login_attempt_by_subject")]

    def __str__(self) -> str:
        return f"{self.subject[:8]} at {self.at:%Y-%m-%d %H:%M:%S}"


class KnownNetwork(models.Model):
    """A network from which a name has logged in, so that strangers elsewhere can't lock it out."""

    # Hashes of both.
    name = models.CharField(max_length=64)
    network = models.CharField(max_length=64)
    last_login_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "network"], name="known_network_once_per_name")
        ]
        # Nobody looks at it or changes it by hand.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.network[:8]} of {self.name[:8]} at {self.last_login_at:%Y-%m-%d %H:%M:%S}"
