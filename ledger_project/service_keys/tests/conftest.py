"""Service keys, and clients that use them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User

from api.scopes import Scope
from conftest import LedgerClient
from ledger_project.service_keys import services
from ledger_project.service_keys.models import ServiceKey

TOKEN_PATH = "/auth/token"


class Held(NamedTuple):
    """A service key, with its secret."""

    key: ServiceKey
    secret: str

    def grant(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a grant."""
        grant = {
            "grant_type": "client_credentials",
            "client_id": str(self.key.pk),
            "client_secret": self.secret,
            **changes,
        }
        return {name: value for name, value in grant.items() if value is not None}


@pytest.fixture
def anyone(client_for) -> LedgerClient:
    """A client that isn't logged in."""
    return client_for(None)


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


def client_with(held: Held, **changes: Any) -> LedgerClient:
    """Return a client with a token of the key."""
    client = LedgerClient()
    answer = client.post(TOKEN_PATH, held.grant(**changes))
    assert answer.status_code == 200, answer.content
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access_token']}")
    return client
