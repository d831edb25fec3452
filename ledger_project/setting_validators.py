"""What a setting may be. Each of these refuses a value, and says what would be one."""

import re
from collections.abc import Callable
from ipaddress import ip_network

from environs import ValidationError


def at_least_32_bytes(value: str) -> None:
    # HS256 is as strong as its key, and RFC 7518 §3.2 asks for at least the hash's own size.
    if len(value.encode()) < 32:
        raise ValidationError("must be at least 32 bytes long; try `openssl rand -base64 48`")


def log_level(value: str) -> None:
    if value not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValidationError(f"{value!r} is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL")


def host(value: str) -> None:
    if not re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", value, re.ASCII):
        raise ValidationError(f"{value!r} is not a host name such as ledger.example, without port")


def origin(value: str) -> None:
    # As a browser sends it, with which it is compared: in lower case, without a default port.
    name = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\]"
    web, default_port = r"https?://", r"http://.*:80|https://.*:443"
    if not re.fullmatch(rf"{web}({name})(:[0-9]+)?", value) or re.fullmatch(default_port, value):
        raise ValidationError(
            f"{value!r} is not an origin as a browser sends it, such as https://app.example"
        )


def currency_code(value: str) -> None:
    if not re.fullmatch("[A-Z]{3}", value):
        raise ValidationError(f"{value!r} is not an ISO 4217 code such as USD")


def network(value: str) -> None:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValidationError(f"{value!r} is not an address or a network") from error


def rate(value: str) -> None:
    if not re.fullmatch(r"[1-9]\d{0,5}/(second|minute|hour|day)", value):
        raise ValidationError(f"{value!r} is not a rate such as 10/minute")


def each(check: Callable[[str], None]) -> Callable[[list[str]], None]:
    """Return a check of every item of a list."""

    def check_each(values: list[str]) -> None:
        for value in values:
            check(value)

    return check_each


def not_empty(values: list[str]) -> None:
    if not values:
        raise ValidationError("must name at least one")
