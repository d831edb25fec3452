"""What staff see of keys: everything but the answers."""

import re
import uuid

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from accounts.tests.admin_pages import column, field, queries_of
from ledger_project.idempotency.models import IdempotencyKey

LIST = reverse("admin:idempotency_idempotencykey_changelist")
SECRET = "for the eyes of its user only"


@pytest.fixture
def reader(client, make_user):
    """A browser in which staff are logged in who may look at keys."""
    client.force_login(make_user("idempotency.view_idempotencykey", is_staff=True))
    return client


@pytest.fixture
def make_key(alice):
    """Return a function that makes a key of alice's with a secret in its answer."""

    def make(**fields) -> IdempotencyKey:
        answered = {"response_status": 201, "response_body": SECRET}
        defaults = {"key": uuid.uuid4(), "method": "POST", "path": "/accounts", "fingerprint": "f"}
        return IdempotencyKey.objects.create(user=alice, **defaults | answered | fields)

    return make


def page(record) -> str:
    return reverse("admin:idempotency_idempotencykey_change", args=[record.pk])


def test_a_key_is_found_with_what_it_was_sent_for(reader, make_key):
    record = make_key(key="abc")
    make_key(key="abcd")

    response = reader.get(LIST, {"q": "abc"})

    names = ("user", "key", "request", "outcome")
    assert [column(response, name) for name in names] == [
        ["alice"],
        ["abc"],
        ["POST /accounts"],
        ["201"],
    ]
    assert [each.pk for each in response.context["cl"].result_list] == [record.pk]


def test_a_key_is_found_in_the_quotation_marks_that_it_was_sent_with(reader, make_key):
    make_key(key="abc")

    response = reader.get(LIST, {"q": '"abc"'})

    assert column(response, "key") == ["abc"]


def test_the_answer_is_never_shown(reader, make_key):
    record = make_key()

    pages = [reader.get(path) for path in (LIST, page(record))]

    assert [response.status_code for response in pages] == [200, 200]
    assert [SECRET in response.content.decode() for response in pages] == [False, False]
    assert field(pages[1], "key") == str(record.key)


def test_whether_the_answer_is_kept_is_shown(reader, make_key):
    pages = [reader.get(page(make_key(response_body=body))) for body in ("{}", None)]

    icons = ["icon-yes.svg", "icon-no.svg"]
    assert [[icon in each.content.decode() for icon in icons] for each in pages] == [
        [True, False],
        [False, True],
    ]


