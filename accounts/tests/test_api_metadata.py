"""``metadata``: an object with at most 20 members, whose values are strings, of at most 4 KiB."""

import pytest

from accounts.models import Account
from api.tests.contract import account_document, assert_invalid

pytestmark = pytest.mark.django_db


def members(count: int) -> dict[str, str]:
    return {f"name {index}": "text" for index in range(count)}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"": ""},
        {"a": " stored unchanged \n"},
        {"a/b~c": "é", "__proto__": "x"},
        members(20),
        {"ab": "x" * 4094},
        # The limit is in bytes: 2,047 letters of two bytes each, and a name of two bytes.
        {"ab": "é" * 2047},
    ],
)
def test_metadata_within_the_limits_is_stored_and_returned_unchanged(api, metadata):
    response = api.post("/accounts", {"owner_name": "Alice", "metadata": metadata})

    assert response.status_code == 201
    assert response.json() == account_document(Account.objects.customers().get())
    assert response.json()["metadata"] == metadata


@pytest.mark.parametrize(
    ("metadata", "pointer", "code"),
    [
        (None, "#/metadata", "null"),
        ([], "#/metadata", "not_a_dict"),
        ("text", "#/metadata", "not_a_dict"),
        (5, "#/metadata", "not_a_dict"),
        (members(21), "#/metadata", "invalid"),
        ({"ab": "x" * 4095}, "#/metadata", "invalid"),
        ({"ab": "é" * 2048}, "#/metadata", "invalid"),
        ({"x" * 4097: ""}, "#/metadata", "invalid"),
        ({"a": 5}, "#/metadata/a", "invalid"),
        ({"a": 5.0}, "#/metadata/a", "invalid"),
        ({"a": True}, "#/metadata/a", "invalid"),
        ({"a": None}, "#/metadata/a", "null"),
        ({"a": {"b": "c"}}, "#/metadata/a", "invalid"),
        ({"a": ["b"]}, "#/metadata/a", "invalid"),
        ({"a": "nul \0"}, "#/metadata/a", "null_characters_not_allowed"),
        ({"nul \0": "a"}, "#/metadata/nul%20%00", "null_characters_not_allowed"),
    ],
)
def test_metadata_beyond_the_limits_is_refused(api, metadata, pointer, code):
    response = api.post("/accounts", {"owner_name": "Alice", "metadata": metadata})

    assert_invalid(response, (pointer, code))
    assert Account.objects.customers().count() == 0


def test_invalid_metadata_named_message_or_code_gets_an_error_each(api):
    response = api.post("/accounts", {"owner_name": "Alice", "metadata": {"message": 1, "code": 2}})

    assert_invalid(response, ("#/metadata/message", "invalid"), ("#/metadata/code", "invalid"))
