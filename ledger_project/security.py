"""What a browser may load and run from here (Content Security Policy, W3C), and what it keeps."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# An answer of the API is data: a browser that shows one as a page loads nothing for it.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Django 6 has a setting for one policy; here each face has its own.
POLICY_OF_PATH = {
    # Swagger UI styles its elements inline and draws its icons from data: URLs.
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
    """Send with each answer the policy of the face that it belongs to."""

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
    Let no cache keep an answer that doesn't say itself how it may be cached (RFC 9111 §5.2.2.5).

    Balances, statements and tokens are nobody else's, and a copy of them is soon wrong. Static
    files and the OpenAPI document say that they may be kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response
