"""Webhooks on this machine."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.webhooks import services
from events.webhooks.models import Endpoint

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def allow_this_machine(settings) -> None:
    """Let webhooks be sent to this machine."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]


@pytest.fixture
def make_webhook(alice, allow_this_machine) -> Callable[..., Endpoint]:
    """Return a function that registers a webhook, by default of alice for everything."""

    def make(url: str = URL, owner: User = alice, **members: Any) -> Endpoint:
        body = {"events": [], "account_ids": [], "description": "", **members}
        endpoint, _secret = services.register(owner=owner, url=url, **body)
        return endpoint

    return make
