"""Middleware for the headers Content-Security-Policy (W3C) and Cache-Control."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Responses of the API are data, so a browser that shows one as a page mustn't load anything.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# The policies by the beginning of the path. Django 6 has a setting, but only for one policy.
POLICY_OF_PATH = {
    # Swagger UI needs inline styles, and data: URLs for its icons.
    "/docs": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "/admin/": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}


class ContentSecurityPolicyMiddleware:
    """Set the Content-Security-Policy of each response by the path of its request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = next(
            (policy for path, policy in POLICY_OF_PATH.items() if request.path.startswith(path)),
            API_POLICY,
        )
        return response


class NoStoreMiddleware:
    """
    Set ``Cache-Control: no-store`` on responses without Cache-Control (RFC 9111 §5.2.2.5).

    Balances, statements and tokens are private, and cached copies would soon be out of date.
    Static files and the OpenAPI document set a Cache-Control header of their own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response