def test_a_key_can_neither_be_added_edited_nor_deleted(admin_client, admin_user, rf, make_key):
    record = make_key(key="abc")
    request = rf.get("/")
    request.user = admin_user

    answers = [
        admin_client.get(reverse("admin:idempotency_idempotencykey_add")),
        admin_client.post(page(record), {"key": "another"}),
        admin_client.post(
            reverse("admin:idempotency_idempotencykey_delete", args=[record.pk]), {"post": "yes"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert IdempotencyKey.objects.get().key == "abc"
    assert admin.site.get_model_admin(IdempotencyKey).get_actions(request) == {}


def test_staff_without_the_permission_see_no_keys(client, newcomer, make_key):
    client.force_login(newcomer)

    assert [client.get(path).status_code for path in (LIST, page(make_key()))] == [403, 403]


def test_three_keys_take_as_many_queries_as_one(reader, make_key):
    make_key()
    with_one = queries_of(reader, LIST)
    make_key()
    make_key()

    with_three = queries_of(reader, LIST)

    assert with_three == with_one
    assert column(reader.get(LIST), "user") == ["alice"] * 3


@pytest.fixture
def support(client, make_user):
    """A browser of somebody who may see transfers as well."""
    user = make_user("idempotency.view_idempotencykey", "accounts.read_any", is_staff=True)
    client.force_login(user)
    return client


@pytest.fixture
def posted(api, client_for, alice, bob, staff, funded_account):
    """Post transfers over the API, and return the ids of each request's transfers by its key."""
    source, dest = funded_account(alice, 100_00), funded_account(bob)
    order = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 5}
    theirs = client_for(bob)
    answers = {
        "one": api.post("/transfers", order, key="one"),
        "cash": client_for(staff).post(f"/accounts/{source.pk}/deposit", {"amount": 7}, key="cash"),
        "batch": api.post("/transfers/batch", {"transfers": [order, order]}, key="batch"),
        "hold": api.post("/transfers", {**order, "hold": True}, key="hold"),
    }
    hold = answers["hold"].json()["id"]
    answers["capture"] = theirs.post(f"/transfers/{hold}/capture", {}, key="capture")
    ids = {}
    for key, answer in answers.items():
        body = answer.json()
        items = body.get("transfers", [body])
        ids[key] = [body["transfer_id"]] if key == "cash" else [item["id"] for item in items]
    return ids


KEYS = ["one", "cash", "batch", "hold", "capture"]


def transfer_page(transfer_id) -> str:
    return reverse("admin:transfers_transfer_change", args=[transfer_id])


@pytest.mark.parametrize("key", KEYS)
def test_a_key_and_its_transfers_link_to_each_other(support, posted, key):
    record = IdempotencyKey.objects.get(key=key)

    html = support.get(page(record)).content.decode()
    back = [support.get(transfer_page(each)) for each in posted[key]]

    linked = re.findall(r'href="/admin/transfers/transfer/([^/]*)/change/"', html)
    assert linked == posted[key]
    assert [field(each, "key_shown") for each in back] == [key] * len(posted[key])
    assert all(f'href="{page(record)}"' in each.content.decode() for each in back)


def test_transfers_are_found_by_key_and_keys_by_transfer(support, posted):
    by_key = support.get(reverse("admin:transfers_transfer_changelist"), {"q": "batch"})
    by_transfer = {key: support.get(LIST, {"q": ids[-1]}) for key, ids in posted.items()}

    assert {str(each.pk) for each in by_key.context["cl"].result_list} == set(posted["batch"])
    assert [column(each, "key") for each in by_transfer.values()] == [[key] for key in KEYS]


def test_a_transfer_without_a_request_has_no_key(support, alice, funded_account):
    account = funded_account(alice, 5)

    shown = field(support.get(transfer_page(account.entries.get().transfer_id)), "key_shown")

    assert shown == "\N{EN DASH}"


def test_a_purged_response_still_links_to_the_transfer_in_its_location(support, posted):
    IdempotencyKey.objects.update(response_body=None)

    pages = {key: support.get(page(IdempotencyKey.objects.get(key=key))) for key in posted}

    assert posted["one"][0] in pages["one"].content.decode()
    assert "the response is no longer stored" in pages["cash"].content.decode()
    assert field(support.get(transfer_page(posted["one"][0])), "key_shown") == "one"


def test_a_key_page_shows_no_transfers_without_the_permission(reader, posted):
    html = reader.get(page(IdempotencyKey.objects.get(key="one"))).content.decode()

    assert posted["one"][0] not in html
    assert "Transfers are shown to users with the permission accounts.read_any." in html


def test_a_refusal_is_listed_with_its_code_and_nothing_else_of_the_response(reader, make_key):
    make_key(key="fine")
    make_key(
        key="refused",
        response_status=409,
        response_body='{"code": "insufficient_funds", "available": 4711}',
    )
    make_key(key="edited", response_status=409, response_body="[nonsense")

    response = reader.get(LIST, {"outcome": "refused"})

    assert column(response, "key") == ["edited", "refused"]
    assert column(response, "outcome") == ["409", "409 insufficient_funds"]
    assert "4711" not in response.content.decode()


def test_a_key_is_found_by_an_index(make_key):
    make_key()
    found = IdempotencyKey.objects.filter(key="abc")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # PostgreSQL would scan such a small table.
            cursor.execute("SET LOCAL enable_seqscan = off")

    plan = found.explain()

    used = {"postgresql": "Index Cond", "sqlite": "SEARCH idempotency_idempotencykey USING INDEX"}
    assert used[connection.vendor] in plan
