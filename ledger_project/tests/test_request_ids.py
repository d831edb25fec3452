"""The request id that a response has in `X-Request-ID`."""

import re

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64])
def test_a_valid_request_id_is_returned_in_the_response(client, given):
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert response["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", '"', "{}", "é", "a\n"])
def test_an_invalid_request_id_is_replaced_in_the_response(client, given):
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", response["X-Request-ID"])
