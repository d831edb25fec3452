"""JWT authentication: each token is verified once per request, and its scopes are checked."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings

from api.errors import ApiError
from api.operations import handler_of
from api.scopes import ONLY_PEOPLE, Scope, is_limited, limit_to, require_scope
from database.composed import ComposedQuery, Placeholder
from database.postgresql.replay import POSITION, READS
from ledger_project.permissions import HAS_RIGHTS
from ledger_project.tokens import SCOPE_CLAIM, client_of, require_password, verified


class LedgerJWTAuthentication(JWTAuthentication):
    """
    Verify the bearer token and look up its user, once per request.

    The result is kept on the request, because the idempotency middleware authenticates before the
    view does. The user is looked up in each request, so that a deactivated user and a revoked
    service key are refused at once and not only when the token expires.

    This is the one place that checks whether a service key has the scope of an operation. It does
    so before anything else, so that no stored response is replayed to a key without the scope.
    """

    def authenticate(self, request):
        # The middleware passes Django's request, and DRF's views pass DRF's, which wraps it.
        http_request = getattr(request, "_request", request)
        if not hasattr(http_request, "jwt_outcome"):
            http_request.jwt_outcome = self._outcome(request)
            if isinstance(http_request.jwt_outcome, tuple):
                http_request.caller_id = http_request.jwt_outcome[0].pk
        if isinstance(http_request.jwt_outcome, APIException):
            raise http_request.jwt_outcome
        if http_request.jwt_outcome is not None:
            _require_scope(http_request, http_request.jwt_outcome[0])
        return http_request.jwt_outcome

    def identify(self, request):
        """
        Verify the bearer token without looking up its user, and return it.

        None if it is invalid or lacks the scope. Until ``forget`` is called, views see a user that
        has only an id. Whoever does anything for the request must look up the user, and ask
        ``admits``.
        """
        try:
            raw_token = self.get_raw_token(self.get_header(request) or b"")
            token = None if raw_token is None else self.get_validated_token(raw_token)
            if token is not None:
                user = api_settings.TOKEN_USER_CLASS(token)
                _limit(user, token)
                _require_scope(request, user)
                request.jwt_outcome, request.caller_id = (user, token), int(user.pk)
        except (APIException, ApiError):
            return None
        return token

    def forget(self, request):
        """Undo ``identify``, so that the request is authenticated again."""
        del request.jwt_outcome, request.caller_id

    @staticmethod
    def admits(user, token):
        """
        Return whether the token admits this active user, and limit the user to its scopes.

        A person's token doesn't if the password was changed since. A service key's doesn't unless
        the key is in ``user.live_keys``, which only needs to be set for tokens of service keys.
        """
        client_id = client_of(token)
        if client_id is None:
            try:
                require_password(user, token)
            except InvalidToken:
                return False
        elif client_id not in user.live_keys:
            return False
        _limit(user, token)
        return True

    def get_raw_token(self, header):
        # The name of the scheme is case-insensitive (RFC 9110 §11.1).
        scheme, _, token = header.partition(b" ")
        return super().get_raw_token(scheme.title() + b" " + token)

    def get_validated_token(self, raw_token):
        """
        Return the token after checking its signature, claims and expiry.

        :raises InvalidToken: if one of them is invalid
        """
        token = verified(raw_token)
        try:
            token.check_exp(current_time=timezone.now())
        except TokenError as error:
            raise InvalidToken() from error
        return token

    def get_user(self, validated_token):
        """
        Return the user of a validated token.

        :raises InvalidToken: if the user was deleted or deactivated, if a person has changed the
            password, or if a service key was revoked
        """
        user_id, client_id = validated_token["user_id"], client_of(validated_token)
        if client_id is None:
            users = _active_user()(user_id)
        else:
            users = _owner_of_live_key()(user_id, client_id)
        user: Any
        for user in users:
            user.live_keys = {client_id}
            if self.admits(user, validated_token):
                return user
        raise InvalidToken()

    def _outcome(self, request):
        try:
            return super().authenticate(request)
        except APIException as refusal:
            return refusal


def _users() -> QuerySet[User]:
    users = User.objects.annotate(has_rights=HAS_RIGHTS)
    if READS in settings.DATABASES:
        # How far a standby must be to answer the request: see `reads`.
        users = users.annotate(position=RawSQL(POSITION, [], output_field=TextField()))
    return users


@cache
def _active_user() -> ComposedQuery[User]:
    users = _users()
    user_id = Placeholder()
    return ComposedQuery(users.filter(pk=user_id, is_active=True), [user_id])


@cache
def _owner_of_live_key() -> ComposedQuery[User]:
    # A key that has expired needs no check, because its tokens expire no later than the key.
    users = _users()
    user_id, client_id = Placeholder(), Placeholder()
    live = users.filter(
        pk=user_id, is_active=True, service_keys__pk=client_id, service_keys__revoked_at=None
    )
    return ComposedQuery(live, [user_id, client_id])


def _limit(user, token):
    if client_of(token) is not None:
        limit_to(user, token[SCOPE_CLAIM].split())


def _require_scope(request: HttpRequest, user):
    if not is_limited(user):
        return
    match = request.resolver_match
    handler = None if match is None else handler_of(match.func, request.method or "")
    # A method that the route doesn't have is 405 later.
    if match is None or handler is not None:
        require_scope(user, getattr(getattr(handler, "operation", None), "scope", None))


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe the tokens of people and of service keys, for Swagger UI's Authorize button."""

    target_class = "ledger_project.authentication.LedgerJWTAuthentication"
    name = ["bearer", "serviceKey"]

    def get_security_definition(self, auto_schema):
        grant = {"tokenUrl": "/auth/token", "scopes": {each.value: each.meaning for each in Scope}}
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The `access` token of `POST /auth/token`.",
            },
            {
                "type": "oauth2",
                "description": "A service key: its `client_id` and `client_secret`.",
                "flows": {"clientCredentials": grant},
            },
        ]

    def get_security_requirement(self, auto_schema):
        scope = auto_schema.operation.scope
        bearer: dict[str, list[str]] = {"bearer": []}
        return [bearer] if scope in (None, ONLY_PEOPLE) else [bearer, {"serviceKey": [scope]}]
