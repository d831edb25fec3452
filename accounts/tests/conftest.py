"""Fixtures for the tests of accounts."""

import pytest
from django.test import Client


@pytest.fixture
def officer(client, staff) -> Client:
    """Return a client logged in as a staff user who may change accounts."""
    client.force_login(staff)
    return client
