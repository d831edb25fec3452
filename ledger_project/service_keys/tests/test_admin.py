"""The admin of service keys."""

import re

import pytest
from django.contrib.admin.models import LogEntry

from accounts.tests.admin_pages import messages_of, queries_of
from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.tests.keys import Held, client_with

pytestmark = pytest.mark.django_db

LIST = "/admin/service_keys/servicekey/"
ADD = f"{LIST}add/"


def page_of(held: Held) -> str:
    return f"{LIST}{held.key.pk}/change/"


@pytest.fixture
def superuser(make_user):
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def support(make_user):
    """Staff who may see service keys but not revoke them."""
    return make_user("service_keys.read_any", is_staff=True)


def order(alice, **changes):
    return {
        "owner": alice.pk,
        "name": "Shop backend",
        "scopes": ["transfers:write", "accounts:read"],
        "days": "",
        **changes,
    }


def test_a_superuser_creates_a_key_and_sees_its_secret_once(client, superuser, alice):
    client.force_login(superuser)

    created = client.post(ADD, order(alice, days="90"))

    key = ServiceKey.objects.get()
    [secret] = re.findall("lsk_[A-Za-z0-9_-]{43}", created.text)
    assert client_with(Held(key, secret)).get("/accounts").status_code == 200
    assert (key.owner, key.scope) == (alice, "accounts:read transfers:write")
    assert (key.expires_at - key.created_at).days == 90
    assert "no-store" in created["Cache-Control"]
    assert re.findall('type="submit" value="([^"]+)"', client.get(ADD).text) == ["Save"]
    assert LogEntry.objects.get().user == superuser
    pages = [LIST, f"{LIST}{key.pk}/change/", "/admin/"]
    assert [secret in client.get(page).text for page in pages] == [False] * 3
    assert secret not in str([*client.session.items(), *LogEntry.objects.values()])


def test_a_form_that_is_sent_twice_creates_one_key(client, superuser, alice):
    client.force_login(superuser)
    [client_id] = re.findall('name="client_id" value="([^"]+)"', client.get(ADD).text)
    form = order(alice, client_id=client_id)

    first, second = client.post(ADD, form), client.post(ADD, form)

    key = ServiceKey.objects.get()
    assert (str(key.pk), client_id in first.text) == (client_id, True)
    assert (second.status_code, second["Location"]) == (302, f"{LIST}{client_id}/change/")
    [message] = messages_of(second)
    assert "This key was created when the form was first sent." in message[1]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["all"]}, "Select a valid choice. all is not one of the available choices."),
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 101}, "Ensure this value has at most 100 characters (it has 101)."),
        ({"days": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"owner": ""}, "This field is required."),
    ],
)
def test_an_invalid_form_is_shown_again_and_creates_nothing(
    client, superuser, alice, changes, error
):
    client.force_login(superuser)

    answer = client.post(ADD, order(alice, **changes))

    assert (answer.status_code, error in answer.text) == (200, True)
    assert not ServiceKey.objects.exists()


def test_only_superusers_create_keys(client, staff, alice):
    client.force_login(staff)

    answers = [client.get(ADD), client.post(ADD, order(alice))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Add service key" not in client.get(LIST).text
    assert not ServiceKey.objects.exists()


def test_the_list_shows_the_state_of_each_key_and_is_searched(client, support, make_key, bob):
    used, other = make_key(name="Shop"), make_key(name="Report", owner=bob)
    client_with(used)
    client.force_login(support)

    def found(text: str) -> set[str]:
        page = client.get(LIST, {"q": text})
        return {held.key.name for held in (used, other) if str(held.key.pk) in page.text}

    assert found("") == {"Shop", "Report"}
    assert found("shop") == found("alice") == found(str(used.key.pk)) == {"Shop"}
    assert found("bob rep") == {"Report"}
    assert found("nothing") == set()
    page = client.get(LIST).text
    assert page.count(">Active<") == 2
    assert page.count(" UTC<") == 1


def test_the_list_takes_the_same_queries_for_one_key_and_for_three(client, support, make_key):
    client.force_login(support)
    counts = []
    for number in (1, 2):
        for _ in range(number):
            make_key()
        counts.append(queries_of(client, LIST))

    assert counts[0] == counts[1]


def test_staff_with_the_permission_revoke_a_key_with_a_reason(client, staff, make_key):
    held = make_key()
    user = client_with(held)
    client.force_login(staff)
    assert "Revoke this key" in client.get(page_of(held)).text

    body = {"action": "revoke", "_selected_action": [held.key.pk]}
    without = client.post(LIST, body)
    still = user.get("/accounts").status_code
    done = client.post(LIST, {**body, "reason": "Leaked"})

    key = ServiceKey.objects.get()
    assert (without["Location"], done["Location"]) == (page_of(held), page_of(held))
    assert (still, user.get("/accounts").status_code) == (200, 401)
    assert (key.revoked_by, key.revoke_reason) == (staff, "Leaked")
    assert messages_of(done) == [
        ("error", "Nothing was changed. Enter a reason of at most 200 characters."),
        ("success", "backend of alice is now revoked."),
    ]
    page = client.get(page_of(held)).text
    assert all(each in page for each in ("Revoked", "Leaked", "staff"))
    assert "Revoke this key" not in page


def test_staff_without_the_permission_see_a_key_and_cannot_revoke_it(client, support, make_key):
    held = make_key()
    client.force_login(support)

    page = client.get(page_of(held))
    client.post(LIST, {"action": "revoke", "_selected_action": [held.key.pk], "reason": "Because"})

    assert page.status_code == 200
    assert "Revoke" not in page.text
    assert ServiceKey.objects.get().revoked_at is None


def test_several_keys_are_revoked_at_once(client, staff, make_key):
    keys = [make_key().key.pk for _ in range(3)]
    client.force_login(staff)

    client.post(LIST, {"action": "revoke", "_selected_action": keys[:2], "reason": "Leaked"})

    revoked = ServiceKey.objects.filter(revoked_at__isnull=False)
    assert set(revoked.values_list("pk", flat=True)) == set(keys[:2])
