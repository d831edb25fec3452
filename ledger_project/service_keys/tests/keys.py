"""Service keys with their secrets, and clients that use them."""

from typing import Any, NamedTuple

from conftest import LedgerClient
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


def client_with(held: Held, **changes: Any) -> LedgerClient:
    """Return a client with a token of the key."""
    client = LedgerClient()
    answer = client.post(TOKEN_PATH, held.grant(**changes))
    assert answer.status_code == 200, answer.content
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access_token']}")
    return client
