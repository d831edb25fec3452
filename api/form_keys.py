"""The key of a form of the admin, under which it is carried out once (``ledger_project.admin``)."""

from uuid import UUID

from django.http import HttpRequest

# The hidden field of a form that is confirmed after its preview.
FORM_KEY = "form_key"
# The button that leads back from the preview to the fields.
EDIT = "edit"


def form_key_of(request: HttpRequest) -> str | None:
    """Return the key of the form in the request; None if it wasn't confirmed after its preview."""
    if EDIT in request.POST:
        return None
    try:
        return str(UUID(request.POST.get(FORM_KEY, "")))
    except ValueError:
        return None
