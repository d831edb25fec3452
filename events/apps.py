from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from database.guards.installation import keep_installed
        from events.guards import guards
        from events.order import continue_order

        keep_installed(self, guards)
        post_migrate.connect(continue_order, sender=self)
