from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "events.webhooks"
