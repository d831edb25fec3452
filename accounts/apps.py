from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from accounts.models import ensure_external_accounts

        post_migrate.connect(ensure_external_accounts, sender=self)
