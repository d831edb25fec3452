"""What the views of webhooks do around their services."""

import pytest
from django.db import connection

from conftest import allow
from events.webhooks.views import webhooks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allow_this_machine")]


@pytest.mark.django_db(transaction=True)
def test_the_dns_is_asked_before_the_transaction_begins(monkeypatch, api, make_webhook):
    asked = []

    def look_up(url: object) -> list[str]:
        asked.append((url, connection.in_atomic_block))
        return ["10.0.0.1"]

    monkeypatch.setattr(webhooks, "addresses_of", look_up)
    mine = make_webhook()

    refused = [
        api.post("/webhooks", {"url": "https://one.example/"}),
        api.patch(f"/webhooks/{mine.pk}", {"url": "https://two.example/"}),
    ]

    assert [response.status_code for response in refused] == [422, 422]
    assert asked == [("https://one.example/", False), ("https://two.example/", False)]


def test_nobody_gets_events_by_a_webhook_that_they_may_not_read(client_for, bob, make_webhook):
    endpoint = make_webhook()
    manager = client_for(allow(bob, "webhooks.read_any", "webhooks.manage_any"))

    refused = [
        manager.patch(f"/webhooks/{endpoint.pk}", {"url": "https://bob.example/"}),
        manager.post(f"/webhooks/{endpoint.pk}/rotate-secret"),
        manager.post(f"/webhooks/{endpoint.pk}/replay", {"after": None}),
    ]

    assert [response.status_code for response in refused] == [403, 403, 403]
    assert "accounts.read_any" in refused[0].json()["detail"]
