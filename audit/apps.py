from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self):
        from django.core.checks import Tags, register

        from audit.protection.checks import check_schema

        register(check_schema, Tags.database)
