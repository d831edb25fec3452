from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.conf import settings
        from django.db.models.signals import post_migrate

        from accounts.models import ensure_external_accounts
        from accounts.money import OWN_DECIMALS

        OWN_DECIMALS.update(settings.OWN_DECIMALS)
        post_migrate.connect(ensure_external_accounts, sender=self)
