"""The stored report of the audit."""

from django.db import models


class Verdict(models.Model):
    """The last report of ``manage.py verify_ledger``, in one row."""

    # Always 1, without a sequence: the audit would report a sequence that is never used.
    id = models.BigIntegerField(primary_key=True, default=1)
    report = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Verdict {self.pk}"
