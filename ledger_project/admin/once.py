"""Carry out a confirmed form of the admin once, however often the browser sends it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from api.form_keys import form_key_of
from database.replication import confirmed
from ledger_project.idempotency.models import (
    LONGEST_PATH,
    IdempotencyKey,
    fingerprint,
    relied_on_by,
    remembered_body,
    remembered_headers,
)

View = Callable[..., HttpResponse]

REPEATED = "This form was already sent and carried out. It was not carried out again."
CHANGED = (
    "Nothing was changed: this form was already sent with other values. Check what it did, and "
    "start again if something is left to do."
)


def once(view: View) -> View:
    """
    Return the view with its effect limited to once per user and key of a form.

    The key, the changes and the redirect are committed in one transaction, as for requests of the
    API. A second request with the key waits for it, and is redirected like the first. A response
    that isn't a redirect means that nothing was done, and the key can be used again.
    """

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = form_key_of(request)
        if key is None:
            return view(request, *args, **kwargs)
        claim = _claim(request, key)
        with transaction.atomic(durable=True):
            claimed = IdempotencyKey.objects.claim(user=request.user, **claim)  # type: ignore[arg-type]  # the admin requires a login
            if claimed is None:
                return _repeated(request, claim)
            response = view(request, *args, **kwargs)
            if response.status_code == 302:
                IdempotencyKey.objects.remember(
                    claimed,
                    response.status_code,
                    {**remembered_headers(response), "Content-Type": "application/json"},
                    remembered_body(response),
                    relied_on_by(request.user),  # type: ignore[arg-type]
                )
            else:
                transaction.set_rollback(True)
        return response

    return run


def _claim(request: HttpRequest, key: str) -> dict[str, Any]:
    path = request.get_full_path()
    fields = {name: request.POST.getlist(name) for name in request.POST}
    # It differs between two copies of the same page.
    fields.pop("csrfmiddlewaretoken", None)
    return {
        "key": key,
        "method": request.method,
        "path": path[:LONGEST_PATH],
        "fingerprint": fingerprint(request.method or "", path, fields, b""),
    }


def _repeated(request: HttpRequest, claim: dict[str, Any]) -> HttpResponse:
    keys = confirmed(IdempotencyKey.objects.filter(user=request.user))  # type: ignore[misc]
    record = keys.get(key=claim["key"])
    if record.fingerprint != claim["fingerprint"]:
        messages.error(request, CHANGED)
        return redirect(request.path)
    messages.info(request, REPEATED)
    return redirect(record.response_headers.get("Location", request.path))
