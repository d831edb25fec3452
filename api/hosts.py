"""Recognize host names and addresses as URLs contain them. Plain Python."""

import re
from ipaddress import IPv4Address, IPv6Address

# The longest name in the DNS, without the trailing dot.
LONGEST_HOST = 253


def is_host_name(name: str) -> bool:
    """Return whether a lower-case text is a host name or IPv4 address that a URL may contain."""
    label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
    if len(name) > LONGEST_HOST or not re.fullmatch(rf"{label}(\.{label})*", name):
        return False
    # A URL whose host ends in a number is an error unless the host is an IPv4 address, and
    # browsers send that in its usual form (https://url.spec.whatwg.org/#host-parsing).
    if not re.fullmatch("[0-9]+|0x[0-9a-f]*", name.rpartition(".")[2]):
        return True
    return _parsed(IPv4Address, name) is not None


def is_ipv6(host: str) -> bool:
    """Return whether a host is an IPv6 address in brackets."""
    return (
        host.startswith("[")
        and host.endswith("]")
        and "%" not in host
        and _parsed(IPv6Address, host[1:-1]) is not None
    )


def is_shortest_ipv6(host: str) -> bool:
    """Return whether a host is an IPv6 address in brackets, as browsers write it."""
    if not is_ipv6(host) or "." in host:
        return False
    address = IPv6Address(host[1:-1])
    # Newer versions of Python write a mapped IPv4 address with dots.
    return f"[{address}]" == host or address.ipv4_mapped is not None


def _parsed(kind: type[IPv4Address | IPv6Address], text: str) -> IPv4Address | IPv6Address | None:
    try:
        return kind(text)
    except ValueError:
        return None
