"""Using a token, and what is answered to one that is refused."""


def refresh(client, token):
    return client.post("/auth/token/refresh", {"refresh": str(token)})


def list_accounts(client, token):
    return client.get("/accounts", headers={"Authorization": f"Bearer {token}"})


def assert_unauthorized(answer, code="token_not_valid"):
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["code"] == code
