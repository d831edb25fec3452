from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "transfers.approvals"

    def ready(self) -> None:
        from database.guards.installation import keep_installed
        from transfers.approvals.guards import guards

        keep_installed(self, guards)
