"""Fixtures for the tests of the admin."""

import pytest
from django.contrib.auth.models import Group


@pytest.fixture
def browser(client, make_user):
    """Return a client logged in as a member of the group Support."""
    user = make_user(username="support", is_staff=True)
    user.groups.add(Group.objects.get(name="Support"))
    client.force_login(user)
    return client
