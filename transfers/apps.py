from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"

    def ready(self):
        from django.core.checks import Tags, register
        from django.db.models.signals import post_migrate, pre_migrate

        from accounts import expiry
        from transfers.guards.installation import check_guards, drop_guards, reinstall_guards
        from transfers.services import expired_holds

        pre_migrate.connect(drop_guards, sender=self)
        post_migrate.connect(reinstall_guards, sender=self)
        register(check_guards, Tags.database)
        expiry.find_by(expired_holds)
