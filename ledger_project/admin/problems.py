"""Error pages of the admin, in HTML because people read them in a browser."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

OUT_OF_DATE = (
    "This form is out of date",
    "You have logged in again since the form was loaded. Nothing was changed. Go back, reload the "
    "page, and submit the form again.",
)


def page(request: HttpRequest, status: int, words: tuple[str, str]) -> HttpResponse:
    """
    Return an error page with a link back to the admin's home page.

    :param words: what happened, as the title, and what to do about it
    """
    title, advice = words
    context = {
        "title": title,
        "advice": advice,
        "site_title": admin.site.site_title,
        "site_header": admin.site.site_header,
    }
    return HttpResponse(render_to_string("admin/problem.html", context, request), status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the error page for a form whose CSRF token doesn't match the session."""
    return page(request, 403, OUT_OF_DATE)
