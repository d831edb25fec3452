"""The errors of service keys, and of the grant that exchanges one for a token. Plain Python."""

from typing import Self

from api.errors import ApiError
from api.exceptions import UnsupportedMediaType
from ledger_project.service_keys.examples import CLIENT_ID

# RFC 6749 §5.2 allows neither in an `error_description`.
NOT_IN_A_DESCRIPTION = str.maketrans('"\\', "'/")


class ServiceKeyNotFound(ApiError):
    code = "service_key_not_found"
    status = 404
    meaning = "The service key doesn't exist, or you may not see it."
    remedy = (
        "Check the `client_id`. To retry a POST, use a new key: this response is stored under the "
        "old one."
    )

    def __init__(self, client_id: object) -> None:
        super().__init__(
            f"Service key {client_id} doesn't exist, or you may not see it. Check the client_id."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(CLIENT_ID)


class GrantError(ApiError):
    """
    An error of the client-credentials grant, as in RFC 6749 §5.2.

    A problem document with the members ``error`` and ``error_description``, which OAuth clients
    read. The description may contain neither quotation marks nor backslashes.
    """

    status = 400
    figures = {
        "error": (str, "For OAuth clients: the same as `code`, if RFC 6749 has it."),
        "error_description": (str, "For OAuth clients: the same as `detail`, in ASCII."),
    }

    def __init__(self, detail: str | None = None) -> None:
        text = detail or self.detail
        super().__init__(text, error=self.code, error_description=text)


class InvalidRequest(GrantError):
    """The request of a token is malformed. ``detail`` says why."""

    code = "invalid_request"
    meaning = (
        "The request for a service key's token lacks a parameter, has one twice or more than 20, "
        "or has the credentials both in the header and in the body."
    )
    remedy = "Correct the request."
    detail = "Send grant_type=client_credentials, and the client_id and client_secret."


class InvalidClient(GrantError):
    code = "invalid_client"
    status = 401
    meaning = (
        "The `client_id` and the `client_secret` don't match, or the service key is revoked or "
        "expired, or its owner is deactivated."
    )
    remedy = "Check both. If they are right, create a new service key."
    detail = "No active service key found with the given credentials."
    headers = {"WWW-Authenticate": 'Basic realm="api"'}


class UnsupportedGrantType(GrantError):
    code = "unsupported_grant_type"
    meaning = "The `grant_type` isn't `client_credentials`."
    remedy = "Send `grant_type=client_credentials`, or log in with a name and a password."
    detail = "The only grant_type is client_credentials."


class InvalidScope(GrantError):
    code = "invalid_scope"
    meaning = "The service key lacks one of the requested scopes."
    remedy = "Request only scopes of the service key, or none, which requests them all."
    detail = "The service key lacks a requested scope. Leave scope out to request all it has."


class NeitherFormNorJson(UnsupportedMediaType):
    """The body of a request for a token has another type."""

    detail = "Send the body as application/x-www-form-urlencoded or as application/json."


def as_grant_error(error: ApiError) -> ApiError:
    """
    Return an error of a request for a token, with the members that OAuth clients read.

    To them, every request that is refused before it is looked at is an ``invalid_request``: one
    that can't be parsed, for example, or that is too large.
    """
    if type(error) is UnsupportedMediaType:
        error = NeitherFormNorJson()
    if not isinstance(error, GrantError) and error.status < 500:
        description = error.detail.translate(NOT_IN_A_DESCRIPTION).encode("ascii", "replace")
        error.evidence |= {"error": InvalidRequest.code, "error_description": description.decode()}
    return error


GRANT_ERRORS = (InvalidRequest, InvalidClient, UnsupportedGrantType, InvalidScope)
