"""Ordinary OAuth 2.0 clients use service keys on the real server."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from oauthlib.oauth2.rfc6749.errors import InvalidScopeError
from requests_oauthlib import OAuth2Session

from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.service_keys.tests.keys import Held
from ledger_project.tests.live import HOST, PATIENCE, live_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.one_database,
    pytest.mark.usefixtures("without_https"),
]


@pytest.fixture
def url() -> Iterator[str]:
    with live_server("--workers", "1") as server:
        yield f"http://{HOST}:{server.port}"


@pytest.fixture
def held(alice) -> Held:
    scopes = [Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.CASH_WRITE]
    return Held(*services.create(owner=alice, name="backend", scopes=scopes))


@pytest.fixture
def without_https(monkeypatch) -> None:
    # Both clients refuse plain HTTP, even to this machine.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def use(session, url: str) -> None:
    """Open an account and deposit into it twice with one key, with any HTTP session."""

    def post(path: str, body: dict, key: str):
        return session.post(f"{url}{path}", json=body, headers={"Idempotency-Key": key})

    account = post("/accounts", {"owner_name": "Shop"}, str(uuid4())).json()
    path, key = f"/accounts/{account['id']}/deposit", str(uuid4())
    answers = [post(path, {"amount": 5}, key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert [each["balance"] for each in session.get(f"{url}/accounts").json()["items"]] == [5]
    hold = {"source_account_id": account["id"], "dest_account_id": account["id"], "amount": 1}
    refused = post("/transfers", hold, str(uuid4()))
    assert (refused.status_code, refused.json()["scope"]) == (403, "transfers:write")


def test_authlib_obtains_a_token_by_either_method_and_understands_errors(url, held):
    def session_for(secret: str, method: str = "client_secret_basic") -> AuthlibSession:
        session = AuthlibSession(
            str(held.key.pk), secret, token_endpoint_auth_method=method, default_timeout=PATIENCE
        )
        session.trust_env = False
        return session

    endpoint = f"{url}/auth/token"
    for method in ("client_secret_post", "client_secret_basic"):
        session = session_for(held.secret, method)
        token = session.fetch_token(endpoint, grant_type="client_credentials")
        assert (token["token_type"], token["scope"]) == ("Bearer", held.key.scope)
    use(session, url)

    with pytest.raises(OAuthError) as refused:
        session_for("wrong").fetch_token(endpoint, grant_type="client_credentials")
    assert refused.value.error == "invalid_client"
    assert refused.value.description.startswith("No active service key found")


def test_requests_oauthlib_obtains_a_token_and_understands_errors(url, held):
    def session_for(scope: list[str] | None = None) -> OAuth2Session:
        session = OAuth2Session(client=BackendApplicationClient(str(held.key.pk), scope=scope))
        session.trust_env = False
        return session

    endpoint = f"{url}/auth/token"
    session = session_for()
    token = session.fetch_token(endpoint, client_secret=held.secret)
    assert token["expires_in"] == 3600
    use(session, url)

    with pytest.raises(InvalidClientError, match="No active service key found"):
        session_for().fetch_token(endpoint, client_secret="wrong")
    with pytest.raises(InvalidScopeError):
        session_for(["events:read"]).fetch_token(endpoint, client_secret=held.secret)
