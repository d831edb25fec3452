"""A session opens the admin, and nothing else."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_in(client, staff):
    client.force_login(staff)
    return client


def test_staff_with_a_session_are_in_the_admin(logged_in):
    answer = logged_in.get("/admin/")

    assert answer.status_code == 200
    assert "sessionid" in answer.cookies, "half an hour from now on, not from the login on"


@pytest.mark.parametrize("path", ["/accounts", "/integrity", "/admins/"])
def test_outside_of_the_admin_a_session_is_nobodys(logged_in, path):
    anonymous = type(logged_in)().get(path)
    answer = logged_in.get(path)

    assert (answer.status_code, answer.json()["code"]) == (
        anonymous.status_code,
        anonymous.json()["code"],
    )
    assert answer.status_code in (401, 404)


@pytest.mark.parametrize("path", ["/accounts", "/docs", "/healthz", "/openapi.json"])
def test_outside_of_the_admin_a_session_is_not_even_looked_up(
    logged_in, path, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = logged_in.get(path)

    assert not answer.cookies
