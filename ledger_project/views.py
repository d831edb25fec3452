"""The views for logging in and out, and for the documentation."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from api.errors import ApiError
from api.exceptions import LARGEST_BODY, AuthenticationFailed, NotAuthenticated, TokenNotValid
from api.fields import StrictCharField, StrictSerializer
from api.operations import ANYONE, Operation
from api.parsers import refuse_query, require_size
from api.probe import probe
from api.problems import problem_of
from ledger_project.service_keys.exceptions import GRANT_ERRORS, as_grant_error
from ledger_project.service_keys.grants import FormParser, exchange, is_grant
from ledger_project.throttling import LoginThrottle, LoginTry
from ledger_project.tokens import ACCESS_MINUTES, REFRESH_HOURS, revoke, rotate


class LoginSerializer(TokenObtainPairSerializer, StrictSerializer):
    """A user name and a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[self.username_field] = StrictCharField(
            max_length=150, write_only=True, help_text="The name to log in with."
        )
        self.fields["password"] = StrictCharField(
            max_length=4096,
            write_only=True,
            trim_whitespace=False,
            style={"input_type": "password"},
            help_text="Leading and trailing spaces are significant.",
        )


class RefreshSerializer(StrictSerializer):
    """A refresh token."""

    refresh = StrictCharField(max_length=4096, help_text="From the last login or refresh.")


class TokenPairSerializer(StrictSerializer):
    """An access token, and a refresh token that can be used once."""

    access = StrictCharField(
        help_text=f"For `Authorization: Bearer`. Valid for {ACCESS_MINUTES} minutes."
    )
    refresh = StrictCharField(help_text=f"Valid for {REFRESH_HOURS} hours. Works once.")


TOKENS = {"access": "eyJhbGciOiJIUzI1NiIs...", "refresh": "eyJhbGciOiJIUzI1NiIs..."}


class AuthView(APIView):
    """A view without authentication whose response is secret, so it isn't stored for replays."""

    authentication_classes = ()
    permission_classes = ()
    idempotency_exempt = True
    http_method_names = ("post",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Checked before the throttle, which only counts login attempts.
        if (request.method or "").lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        refuse_query(request)
        # For other views, the idempotency middleware checks the size.
        require_size(request, LARGEST_BODY)
        super().initial(request, *args, **kwargs)

    def get_authenticate_header(self, request: Request) -> str:
        # Without it, DRF would respond with 403 instead of 401, as there are no authentication
        # classes.
        return NotAuthenticated.headers["WWW-Authenticate"]


class PasswordThrottle(LoginThrottle):
    """
    Count logins with a password only.

    Nobody can guess the secret of a service key, and all instances of a service may start at once.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        return is_grant(request) or super().allow_request(request, view)


class TokenView(AuthView):
    """Log in with a name and a password, or exchange a service key for a token."""

    parser_classes = (*AuthView.parser_classes, FormParser)
    throttle_classes = (PasswordThrottle,)
    login_try: LoginTry
    # How the server describes what it refuses before it knows whether it is a login.
    describe_refusal = staticmethod(as_grant_error)

    @Operation(
        "logIn",
        "Authentication",
        "Obtain a pair of tokens",
        who=ANYONE,
        description="Send the access token as `Authorization: Bearer`. It is valid for "
        f"{ACCESS_MINUTES} minutes. The refresh token can be used once within {REFRESH_HOURS} "
        "hours.\n\n"
        "With a service key, use the client-credentials grant of OAuth 2.0 (RFC 6749 §4.4): the "
        "form-encoded `grant_type=client_credentials`, with the `client_id` and `client_secret` in "
        "the body or by HTTP Basic. The response is then `{access_token, token_type, expires_in, "
        "scope}`. To try it here, press **Authorize**.",
        request=LoginSerializer,
        requests={
            "The demo user": {"username": "demo", "password": "demo"},
            "The demo administrator": {"username": "admin", "password": "admin"},
        },
        response=TokenPairSerializer,
        answers={"Logged in": TOKENS},
        errors=(AuthenticationFailed, *GRANT_ERRORS),
    )
    def post(self, request: Request) -> Response:
        if is_grant(request):
            # The header is for HTTP/1.0, and RFC 6749 §5.1 demands it.
            return Response(exchange(request), headers={"Pragma": "no-cache"})
        serializer = LoginSerializer(data=request.data, context={"request": request})
        with self.login_try:
            serializer.is_valid(raise_exception=True)
            self.login_try.user = serializer.user
        return Response(serializer.validated_data)

    def handle_exception(self, exc: Exception) -> Response:
        problem = problem_of(exc)
        if problem is not None and not self._is_login():
            exc = as_grant_error(problem.error)
        return super().handle_exception(exc)

    def _is_login(self) -> bool:
        """Return whether the body could be read and isn't a grant."""
        try:
            return not is_grant(self.request)
        except (ApiError, APIException, RequestDataTooBig):
            return False


class RefreshView(AuthView):
    """Exchange a refresh token, which works once, for a new pair of tokens."""

    @Operation(
        "refreshToken",
        "Authentication",
        "Refresh a pair of tokens",
        who=ANYONE,
        description="A refresh token works once. If it is used again, every refresh token of the "
        "user is revoked.",
        request=RefreshSerializer,
        requests={"The refresh token": {"refresh": TOKENS["refresh"]}},
        response=TokenPairSerializer,
        answers={"Refreshed": TOKENS},
        errors=(TokenNotValid,),
    )
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(rotate(serializer.validated_data["refresh"]))


class LogoutView(AuthView):
    """Revoke a refresh token."""

    @Operation(
        "logOut",
        "Authentication",
        "Revoke a refresh token",
        who=ANYONE,
        description="The access token stays valid until it expires.",
        request=RefreshSerializer,
        requests={"The refresh token": {"refresh": TOKENS["refresh"]}},
        status=204,
        errors=(TokenNotValid,),
    )
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        revoke(serializer.validated_data["refresh"])
        return Response(status=204)


@probe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document in Swagger UI, without files from other servers."""
    return render(request, "ledger_project/docs.html", {"title": settings.APP_NAME})
