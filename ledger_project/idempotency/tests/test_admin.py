"""What staff see of keys: everything but the answers."""

import uuid

import pytest
from django.contrib import admin
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

    names = ("user", "key", "method", "path", "response_status")
    assert [column(response, name) for name in names] == [
        ["alice"],
        ["abc"],
        ["POST"],
        ["/accounts"],
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
