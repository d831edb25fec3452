"""Send requests with a token, and check refused ones."""


def refresh(client, token):
    return client.post("/auth/token/refresh", {"refresh": str(token)})


def list_accounts(client, token):
    return client.get("/accounts", headers={"Authorization": f"Bearer {token}"})


def assert_unauthorized(response, code="token_not_valid"):
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["code"] == code
