"""The admin of webhooks."""

import pytest
from django.contrib.messages import get_messages

from accounts.services import freeze
from accounts.tests.admin_pages import action_of, confirm, menu, messages_of, preview, refusal
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


def page_of(row) -> str:
    return f"/admin/webhooks/{row._meta.model_name}/{row.pk}/change/"


def test_the_pages_of_a_webhook_and_a_delivery_offer_what_can_be_done_now(
    client, operator, endpoint, make_webhook
):
    client.force_login(operator)
    pages = [page_of(endpoint), page_of(make_webhook()), page_of(endpoint.deliveries.get())]

    menus = [menu(client.get(page)) for page in pages]

    assert menus == [["Enable"], ["Disable"], ["Retry"]]


def test_support_is_offered_no_action_and_may_not_open_its_page(client, support, endpoint):
    client.force_login(support)
    delivery = endpoint.deliveries.get()
    actions = [(endpoint, "enable"), (endpoint, "disable"), (delivery, "retry")]

    assert [menu(client.get(page_of(row))) for row in (endpoint, delivery)] == [[], []]
    assert [client.get(action_of(*each)).status_code for each in actions] == [403] * 3
    assert [confirm(client, action_of(*each)).status_code for each in actions] == [403] * 3


def test_seeing_accounts_is_needed_to_act_as_in_the_api(client, make_user, endpoint):
    rights = "webhooks.read_any", "webhooks.manage_any"
    client.force_login(make_user(*rights, is_staff=True))

    assert menu(client.get(page_of(endpoint))) == []
    assert confirm(client, action_of(endpoint, "enable")).status_code == 403


def test_disabling_shows_a_preview_and_records_who_did_it_and_why(client, operator, make_webhook):
    webhook = make_webhook()
    client.force_login(operator)
    path = action_of(webhook, "disable")

    before = preview(client.get(path))
    missing = confirm(client, path, reason=" ")
    untouched = Endpoint.objects.get().status
    done = confirm(client, path, reason="Floods us")

    assert before[webhook.url] == {
        "Status": ("Enabled", "Disabled"),
        "Why": ("\N{EN DASH}", f"Disabled by {operator.username}"),
    }
    assert (missing.status_code, untouched) == (200, "ENABLED")
    assert (done.status_code, done["Location"]) == (302, page_of(webhook))
    assert messages_of(done) == [("success", f"{webhook.url} is now disabled.")]
    reason = f"Disabled by {operator.username}: Floods us"
    assert Endpoint.objects.values_list("status", "disabled_reason").get() == ("DISABLED", reason)
    assert reason in client.get(page_of(webhook)).text


def test_the_longest_name_and_reason_fit(make_webhook, make_user):
    name, reason = "n" * 150, "r" * services.LONGEST_OWN_REASON
    actor = make_user(
        "webhooks.manage_any", "accounts.read_any", "webhooks.read_any", username=name
    )

    services.disable(webhook_id=make_webhook().pk, actor=actor, reason=reason)

    assert Endpoint.objects.get().disabled_reason == f"Disabled by {name}: {reason}"


def test_disabling_again_keeps_the_first_reason(operator, endpoint):
    before = Endpoint.objects.get().disabled_reason

    services.disable(webhook_id=endpoint.pk, actor=operator, reason="Again")

    assert Endpoint.objects.get().disabled_reason == before


def test_nothing_is_sent_to_a_disabled_webhook_until_it_is_enabled(operator, make_webhook, alice):
    webhook = make_webhook()
    services.test(webhook_id=webhook.pk, actor=alice)

    services.disable(webhook_id=webhook.pk, actor=operator, reason="Floods us")
    while_disabled = claim(webhook.pk, 1)
    services.enable(webhook_id=webhook.pk, actor=alice)

    assert [len(each) for each in (while_disabled, claim(webhook.pk, 1))] == [0, 1]


def test_a_webhook_is_enabled_and_a_delivery_retried_from_its_page(client, operator, endpoint):
    client.force_login(operator)
    delivery = endpoint.deliveries.get()

    too_early = refusal(client.get(action_of(delivery, "retry")))
    enabling = preview(client.get(action_of(endpoint, "enable")))
    confirm(client, action_of(endpoint, "enable"))
    retrying = preview(client.get(action_of(delivery, "retry")))
    done = confirm(client, action_of(delivery, "retry"))

    assert too_early == "The webhook is disabled. Enable it first."
    assert enabling[endpoint.url]["Status"] == ("Disabled", "Enabled")
    assert retrying[endpoint.url]["Status"] == ("Failed", "Pending")
    assert messages_of(done)[-1][0] == "success"
    assert (Endpoint.objects.get().status, Delivery.objects.get().status) == ("ENABLED", "PENDING")


def test_a_message_about_a_url_is_shown_as_it_is_written(client, operator, make_webhook):
    webhook = make_webhook("https://hooks.example/")
    client.force_login(operator)
    form = {"action": "enable", "_selected_action": [str(webhook.pk)]}

    page = client.post(ENDPOINTS, form, follow=True)

    assert '<li class="success">https://hooks.example/ is now enabled.</li>' in page.text


def test_several_webhooks_are_disabled_from_the_list(client, operator, make_webhook):
    webhooks = [make_webhook(f"http://127.0.0.1:9/{name}") for name in ("a", "b")]
    client.force_login(operator)
    form = {"action": "disable", "_selected_action": [str(each.pk) for each in webhooks]}

    asked = client.post(ENDPOINTS, form)
    untouched = set(Endpoint.objects.values_list("status", flat=True))
    done = client.post(ENDPOINTS, {**form, "confirmed": "yes", "reason": "Floods us"})

    assert "Status Enabled → Disabled" in asked.text
    assert untouched == {"ENABLED"}
    assert messages_of(done) == [("success", "2 webhooks are now disabled.")]
    assert set(Endpoint.objects.values_list("status", flat=True)) == {"DISABLED"}


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
