"""
The client-credentials grant of OAuth 2.0 (RFC 6749 §4.4): a service key for an access token.

The request is form-encoded, as the RFC demands, or JSON. The credentials are in the header
Authorization, as HTTP Basic, or in the body. Parameters that aren't known are ignored (§3.2).
"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

import structlog
from django.conf import settings
from django.http import QueryDict
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from api.fields import UUID_FORM
from api.parsers import refuse_encoding
from ledger_project.service_keys.exceptions import (
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    UnsupportedGrantType,
)
from ledger_project.service_keys.models import ServiceKey
from ledger_project.tokens import access_token_of
from transfers import clock

# The precision of the time of the last use, so that frequent tokens don't each write it.
LAST_USE = timedelta(minutes=1)
MOST_PARAMETERS = 20

logger = structlog.get_logger("ledger.service_keys")


class Form(dict[str, str]):
    """The parameters of a form-encoded body."""


class FormParser(BaseParser):
    """Parse a form-encoded body of UTF-8 in which no parameter is repeated."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Form:
        refuse_encoding((parser_context or {}).get("request"))
        body = stream.read()
        if body.count(b"&") >= MOST_PARAMETERS:
            raise InvalidRequest(f"Send at most {MOST_PARAMETERS} parameters.")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError as error:
            raise InvalidRequest("The body is not a valid form of UTF-8.") from error
        form = Form(pairs)
        if len(form) < len(pairs):
            raise InvalidRequest("A parameter appears twice.")
        return form


def is_grant(request: Request) -> bool:
    """Return whether a request for tokens is a grant, and not a login with a password."""
    data: Any = request.data
    # DRF returns a QueryDict for a form without a body.
    is_form = isinstance(data, Form | QueryDict)
    return is_form or (isinstance(data, dict) and "grant_type" in data)


def exchange(request: Request) -> dict[str, Any]:
    """
    Return the response to a grant: an access token, its type, its lifetime and its scopes.

    :raises GrantError: if the request or the key is invalid, or the key lacks a scope
    """
    parameters = _parameters(request)
    grant_type = parameters.get("grant_type")
    if grant_type is None:
        raise InvalidRequest()
    if grant_type != "client_credentials":
        raise UnsupportedGrantType()
    address = request.META.get("REMOTE_ADDR") or None
    key, now = _key_of(*_credentials(request, parameters), address)
    held = key.scope.split()
    wanted = parameters.get("scope", "").split() or held
    if not set(wanted) <= set(held):
        raise InvalidScope()
    if key.last_used_at is None or key.last_used_at <= now - LAST_USE:
        ServiceKey.objects.filter(pk=key.pk).update(last_used_at=now)
    lifetime = timedelta(minutes=settings.SERVICE_TOKEN_MINUTES)
    if key.expires_at is not None:
        lifetime = min(lifetime, key.expires_at - now)
    scope = " ".join(each for each in held if each in wanted)
    return {
        "access_token": str(access_token_of(key.owner_id, key.pk, scope, lifetime)),
        "token_type": "Bearer",
        "expires_in": int(lifetime.total_seconds()),
        "scope": scope,
    }


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters without the empty ones, which count as left out (RFC 6749 §3.2)."""
    data: Any = request.data
    if not all(isinstance(value, str) for value in data.values()):
        raise InvalidRequest("Every parameter must be a string.")
    return {name: value for name, value in data.items() if value}


def _credentials(request: Request, parameters: dict[str, str]) -> tuple[str, str]:
    """Return the client id and the secret, from the header or from the body."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    in_body = parameters.get("client_id"), parameters.get("client_secret")
    if scheme.lower() != "basic":
        if None in in_body:
            raise InvalidRequest()
        return in_body  # type: ignore[return-value]  # checked above
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient() from error
    # Both are form-encoded before they are put together (RFC 6749 §2.3.1).
    client_id, _, secret = (unquote_plus(part) for part in text.partition(":"))
    if in_body[1] is not None or in_body[0] not in (None, client_id):
        raise InvalidRequest("Send the credentials either in the header or in the body.")
    return client_id, secret


def _key_of(client_id: str, secret: str, address: str | None) -> tuple[ServiceKey, datetime]:
    """
    Return the key with these credentials, and the current time.

    :param address: the client's, for the log
    :raises InvalidClient: if there is none, or it can't be used any more
    """
    # Another text isn't logged, because it may be a secret in the wrong field.
    asked = UUID(client_id) if UUID_FORM.fullmatch(client_id) else None
    keys = ServiceKey.objects.select_related("owner").annotate(now=clock.of_statement())
    key: Any = keys.filter(pk=asked).first() if asked else None
    if key is None:
        why = "there is no such key"
    elif not key.has_secret(secret):
        why = "the secret is wrong"
    else:
        why = key.status_at(key.now).lower()
        if why == "active":
            return key, key.now
    # The response doesn't say why, but the operator wants to know.
    shown = asked and str(asked)
    logger.warning("service key refused", client_id=shown, reason=why, client=address)
    raise InvalidClient()
