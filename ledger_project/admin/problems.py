"""What went wrong in the admin, as a page: who sees it is a person, with a browser."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# What happened and what to do about it, by status.
WORDS = {
    400: ("This request can't be read", "Go back, reload the page, and try again."),
    403: (
        "You may not do this",
        "Your user lacks the permission for this page. Ask whoever manages the users.",
    ),
    404: ("There is nothing here", "Check the address, or look for it from the start."),
    413: ("That is too much at once", "Select less, and try again."),
    422: ("That is too much at once", "Select less, and try again."),
    500: (
        "The ledger failed",
        "What you were doing was not done. If it happens again, report the time and the address of "
        "this page.",
    ),
    503: (
        "The ledger can't reach its database",
        "Try again in a moment. If you were changing something, look first whether it was done.",
    ),
}
OUT_OF_DATE = (
    "This form is out of date",
    "You have logged in again since it was shown. Nothing was changed: go back, reload the page, "
    "and send it again.",
)


def page(request: HttpRequest, status: int, words: tuple[str, str] | None = None) -> HttpResponse:
    """Return a page of the admin that says what happened, with a way back."""
    title, advice = words or WORDS.get(status, WORDS[400])
    context = {
        "title": title,
        "advice": advice,
        "site_title": admin.site.site_title,
        "site_header": admin.site.site_header,
    }
    return HttpResponse(render_to_string("admin/problem.html", context, request), status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token isn't that of the session."""
    return page(request, 403, OUT_OF_DATE)
