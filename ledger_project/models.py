"""What the shell itself keeps."""

from django.db import models


class LoginAttempt(models.Model):
    """A login that was let through to the password check, counted by ``throttling``."""

    # A hash, because people type their password into the wrong field.
    subject = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject", "at"], name="login_attempt_by_subject")]

    def __str__(self) -> str:
        return f"{self.subject[:8]} at {self.at:%Y-%m-%d %H:%M:%S}"
