"""JWT: verified once a request, and refresh tokens that work once."""

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

# For how long tokens are good.
ACCESS_MINUTES = api_settings.ACCESS_TOKEN_LIFETIME // timedelta(minutes=1)
REFRESH_HOURS = api_settings.REFRESH_TOKEN_LIFETIME // timedelta(hours=1)

# The last second that a datetime can hold, and the largest id that a user can have.
LAST_SECOND = 253_402_300_799
LAST_USER = 2**31 - 1


class LedgerJWTAuthentication(JWTAuthentication):
    """
    Verify the bearer token, and look its user up, once a request.

    The idempotency middleware asks before the view does; the answer is kept on the request. The
    look-up stays, so that a deactivated user is refused at once and not when the token expires.
    """

    def authenticate(self, request):
        # DRF wraps Django's request, and the middleware has only the latter.
        http_request = getattr(request, "_request", request)
        if not hasattr(http_request, "jwt_outcome"):
            http_request.jwt_outcome = self._outcome(request)
            if isinstance(http_request.jwt_outcome, tuple):
                http_request.caller_id = http_request.jwt_outcome[0].pk
        if isinstance(http_request.jwt_outcome, APIException):
            raise http_request.jwt_outcome
        return http_request.jwt_outcome

    def get_raw_token(self, header):
        # The name of a scheme is the same in upper and lower case (RFC 9110 §11.1).
        scheme, _, token = header.partition(b" ")
        return super().get_raw_token(scheme.title() + b" " + token)

    def get_validated_token(self, raw_token):
        """
        Return the token, whose signature was right and whose time is not over.

        :raises InvalidToken: if either isn't so
        """
        token = _verified(raw_token)
        try:
            token.check_exp(current_time=timezone.now())
        except TokenError as error:
            raise InvalidToken() from error
        return token

    def get_user(self, validated_token):
        """
        Return the user of a token whose signature and times are right.

        :raises InvalidToken: if they are gone or deactivated, or have another password by now
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
    # Once for each token: a signature that was right stays right, and only the time goes on. What
    # was refused is not kept.
    try:
        return SignedAccessToken(raw_token)  # type: ignore[arg-type]  # bytes are fine
    except TokenError as error:
        raise InvalidToken() from error


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe the bearer token to OpenAPI, and so to Swagger UI's Authorize button."""

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
    """A token whose claims have the shapes in which this service writes them."""

    def verify(self) -> None:
        """
        Check the claims before anything calculates with them or asks the database for them.

        :raises TokenError: if one is missing or odd, or the token is over or of the other kind
        """
        claims = self.payload
        if not (
            _is_time(claims.get("exp"))
            and _is_time(claims.get("iat"))
            and _is_text(claims.get(api_settings.JTI_CLAIM), "[0-9a-f]{32}")
            and _is_text(claims.get(api_settings.USER_ID_CLAIM), "[1-9][0-9]{0,9}")
            and int(claims[api_settings.USER_ID_CLAIM]) <= LAST_USER
        ):
            raise TokenError("The token lacks a claim, or has one in another shape.")
        super().verify()

    def check_exp(self, claim: str = "exp", current_time: datetime | None = None) -> None:
        """
        Check that the token isn't over. ``LEEWAY`` is for its beginning, and prolongs nothing.

        :raises TokenError: if it is
        """
        leeway = self.get_token_backend().get_leeway()
        super().check_exp(claim, (current_time or self.current_time) + leeway)


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LAST_SECOND


def _is_text(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


class SignedAccessToken(OwnClaims, AccessToken):
    """An access token whose signature, claims and times are checked."""


class SignedRefreshToken(OwnClaims, RefreshToken):  # type: ignore[misc]  # so is RefreshToken
    """A refresh token of which everything is checked but whether it was used."""

    def check_blacklist(self) -> None:
        """Leave it to ``rotate``, which asks under a lock."""


def rotate(raw_token: str) -> dict[str, str]:
    """
    Exchange a refresh token for a new pair. Its second use ends every refresh token of its user.

    simplejwt's own rotation lets 4 to 6 of 6 concurrent uses succeed. Here they queue on the
    user's row; whoever comes second has found a copy of the token, or lost one (RFC 9700 §4.14.2).

    :raises InvalidToken: if the token is forged, expired or used, or its user is gone
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
    # Only now, so that the revocation is committed.
    if not first_use:
        raise InvalidToken()
    return {"access": str(fresh.access_token), "refresh": str(fresh)}


def revoke(raw_token: str) -> None:
    """
    End one refresh token. One that was ended before stays so.

    :raises InvalidToken: if the token is forged or expired
    """
    token = _signed(raw_token)
    with transaction.atomic():
        user = _locked_user(token)
        for outstanding in OutstandingToken.objects.filter(jti=token["jti"], user=user):
            BlacklistedToken.objects.get_or_create(token=outstanding)


def _signed(raw_token: str) -> RefreshToken:
    try:
        return SignedRefreshToken(raw_token)  # type: ignore[arg-type]  # text is fine
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
    """Check that the user's password is the one that the token was made with."""
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise InvalidToken()


def _revoke_all(user: User) -> None:
    alive = OutstandingToken.objects.filter(user=user, blacklistedtoken__isnull=True)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in alive])
