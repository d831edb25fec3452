from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from ledger_project.metric_files import reserve_files

# Before any module with metrics is imported.
reserve_files()


class LedgerAdminConfig(AdminConfig):
    default_site = "ledger_project.admin.site.LedgerAdminSite"


class LedgerProjectConfig(AppConfig):
    name = "ledger_project"

    def ready(self):
        from django.core.checks import Tags, register
        from django.db.models.signals import post_migrate

        # Imported here, because the models must be loaded first.
        from ledger_project import tokens  # noqa: F401 -- sets the audience of all tokens
        from ledger_project.admin import keys, users  # noqa: F401
        from ledger_project.health import check_database, check_settings
        from ledger_project.ledgers.content_types import keep_apart
        from ledger_project.permissions import ensure_groups

        post_migrate.connect(ensure_groups, sender=self)
        register(check_database, Tags.database)
        register(check_settings)
        keep_apart()
