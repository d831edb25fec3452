"""The admin of webhooks."""

import pytest
from django.contrib.messages import get_messages

from accounts.services import freeze
from events.webhooks import services
from events.webhooks.attempts import claim, record
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.sending import Outcome
from events.webhooks.signatures import PREFIX

pytestmark = pytest.mark.django_db

ENDPOINTS, DELIVERIES = "/admin/webhooks/endpoint/", "/admin/webhooks/delivery/"


@pytest.fixture
def support(make_user):
    """Staff who may see webhooks but not manage them."""
    return make_user("webhooks.read_any", is_staff=True)


@pytest.fixture
def operator(make_user):
    rights = "webhooks.read_any", "webhooks.manage_any", "accounts.read_any", "accounts.freeze"
    return make_user(*rights, is_staff=True)


@pytest.fixture
def endpoint(make_webhook, alice) -> Endpoint:
    """A webhook whose receiver responded with 410 to a test."""
    endpoint = make_webhook("http://127.0.0.1:9/orders", description="Order processing")
    services.test(webhook_id=endpoint.pk, actor=alice)
    [attempt] = claim(endpoint.pk, 1)
    record(attempt, Outcome(410, 12, excerpt="No longer here"))
    return endpoint


def told(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def post(client, page: str, action: str, row):
    return client.post(page, {"action": action, "_selected_action": [str(row.pk)]})


def test_staff_see_webhooks_and_deliveries_but_no_secret(client, support, endpoint):
    client.force_login(support)
    delivery = endpoint.deliveries.get()
    pages = [ENDPOINTS, f"{ENDPOINTS}{endpoint.pk}/change/"]
    pages += [DELIVERIES, f"{DELIVERIES}{delivery.pk}/change/"]

    texts = [client.get(page).text for page in pages]

    endpoint.refresh_from_db()
    assert [endpoint.url in text for text in texts] == [True] * 4
    assert ["(Gone)" in text for text in texts] == [True, True, False, False]
    assert ["webhook.test" in text for text in texts] == [False, False, True, True]
    assert "No longer here" in texts[3]
    assert [word in text for text in texts for word in (PREFIX, endpoint.secret)] == [False] * 8


def test_a_webhook_links_to_its_deliveries_and_a_delivery_to_its_event(
    client, operator, make_webhook, funded_account, alice, fan_out
):
    account = funded_account(alice)
    types = ["account.frozen", "account.closed"]
    endpoint = make_webhook(events=types, account_ids=[str(account.pk)])
    freeze(account_id=account.pk, actor=operator)
    fan_out()
    delivery = Delivery.objects.get()
    event = delivery.event
    client.force_login(operator)

    webhook = client.get(f"{ENDPOINTS}{endpoint.pk}/change/").text
    shown = client.get(f"{DELIVERIES}{delivery.pk}/change/").text

    assert f'<a href="{DELIVERIES}?q={endpoint.pk}">Newest deliveries</a>' in webhook
    assert f'<a href="/admin/accounts/account/{account.pk}/change/">{account.pk}</a>' in webhook
    assert "account.frozen, account.closed" in webhook
    assert f'<a href="/admin/events/event/{event.pk}/change/">{event.uuid}</a>' in shown


@pytest.mark.parametrize("page", [ENDPOINTS, DELIVERIES])
def test_staff_without_the_permission_see_no_webhooks(client, make_user, page):
    client.force_login(make_user("accounts.read_any", is_staff=True))

    assert client.get(page).status_code == 403


def test_staff_without_the_permission_cannot_act(client, support, endpoint):
    client.force_login(support)

    post(client, ENDPOINTS, "enable", endpoint)
    post(client, DELIVERIES, "retry", endpoint.deliveries.get())

    assert Endpoint.objects.get().status == "DISABLED"
    assert Delivery.objects.get().status == "FAILED"


def test_an_operator_enables_a_webhook_and_retries_a_delivery(client, operator, endpoint):
    client.force_login(operator)
    delivery = endpoint.deliveries.get()

    too_early = post(client, DELIVERIES, "retry", delivery)
    enabled = post(client, ENDPOINTS, "enable", endpoint)
    retried = post(client, DELIVERIES, "retry", delivery)

    assert told(too_early) == [
        f"{delivery} couldn't be scheduled for another attempt. "
        "The webhook is disabled. Enable it first."
    ]
    assert told(enabled)[-1:] == [f"{endpoint} is now enabled."]
    assert told(retried)[-1:] == [f"{delivery} is now scheduled for another attempt."]
    assert Endpoint.objects.get().status == "ENABLED"
    assert Delivery.objects.get().status == "PENDING"


def test_lists_are_searched_by_ids_and_words(client, support, endpoint, make_webhook, bob):
    other = make_webhook("http://127.0.0.1:9/reports", owner=bob)
    client.force_login(support)

    def found(page: str, text: str) -> set[str]:
        answer = client.get(page, {"q": text}).text
        return {each.url for each in (endpoint, other) if each.url in answer}

    assert found(ENDPOINTS, "") == {endpoint.url, other.url}
    assert found(ENDPOINTS, "orders") == found(ENDPOINTS, "alice processing") == {endpoint.url}
    assert found(ENDPOINTS, str(other.pk)) == found(ENDPOINTS, "bob") == {other.url}
    assert found(DELIVERIES, str(endpoint.pk)) == {endpoint.url}
    assert found(DELIVERIES, str(other.pk)) == set()
