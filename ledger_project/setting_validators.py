"""
Checks of settings. Each raises ``ValidationError`` for an invalid value.

The message continues a sentence that begins with the name of the setting. It never contains a
value that may be secret.
"""

import re
from collections.abc import Callable, Sequence

from environs import ValidationError
from iso4217 import Currency

from api.hosts import is_host_name, is_ipv6, is_shortest_ipv6
from ledger_project.addresses import parse_network

# Python decodes bytes that aren't UTF-8 to surrogates.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# For HS256, RFC 7518 §3.2 requires a key at least as long as the hash.
FEWEST_BYTES = 32
# The minimum number of different characters. Even a random key of hexadecimal digits has more.
FEWEST_CHARACTERS = 8
# The prefix of the keys that Django generates for development.
INSECURE = "django-insecure-"

# Codes of ISO 4217 for "no currency" and for tests.
NO_CURRENCIES = {"XXX", "XTS"}

METRICS_TOKEN_CHARACTERS = "ASCII letters, digits and punctuation"


def printable(value: str) -> None:
    if UNPRINTABLE.search(value):
        raise ValidationError(
            "contains a line break or another control character, or bytes that aren't UTF-8"
        )


def signing_key(value: str) -> None:
    if len(value.strip().encode()) < FEWEST_BYTES:
        raise ValidationError(
            f"must be at least {FEWEST_BYTES} bytes long; try `openssl rand -base64 48`"
        )
    if len(set(value)) < FEWEST_CHARACTERS or value.startswith(INSECURE):
        raise ValidationError("can be guessed; create a random one with `openssl rand -base64 48`")


def not_the_value_of(name: str, other: str) -> Callable[[str], None]:
    """Return a check that the value differs from that of the setting ``name``."""

    def check_different(value: str) -> None:
        if value == other:
            raise ValidationError(f"must not be the same as {name}")

    return check_different


def between(lowest: int, highest: int) -> Callable[[int], None]:
    """Return a check that a number is in a range, which includes its ends."""

    def check_range(value: int) -> None:
        if not lowest <= value <= highest:
            raise ValidationError(f"must be from {lowest} to {highest}")

    return check_range


def app_name(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank; remove it to use the default")


def metrics_token(value: str) -> None:
    # The characters that can follow `Bearer` in a header. May be empty.
    if not re.fullmatch("[!-~]*", value):
        raise ValidationError(
            f"may only contain {METRICS_TOKEN_CHARACTERS}; try `openssl rand -hex 32`"
        )


def host(value: str) -> None:
    name = value.removeprefix(".").lower()
    if value != "*" and not is_host_name(name) and not is_ipv6(value):
        raise ValidationError(
            f"contains {value!r}, which is not a host name without a port, such as ledger.example"
        )


def specific_host(value: str) -> None:
    host(value)
    if value == "*" or value != value.lower():
        raise ValidationError(f"contains {value!r}; write a host name in lower case, without a *")


def origin(value: str) -> None:
    # Must equal what a browser sends: lower case, without the default port. Extensions of browsers
    # and apps have schemes of their own.
    scheme, separator, authority = value.partition("://")
    name, port = _without_port(authority)
    if (
        not separator
        or not re.fullmatch("[a-z][a-z0-9+.-]*", scheme)
        or not (is_host_name(name.removesuffix(".")) or is_shortest_ipv6(name))
        or port > 65535
        or (scheme, port) in (("http", 80), ("https", 443))
    ):
        raise ValidationError(
            f"contains {value!r}, which is not an origin as browsers send it, such as "
            "https://app.example"
        )


def _without_port(authority: str) -> tuple[str, int]:
    """Return a host and its port, or 0 if it has none or has an invalid one."""
    found = re.fullmatch("(?P<host>.+):(?P<port>[1-9][0-9]{0,4})", authority, re.ASCII)
    return (found["host"], int(found["port"])) if found else (authority, 0)


def code_of(value: str) -> str:
    """Return the code of a currency, which its decimals may follow: ``PTS`` of ``PTS:0``."""
    return value.partition(":")[0]


def currency(value: str) -> None:
    code, colon, _ = value.partition(":")
    if code in NO_CURRENCIES:
        raise ValidationError(f"contains {value!r}, which is no currency in ISO 4217")
    is_standard = code in {each.code for each in Currency}
    if colon and is_standard:
        raise ValidationError(f"contains {value!r}, but ISO 4217 defines the decimals of {code}")
    if colon and not re.fullmatch("[A-Z]{3}:[0-9]", value, re.ASCII):
        raise ValidationError(
            f"contains {value!r}; write a unit of your own as in PTS:2, with 0 to 9 decimals"
        )
    if not colon and not is_standard:
        raise ValidationError(
            f"contains {value!r}, which is not an ISO 4217 code such as USD; add the decimals of a "
            "unit of your own, as in PTS:2"
        )


def no_code_twice(values: list[str]) -> None:
    no_duplicates([code_of(value) for value in values])


def network(value: str) -> None:
    try:
        parsed = parse_network(value)
    except ValueError as error:
        # Python says which part is wrong, for example that an address has bits after the prefix.
        raise ValidationError(
            f"contains {value!r}, which is not an IP address or a network: {error}"
        ) from error
    if parsed.prefixlen == 0:
        raise ValidationError(
            f"contains {value!r}, which would let every client choose its own address; name the"
            " network of the proxies"
        )
    if parsed.is_unspecified or parsed.is_multicast:
        raise ValidationError(f"contains {value!r}, which can't be the address of a proxy")


def rate(value: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,5}/(second|minute|hour|day)", value):
        raise ValidationError(f"must be a rate such as 10/minute, not {value!r}")


def one_of(choices: Sequence[str], called: str = "") -> Callable[[str], None]:
    """Return a check that a value is one of ``choices``; ``called`` names them in the message."""

    def check_choice(value: str) -> None:
        if value not in choices:
            raise ValidationError(f"must be one of {called or ', '.join(choices)}, not {value!r}")

    return check_choice


def each(check: Callable[[str], object]) -> Callable[[list[str]], None]:
    """Return a check that applies ``check`` to every item of a list."""

    def check_each(values: list[str]) -> None:
        for value in values:
            check(value)

    return check_each


def not_empty(values: list[str]) -> None:
    if not values:
        raise ValidationError("must contain at least one item")


def no_duplicates(values: list[str]) -> None:
    if len(set(values)) < len(values):
        raise ValidationError("contains an item more than once")
