from django.apps import AppConfig


class ServiceKeysConfig(AppConfig):
    name = "ledger_project.service_keys"
    verbose_name = "Service keys"
