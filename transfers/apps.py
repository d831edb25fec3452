from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"

    def ready(self):
        from django.core.checks import Tags, register
        from django.db.models.signals import post_migrate

        from transfers.guards.installation import check_guards, reinstall_guards
        from transfers.integrity.protection.checks import check_schema

        post_migrate.connect(reinstall_guards, sender=self)
        register(check_guards, Tags.database)
        register(check_schema, Tags.database)
