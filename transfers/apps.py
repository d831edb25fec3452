from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"

    def ready(self):
        from accounts import expiry
        from database.guards.installation import keep_installed
        from transfers.guards import guards
        from transfers.services import expired_holds

        keep_installed(self, guards)
        expiry.find_by(expired_holds)
