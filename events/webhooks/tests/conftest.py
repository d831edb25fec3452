"""Webhooks on this machine."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.tests.conftest import publish
from events.webhooks import fanout, services
from events.webhooks.models import Endpoint

__all__ = ["publish"]

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def allow_this_machine(settings) -> None:
    """Let webhooks be sent to this machine."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]


@pytest.fixture
def make_webhook(alice, allow_this_machine, publish) -> Callable[..., Endpoint]:
    """Return a function that registers a webhook, by default of alice for all that follows."""

    def make(url: str = URL, owner: User = alice, **members: Any) -> Endpoint:
        publish()
        body = {"events": [], "account_ids": [], "description": "", **members}
        endpoint, _secret = services.register(owner=owner, url=url, **body)
        return endpoint

    return make


@pytest.fixture
def fan_out(publish) -> Callable[[], int]:
    """Return a function that makes the deliveries of all events so far."""

    def make_visible_and_fan_out() -> int:
        publish()
        total, has_more = 0, True
        while has_more:
            made, has_more = fanout.fan_out()
            total += made
        return total

    return make_visible_and_fan_out
