"""The service key of the examples in the OpenAPI document. The demo data contains it."""

from typing import Any

CLIENT_ID = "019b8d7d-f1c0-7000-8000-0000000000e1"
OTHER_CLIENT_ID = "019b8d7d-f1c0-7000-8000-0000000000e2"
# As public as the passwords of the demo users.
DEMO_SECRET = "lsk_demo-secret-of-the-demo-data-never-use-it"

SERVICE_KEY: dict[str, Any] = {
    "client_id": CLIENT_ID,
    "name": "Shop backend",
    "owner": "demo",
    "scopes": ["accounts:read", "transfers:write"],
    "created_at": "2026-01-05T09:30:00.000000Z",
    "expires_at": None,
    "last_used_at": "2026-01-31T12:00:00.000000Z",
    "revoked_at": None,
    "revoke_reason": "",
}
NEW_SERVICE_KEY = {
    **SERVICE_KEY,
    "last_used_at": None,
    "client_secret": "lsk_9Xb4zQ0u3m6yV7oKc1r8tWnEiLhPgSfJdAaUeRxTqBw",
}
REVOKED_SERVICE_KEY = {
    **SERVICE_KEY,
    "client_id": OTHER_CLIENT_ID,
    "revoked_at": "2026-02-01T08:00:00.000000Z",
    "revoke_reason": "Replaced by a new key",
}
