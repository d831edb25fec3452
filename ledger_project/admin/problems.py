"""What went wrong in the admin, as a page: who sees it is a person, with a browser."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

OUT_OF_DATE = (
    "This form is out of date",
    "You have logged in again since it was shown. Nothing was changed: go back, reload the page, "
    "and send it again.",
)


def page(request: HttpRequest, status: int, words: tuple[str, str]) -> HttpResponse:
    """Return a page of the admin with what happened and what to do about it, and a way back."""
    title, advice = words
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
