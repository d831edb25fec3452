from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "ledger_project.idempotency"
    verbose_name = "Idempotency"
