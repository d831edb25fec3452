"""A session opens the admin, and nothing else."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_in(client, staff):
    client.force_login(staff)
    return client


def test_a_session_opens_the_admin_and_is_renewed(logged_in):
    answer = logged_in.get("/admin/")

    assert answer.status_code == 200
    assert "sessionid" in answer.cookies, "half an hour from now on, not from the login on"


@pytest.mark.parametrize("path", ["/accounts", "/integrity", "/admins/"])
def test_a_session_does_not_authenticate_outside_of_the_admin(logged_in, path):
    anonymous = type(logged_in)().get(path)
    answer = logged_in.get(path)

    assert (answer.status_code, answer.json()["code"]) == (
        anonymous.status_code,
        anonymous.json()["code"],
    )
    assert answer.status_code in (401, 404)


@pytest.mark.parametrize("path", ["/accounts", "/docs", "/healthz", "/openapi.json"])
def test_a_session_is_not_looked_up_outside_of_the_admin(
    logged_in, path, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = logged_in.get(path)

    assert not answer.cookies
