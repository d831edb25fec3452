"""The parser refuses bodies that aren't JSON, or that two parsers could read differently."""

import pytest
from rest_framework.exceptions import ParseError

from accounts.models import Account
from api.parsers import strict_json
from api.tests.contract import JSON, assert_invalid, assert_problem


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" {} \n", {}),
        (b"[]", []),
        (b"null", None),
        (b'{"a": {"a": 1}, "b": [1.5, true]}', {"a": {"a": 1}, "b": [1.5, True]}),
        (b'"\\u00e9\xc3\xa9\\ud83d\\ude00"', "éé\U0001f600"),
        (b"9007199254740993", 2**53 + 1),
        (b"-" + b"9" * 31, -int("9" * 31)),
    ],
)
def test_json_values_are_parsed_exactly(body, value):
    read = strict_json(body)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("digits", [33, 5000])
def test_a_very_long_integer_is_replaced_by_one_that_is_out_of_range(digits):
    assert strict_json(b"9" * digits) == 10**32
    assert strict_json(b"-" + b"9" * digits) == -(10**32)


MALFORMED = [
    b"{",
    b"{]",
    b'{"owner_name": "x",}',
    b"{'owner_name': 'x'}",
    b'{"owner_name": "x"} {}',
    b"owner_name=x",
    b" ",
    b'{"owner_name": "x", "owner_name": "x"}',
    b'{"owner_name": "x", "owner_nam\\u0065": "y"}',
    b'{"owner_name": "x", "metadata": {"a": "1", "a": "2"}}',
    b'{"owner_name": NaN}',
    b'{"owner_name": Infinity}',
    b'{"owner_name": -Infinity}',
    b'{"owner_name": 01}',
    b'{"owner_name": 0x1}',
    b'{"owner_name": +1}',
    b'{"owner_name": 1.}',
    b'{"owner_name": "a\nb"}',
    b'{"owner_name": "\\x41"}',
    b'{"owner_name": "\xff"}',
    b'{"owner_name": "\xc3"}',
    b'{"owner_name": "\xed\xa0\x80"}',
    b'{"owner_name": "\xc0\x80"}',
    b'\xef\xbb\xbf{"owner_name": "x"}',
    '{"owner_name": "x"}'.encode("utf-16"),
    b"\0",
    b'{"owner_name": "\0"}',
    b"[" * 30_000 + b"]" * 30_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:40]))
def test_the_parser_refuses_malformed_json(body):
    with pytest.raises(ParseError):
        strict_json(body)


@pytest.mark.django_db
@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:40]))
def test_a_request_with_malformed_json_is_refused_and_opens_no_account(api, body):
    response = api.post("/accounts", body, content_type=JSON)

    assert_problem(response, 400, "malformed_json")
    assert Account.objects.customers().count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "invalid"),
        (b"5", "invalid"),
        (b'"text"', "invalid"),
        (b"true", "invalid"),
        (b"null", "null"),
    ],
)
def test_a_json_body_that_is_not_an_object_is_refused(api, body, code):
    response = api.post("/accounts", body, content_type=JSON)

    assert_invalid(response, ("#", code))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["owner_name", "currency", "metadata", "unknown"])
def test_a_nested_value_is_refused_at_any_depth_without_a_crash(api, name):
    answers = set()

    for depth in range(100, 1100, 50):
        nested = b"[" * depth + b"]" * depth
        body = b'{"%s": %s}' % (name.encode(), nested)
        response = api.post("/accounts", body, content_type=JSON)
        answers.add((response.status_code, response.json()["code"]))

    assert answers == {(422, "validation_failed"), (400, "malformed_json")}
    assert Account.objects.customers().count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=UTF-8",
        "Application/JSON",
    ],
)
def test_a_json_body_in_utf_8_is_accepted(api, media_type):
    response = api.post("/accounts", '{"owner_name": "Zoë"}'.encode(), content_type=media_type)

    assert response.status_code == 201
    assert response.json()["owner_name"] == "Zoë"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/merge-patch+json",
        "application/jsonp",
        "json",
        "",
    ],
)
def test_another_media_type_is_refused_and_opens_no_account(api, media_type):
    body = b'{"owner_name": "Alice"}'

    response = api.generic(
        "POST", "/accounts", body, content_type=media_type, headers={"Idempotency-Key": "key"}
    )

    assert_problem(response, 415, "unsupported_media_type")
    assert Account.objects.customers().count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate, gzip", "identity, gzip", "x"])
def test_a_body_with_a_content_encoding_is_refused_and_opens_no_account(api, encoding):
    response = api.post(
        "/accounts", {"owner_name": "Alice"}, headers={"Content-Encoding": encoding}
    )

    assert_problem(
        response,
        415,
        "unsupported_media_type",
        detail="Send the body uncompressed and without Content-Encoding: no encoding is supported.",
    )
    assert Account.objects.customers().count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/refresh", "/auth/logout"])
def test_a_token_route_refuses_a_content_encoding(client_for, path):
    response = client_for(None).post(path, {}, headers={"Content-Encoding": "gzip"})

    problem = response.json()
    assert (response.status_code, problem["code"]) == (415, "unsupported_media_type")
    assert problem["detail"].startswith("Send the body uncompressed")


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_the_content_encoding_identity_is_accepted(api, encoding):
    response = api.post(
        "/accounts", {"owner_name": "Alice"}, headers={"Content-Encoding": encoding}
    )

    assert response.status_code == 201


def sized(size: int) -> bytes:
    """Return a valid body of ``size`` bytes, padded with spaces."""
    return b'{"owner_name": "Alice"}'.ljust(size)


@pytest.mark.django_db
def test_a_body_of_64_kib_is_accepted(api):
    response = api.post("/accounts", sized(64 * 1024), content_type=JSON)

    assert response.status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 1])
def test_a_body_over_64_kib_is_refused_and_opens_no_account(api, size):
    response = api.post("/accounts", sized(size), content_type=JSON)

    assert_problem(
        response, 413, "payload_too_large", detail="The body may be at most 65536 bytes long."
    )
    assert Account.objects.customers().count() == 0
