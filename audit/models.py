"""What the audit keeps."""

from django.db import models


class Verdict(models.Model):
    """The last report of ``manage.py verify_ledger``, as on the wire. There is one at most."""

    # Always 1. A sequence would never be used, and be behind.
    id = models.BigIntegerField(primary_key=True, default=1)
    report = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Verdict {self.pk}"
