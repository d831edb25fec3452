"""JWT authentication, with tokens that are verified once per request and refreshed only once."""

import re
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from database.composed import ComposedQuery, Placeholder
from ledger_project.permissions import HAS_RIGHTS

# The lifetimes of tokens.
ACCESS_MINUTES = api_settings.ACCESS_TOKEN_LIFETIME // timedelta(minutes=1)
REFRESH_HOURS = api_settings.REFRESH_TOKEN_LIFETIME // timedelta(hours=1)

# The latest Unix time that a datetime can hold, and the largest possible id of a user.
LAST_SECOND = 253_402_300_799
LAST_USER = 2**31 - 1


class LedgerJWTAuthentication(JWTAuthentication):
    """
    Verify the bearer token and look up its user, once per request.

    The result is kept on the request, because the idempotency middleware authenticates before the
    view does. The user is looked up in each request, so that a deactivated user is refused at once
    and not only when the token expires.
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
        return http_request.jwt_outcome

    def identify(self, request):
        """
        Verify the bearer token without looking up its user, and return it; None if it is invalid.

        Until ``forget`` is called, views see a user that has only an id. Whoever does anything for
        the request must look up the user, and ask ``admits``.
        """
        try:
            raw_token = self.get_raw_token(self.get_header(request) or b"")
            token = None if raw_token is None else self.get_validated_token(raw_token)
        except APIException:
            return None
        if token is not None:
            user = api_settings.TOKEN_USER_CLASS(token)
            request.jwt_outcome, request.caller_id = (user, token), int(user.pk)
        return token

    def forget(self, request):
        """Undo ``identify``, so that the request is authenticated again."""
        del request.jwt_outcome, request.caller_id

    @staticmethod
    def admits(user, token):
        """Return whether the token admits this active user, who hasn't changed the password."""
        try:
            _require_password(user, token)
        except InvalidToken:
            return False
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
        token = _verified(raw_token)
        try:
            token.check_exp(current_time=timezone.now())
        except TokenError as error:
            raise InvalidToken() from error
        return token

    def get_user(self, validated_token):
        """
        Return the user of a validated token.

        :raises InvalidToken: if the user was deleted or deactivated, or has changed the password
        """
        for user in _active_user()(validated_token.get(api_settings.USER_ID_CLAIM)):
            _require_password(user, validated_token)
            return user
        raise InvalidToken()

    def _outcome(self, request):
        try:
            return super().authenticate(request)
        except APIException as refusal:
            return refusal


@cache
def _active_user() -> ComposedQuery[User]:
    users = User.objects.annotate(has_rights=HAS_RIGHTS)
    user_id = Placeholder()
    return ComposedQuery(users.filter(pk=user_id, is_active=True), [user_id])


@lru_cache(maxsize=1024)
def _verified(raw_token: bytes) -> Token:
    # Cached, because a valid signature stays valid. The caller checks the expiry each time. An
    # exception isn't cached.
    try:
        return SignedAccessToken(raw_token)  # type: ignore[arg-type]  # bytes work too
    except TokenError as error:
        raise InvalidToken() from error


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe the bearer token in the OpenAPI document, for Swagger UI's Authorize button."""

    target_class = "ledger_project.authentication.LedgerJWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token of `POST /auth/token`.",
        }


class OwnClaims(Token):
    """A token whose claims have the types and formats that this service writes."""

    def verify(self) -> None:
        """
        Check the types and formats of the claims before they are used.

        :raises TokenError: if a claim is missing or malformed, or if the token has expired or has
            another type
        """
        claims = self.payload
        if not (
            _is_time(claims.get("exp"))
            and _is_time(claims.get("iat"))
            and _is_text(claims.get(api_settings.JTI_CLAIM), "[0-9a-f]{32}")
            and _is_text(claims.get(api_settings.USER_ID_CLAIM), "[1-9][0-9]{0,9}")
            and int(claims[api_settings.USER_ID_CLAIM]) <= LAST_USER
        ):
            raise TokenError("A claim of the token is missing or malformed.")
        super().verify()

    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """
        Check that the token hasn't expired. ``LEEWAY`` applies only to its beginning.

        :raises TokenError: if it has
        """
        leeway = self.get_token_backend().get_leeway()
        super().check_exp(claim, (current_time or self.current_time) + leeway)


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LAST_SECOND


def _is_text(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


class SignedAccessToken(OwnClaims, AccessToken):
    """An access token. Creating one from text checks its signature, claims and times."""


class SignedRefreshToken(OwnClaims, RefreshToken):  # type: ignore[misc]  # like RefreshToken
    """A refresh token. Creating one checks everything except whether it was used or revoked."""

    def check_blacklist(self) -> None:
        """Do nothing: ``rotate`` checks it while it holds a lock."""


def rotate(raw_token: str) -> dict[str, str]:
    """
    Exchange a refresh token for a new pair. A second use revokes all refresh tokens of the user.

    With simplejwt's own rotation, 4 to 6 of 6 concurrent uses succeed. Here, each of them locks
    the user's row first. A second use means that the token was stolen (RFC 9700 §4.14.2).

    :raises InvalidToken: if the token is forged, expired or used, or if its user was deleted,
        deactivated or has changed the password
    """
    token = _signed(raw_token)
    with transaction.atomic():
        user = _locked_user(token)
        outstanding = OutstandingToken.objects.filter(jti=token["jti"], user=user).first()
        if outstanding is None:
            raise InvalidToken()
        _, first_use = BlacklistedToken.objects.get_or_create(token=outstanding)
        if first_use:
            fresh = RefreshToken.for_user(user)
        else:
            _revoke_all(user)
    # Raised after the transaction, so that the revocation is committed.
    if not first_use:
        raise InvalidToken()
    return {"access": str(fresh.access_token), "refresh": str(fresh)}


def revoke(raw_token: str) -> None:
    """
    Revoke one refresh token. Do nothing if it was revoked before.

    :raises InvalidToken: if the token is forged or expired
    """
    token = _signed(raw_token)
    with transaction.atomic():
        user = _locked_user(token)
        for outstanding in OutstandingToken.objects.filter(jti=token["jti"], user=user):
            BlacklistedToken.objects.get_or_create(token=outstanding)


def _signed(raw_token: str) -> RefreshToken:
    try:
        return SignedRefreshToken(raw_token)  # type: ignore[arg-type]  # str works too
    except TokenError as error:
        raise InvalidToken() from error


def _locked_user(token: RefreshToken) -> User:
    users = get_user_model().objects.select_for_update(no_key=True)
    user = users.filter(pk=token.get(api_settings.USER_ID_CLAIM), is_active=True).first()
    if user is None:
        raise InvalidToken()
    _require_password(user, token)
    return user


def _require_password(user: User, token: Token) -> None:
    """Check that the user's password hasn't changed since the token was issued."""
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise InvalidToken()


def _revoke_all(user: User) -> None:
    alive = OutstandingToken.objects.filter(user=user, blacklistedtoken__isnull=True)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in alive])
