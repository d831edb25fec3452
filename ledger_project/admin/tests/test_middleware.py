"""Sessions and cookies matter for the admin only."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_in(client, staff):
    client.force_login(staff)
    return client


def test_a_session_opens_the_admin_and_is_renewed(logged_in):
    response = logged_in.get("/admin/")

    assert response.status_code == 200
    assert "sessionid" in response.cookies, "the session's lifetime starts again with each request"


@pytest.mark.parametrize("path", ["/accounts", "/integrity", "/admins/"])
def test_a_session_does_not_authenticate_outside_of_the_admin(logged_in, path):
    anonymous = type(logged_in)().get(path)
    response = logged_in.get(path)

    assert (response.status_code, response.json()["code"]) == (
        anonymous.status_code,
        anonymous.json()["code"],
    )
    assert response.status_code in (401, 404)


@pytest.mark.parametrize("path", ["/accounts", "/docs", "/healthz", "/openapi.json"])
def test_a_session_is_not_looked_up_outside_of_the_admin(
    logged_in, path, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = logged_in.get(path)

    assert not response.cookies


@pytest.mark.parametrize("path", ["/accounts", "/docs", "/healthz", "/admins/"])
def test_a_cookie_of_the_admin_has_no_effect_outside_of_the_admin(logged_in, path):
    logged_in.cookies["csrftoken"] = "wrong"
    response = logged_in.get(path)

    assert not response.cookies
    assert "Vary" not in response


def test_the_admin_replaces_a_wrong_cookie(logged_in):
    logged_in.cookies["csrftoken"] = "wrong"
    response = logged_in.get("/admin/")

    assert set(response.cookies) == {"csrftoken", "sessionid"}
    assert response["Vary"] == "Cookie"
