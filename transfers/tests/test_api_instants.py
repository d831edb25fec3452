"""The instants ``from``, ``to`` and ``at`` in all routes: RFC 3339 with an offset."""

import pytest

from api.tests.contract import assert_invalid

pytestmark = pytest.mark.django_db

PLACES = [
    ("/transfers", "from"),
    ("/transfers", "to"),
    ("/accounts/{}/statement", "from"),
    ("/accounts/{}/statement", "to"),
    ("/accounts/{}/balance", "at"),
]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00:00.1Z",
        "2026-01-31T12:00:00.123456Z",
        "2026-01-31T12:00:00%2B05:30",
        "2026-01-31T12:00:00-08:00",
        "2026-01-31T12:00:00-00:00",
        "1970-01-01T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2026-01-31 12:00:00Z",
    ],
)
def test_an_instant_with_an_offset_is_accepted(api, alice, funded_account, text):
    account = funded_account(alice)

    for path, name in PLACES:
        response = api.get(f"{path.format(account.pk)}?{name}={text}")

        assert response.status_code == 200, response.content


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        # Without a colon, or without minutes.
        ("2026-01-31T12:00:00%2B0530", "2026-01-31T06:30:00.000000Z"),
        ("2026-01-31T12:00:00-0800", "2026-01-31T20:00:00.000000Z"),
        ("2026-01-31T12:00:00%2B0000", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31 12:00:00.5%2B00", "2026-01-31T12:00:00.500000Z"),
        ("2026-01-31t12:00:00-03", "2026-01-31T15:00:00.000000Z"),
        # A plus sign that isn't encoded is a space in a query.
        ("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00.000000Z"),
        ("2026-01-31T12:00:00+0000", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00%2000:00", "2026-01-31T12:00:00.000000Z"),
        # Zeros beyond the microseconds.
        ("2026-01-31T12:00:00.1234560Z", "2026-01-31T12:00:00.123456Z"),
        ("2026-01-31T12:00:00.123456000Z", "2026-01-31T12:00:00.123456Z"),
    ],
)
def test_an_unambiguous_variant_of_an_instant_is_accepted(api, alice, funded_account, text, utc):
    account = funded_account(alice)

    for path, name in PLACES:
        response = api.get(f"{path.format(account.pk)}?{name}={text}")

        assert response.status_code == 200, response.content
        assert response.json().get("at", utc) == utc


@pytest.mark.parametrize("path", ["/transfers", "/accounts/{}/statement"])
def test_a_range_that_ends_before_it_begins_is_refused(api, alice, funded_account, path):
    path = path.format(funded_account(alice).pk)
    morning, noon = "2026-01-31T08:00:00Z", "2026-01-31T12:00:00Z"

    assert api.get(f"{path}?from={noon}&to={noon}").status_code == 200
    assert_invalid(api.get(f"{path}?from={noon}&to={morning}"), ("#/to", "invalid_range"))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00",
        "2026-01-31",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00%2B5:30",
        "2026-01-31T12:00:00%2B530",
        "2026-01-31T12:00:00%20%2B05:30",
        "2026-01-31T12:00:00%20Z",
        "2026-01-31T12:00:00.1234567Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:000Z",
        "2026-W05-6T12:00:00Z",
        "20260131T120000Z",
        "1769860800",
        "now",
        "%D9%A2%D9%A0%D9%A2%D9%A6-01-31T12:00:00Z",
        "%00",
        # The form of an instant, but not a valid one.
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00%2B99:99",
        "2026-01-01T00:00:00%2B02:60",
        "0000-01-01T00:00:00Z",
        # Outside of the years 1 to 9999 in UTC.
        "0001-01-01T00:00:00%2B23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_an_invalid_instant_is_refused(api, alice, funded_account, text):
    account = funded_account(alice)

    for path, name in PLACES:
        response = api.get(f"{path.format(account.pk)}?{name}={text}")

        assert_invalid(response, (f"#/{name}", "invalid_instant"))
