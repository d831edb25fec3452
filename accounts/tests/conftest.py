"""Fixtures for the tests of accounts."""

import pytest
from django.test import Client


@pytest.fixture
def officer(client, staff) -> Client:
    """Return a client logged in as a staff user who may change accounts."""
    client.force_login(staff)
    return client


@pytest.fixture
def reader(client, make_user) -> Client:
    """Return a client logged in as a staff user who may read all accounts and change nothing."""
    client.force_login(make_user("accounts.read_any", is_staff=True))
    return client
