"""What the tests of the accounts share."""

import pytest
from django.test import Client


@pytest.fixture
def officer(client, staff) -> Client:
    """Return a browser in which staff are logged in who may change accounts."""
    client.force_login(staff)
    return client
