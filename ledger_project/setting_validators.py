"""What a setting may be. Each of these refuses a value, and says what would be one."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network

from environs import EnvError, ValidationError

# The surrogates are what Python makes of bytes that aren't UTF-8.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# A random key of 32 characters, even of hexadecimal digits alone, has more different ones.
FEWEST_CHARACTERS = 8
# Django begins the keys that it generates for development with it.
INSECURE = "django-insecure-"


def signing_key(value: str) -> None:
    # HS256 is as strong as its key, and RFC 7518 §3.2 asks for at least the hash's own size.
    if len(value.strip().encode()) < 32:
        raise ValidationError("must be at least 32 bytes long; try `openssl rand -base64 48`")
    if len(set(value)) < FEWEST_CHARACTERS or value.startswith(INSECURE):
        raise ValidationError("can be guessed; make a random one: `openssl rand -base64 48`")


def app_name(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank; leave the variable out for the default")


def metrics_token(value: str) -> None:
    # What can come after `Bearer` in a header; empty for no token.
    if not re.fullmatch("[!-~]*", value):
        raise ValidationError(
            "may have ASCII letters, digits and punctuation only; try `openssl rand -hex 32`"
        )


def log_level(value: str) -> None:
    if value not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValidationError(f"{value!r} is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL")


def host(value: str) -> None:
    if not re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", value, re.ASCII):
        raise ValidationError(f"{value!r} is not a host name such as ledger.example, without port")


def origin(value: str) -> None:
    # As a browser sends it, with which it is compared: in lower case, without a default port.
    name = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\]"
    found = re.fullmatch(rf"(https?)://({name})(:(?P<port>[1-9][0-9]{{0,4}}))?", value)
    port = int(found["port"] or 0) if found else 0
    if not found or port > 65535 or (found[1], port) in (("http", 80), ("https", 443)):
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
    if not re.fullmatch(r"[1-9][0-9]{0,5}/(second|minute|hour|day)", value):
        raise ValidationError(f"{value!r} is not a rate such as 10/minute")


def refuse_unprintable(environment: Mapping[str, str]) -> None:
    """
    Refuse control characters and bytes that aren't UTF-8 in any setting: they are there by mistake.

    :raises EnvError: if a ``LEDGER_*`` variable has one; its value, which may be a secret, is not
        in the text
    """
    for name, value in environment.items():
        if name.startswith("LEDGER_") and UNPRINTABLE.search(value):
            raise EnvError(
                f"{name} has a line break or another control character, or bytes that aren't "
                "UTF-8; remove them"
            )


def each(check: Callable[[str], None]) -> Callable[[list[str]], None]:
    """Return a check of every item of a list."""

    def check_each(values: list[str]) -> None:
        for value in values:
            check(value)

    return check_each


def not_empty(values: list[str]) -> None:
    if not values:
        raise ValidationError("must name at least one")
