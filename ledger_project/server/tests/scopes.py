"""ASGI scopes of requests."""

from typing import Any


def scope(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/transfers",
    query: str = "",
    version: str = "1.1",
    peer: str = "127.0.0.1",
) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    return {
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "http_version": version,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": (peer, 50000),
        "server": ("127.0.0.1", 8000),
    }
