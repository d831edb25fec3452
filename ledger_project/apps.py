from django.apps import AppConfig


class LedgerProjectConfig(AppConfig):
    name = "ledger_project"

    def ready(self):
        from django.core.checks import Tags, register
        from django.db.models.signals import post_migrate

        from ledger_project.health import check_database
        from ledger_project.permissions import ensure_groups

        post_migrate.connect(ensure_groups, sender=self)
        register(check_database, Tags.database)
