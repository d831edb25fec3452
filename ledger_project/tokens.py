"""
The tokens that this service signs: their claims, and the exchange and revocation of refresh tokens.

The access token of a service key names the key and its scopes. All other tokens have a hash of the
password, so that they are invalid after it was changed.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import rest_framework_simplejwt.state as simplejwt
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from api.fields import UUID_FORM
from database.switching import current_ledger

# The lifetimes of tokens.
ACCESS_MINUTES = api_settings.ACCESS_TOKEN_LIFETIME // timedelta(minutes=1)
REFRESH_HOURS = api_settings.REFRESH_TOKEN_LIFETIME // timedelta(hours=1)

# The latest Unix time that a datetime can hold, and the largest possible id of a user.
LAST_SECOND = 253_402_300_799
LAST_USER = 2**31 - 1

# The claims of the access tokens of service keys, by their names in RFC 9068.
CLIENT_CLAIM, SCOPE_CLAIM = "client_id", "scope"


class AudienceOfLedger(TokenBackend):
    """
    Name the current ledger as the audience of each token.

    All ledgers of a service sign with the same key. A token of one is forged in every other one.
    """

    @property
    def audience(self) -> str:
        return current_ledger() or str(api_settings.AUDIENCE)

    @audience.setter
    def audience(self, value: object) -> None:
        """Ignore the audience of the settings, which is that of a service with one ledger."""


# All classes of tokens use it.
simplejwt.token_backend = AudienceOfLedger(
    api_settings.ALGORITHM,
    api_settings.SIGNING_KEY,
    issuer=api_settings.ISSUER,
    leeway=api_settings.LEEWAY,
)


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
            and _are_of_service_key_or_absent(claims)
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


def _are_of_service_key_or_absent(claims: dict[str, Any]) -> bool:
    if not claims.keys() & {CLIENT_CLAIM, SCOPE_CLAIM}:
        return True
    client_id, scope = claims.get(CLIENT_CLAIM), claims.get(SCOPE_CLAIM)
    return _is_text(client_id, UUID_FORM.pattern) and _is_text(scope, "[a-z:]+( [a-z:]+)*")


class SignedAccessToken(OwnClaims, AccessToken):
    """An access token. Creating one from text checks its signature, claims and times."""


class SignedRefreshToken(OwnClaims, RefreshToken):  # type: ignore[misc]  # like RefreshToken
    """A refresh token. Creating one checks everything except whether it was used or revoked."""

    def check_blacklist(self) -> None:
        """Do nothing: ``rotate`` checks it while it holds a lock."""


def verified(raw_token: bytes) -> Token:
    """
    Return the access token after checking everything except whether it has expired in the meantime.

    :raises InvalidToken: if it is forged or malformed
    """
    return _verified(raw_token, current_ledger())


@lru_cache(maxsize=1024)
def _verified(raw_token: bytes, _ledger: str | None) -> Token:
    # Cached, because a valid signature stays valid in its ledger. The caller checks the expiry each
    # time. An exception isn't cached.
    try:
        return SignedAccessToken(raw_token)  # type: ignore[arg-type]  # bytes work too
    except TokenError as error:
        raise InvalidToken() from error


def access_token_of(user_id: int, client_id: UUID, scope: str, lifetime: timedelta) -> AccessToken:
    """
    Return an access token of a service key.

    :param user_id: the owner of the key
    :param scope: the scopes of the token, separated by spaces
    """
    token = AccessToken()
    token.set_exp(lifetime=lifetime)
    token[api_settings.USER_ID_CLAIM] = str(user_id)
    token[CLIENT_CLAIM], token[SCOPE_CLAIM] = str(client_id), scope
    return token


def client_of(token: Token) -> UUID | None:
    """Return the id of the service key that obtained the token, or None if a person did."""
    client_id = token.get(CLIENT_CLAIM)
    return None if client_id is None else UUID(client_id)


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
    require_password(user, token)
    return user


def require_password(user: User, token: Token) -> None:
    """Check that the user's password hasn't changed since the token was issued."""
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise InvalidToken()


def _revoke_all(user: User) -> None:
    alive = OutstandingToken.objects.filter(user=user, blacklistedtoken__isnull=True)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in alive])
