from django.apps import AppConfig


class LedgerProjectConfig(AppConfig):
    name = "ledger_project"
