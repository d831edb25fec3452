"""
What a setting may be. Each check raises ``ValidationError`` for a value that it refuses.

The message continues a sentence that begins with the name of the setting. It never contains a
value that may be secret.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from environs import ValidationError
from iso4217 import Currency

from ledger_project.addresses import parse_network

# The surrogates are what Python makes of bytes that aren't UTF-8.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# HS256 is as strong as its key, and RFC 7518 §3.2 asks for at least the size of the hash.
FEWEST_BYTES = 32
# A random key of 32 characters has more different ones, even if they are hexadecimal digits.
FEWEST_CHARACTERS = 8
# How the keys begin that Django generates for development.
INSECURE = "django-insecure-"

METRICS_TOKEN_CHARACTERS = "ASCII letters, digits and punctuation"


def printable(value: str) -> None:
    # They are there by mistake, in whatever setting.
    if UNPRINTABLE.search(value):
        raise ValidationError(
            "has a line break or another control character, or bytes that aren't UTF-8"
        )


def signing_key(value: str) -> None:
    if len(value.strip().encode()) < FEWEST_BYTES:
        raise ValidationError(
            f"must be at least {FEWEST_BYTES} bytes long; try `openssl rand -base64 48`"
        )
    if len(set(value)) < FEWEST_CHARACTERS or value.startswith(INSECURE):
        raise ValidationError("can be guessed; make a random one with `openssl rand -base64 48`")


def not_the_value_of(name: str, other: str) -> Callable[[str], None]:
    """Return a check that a setting has another value than the setting ``name``."""

    def check_different(value: str) -> None:
        if value == other:
            raise ValidationError(f"must not be the same as {name}")

    return check_different


def app_name(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank; remove it to use the default")


def metrics_token(value: str) -> None:
    # What can follow `Bearer` in a header, or nothing.
    if not re.fullmatch("[!-~]*", value):
        raise ValidationError(
            f"may only have {METRICS_TOKEN_CHARACTERS}; try `openssl rand -hex 32`"
        )


def host(value: str) -> None:
    name = re.fullmatch(r"\*|\.?[\w-]+(\.[\w-]+)*", value, re.ASCII)
    if not name and not _is_ipv6(value):
        raise ValidationError(
            f"has {value!r}, which is not a host name such as ledger.example, without a port"
        )


def origin(value: str) -> None:
    # It is compared with what a browser sends: lower case, and no default port.
    name = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\]"
    found = re.fullmatch(rf"(https?)://(?P<host>{name})(:(?P<port>[1-9][0-9]{{0,4}}))?", value)
    port = int(found["port"] or 0) if found else 0
    if (
        not found
        or (found["host"].startswith("[") and not _is_ipv6(found["host"]))
        or port > 65535
        or (found[1], port) in (("http", 80), ("https", 443))
    ):
        raise ValidationError(
            f"has {value!r}, which is not an origin as a browser sends it: https://app.example"
        )


def _is_ipv6(host: str) -> bool:
    """Return whether a host is an IPv6 address in brackets."""
    try:
        IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return host.startswith("[") and host.endswith("]") and "%" not in host


def currency_code(value: str) -> None:
    if value not in {each.code for each in Currency}:
        raise ValidationError(f"has {value!r}, which is not an ISO 4217 code such as USD")


def network(value: str) -> None:
    try:
        parse_network(value)
    except ValueError as error:
        raise ValidationError(f"has {value!r}, which is not an IP address or a network") from error


def rate(value: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,5}/(second|minute|hour|day)", value):
        raise ValidationError(f"must be a rate such as 10/minute, not {value!r}")


def one_of(choices: Sequence[str], called: str = "") -> Callable[[str], None]:
    """Return a check that a value is one of ``choices``, which the error calls ``called``."""

    def check_choice(value: str) -> None:
        if value not in choices:
            raise ValidationError(f"must be one of {called or ', '.join(choices)}, not {value!r}")

    return check_choice


def each(check: Callable[[str], object]) -> Callable[[list[str]], None]:
    """Return a check of every item of a list."""

    def check_each(values: list[str]) -> None:
        for value in values:
            check(value)

    return check_each


def not_empty(values: list[str]) -> None:
    if not values:
        raise ValidationError("must name at least one")


def no_duplicates(values: list[str]) -> None:
    if len(set(values)) < len(values):
        raise ValidationError("has an item twice")
