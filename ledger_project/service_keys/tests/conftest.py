"""Fixtures for the tests of service keys."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.service_keys.tests.keys import Held


@pytest.fixture
def make_key(alice) -> Callable[..., Held]:
    """Return a function that creates a key of alice, by default with all scopes."""

    def make(
        *scopes: str, owner: User = alice, name: str = "backend", days: int | None = None
    ) -> Held:
        expires_in = None if days is None else timedelta(days=days)
        wanted = [scope for scope in Scope if scope in scopes] or list(Scope)
        return Held(*services.create(owner=owner, name=name, scopes=wanted, expires_in=expires_in))

    return make
