"""
Where webhooks may be sent: which URLs are accepted, and which addresses are public.

Anybody who registers a webhook makes this service send requests. Without these rules they could
reach what only this machine can reach, such as a database or the metadata of a cloud (server-side
request forgery). The rules are checked when a URL is registered, and again for each delivery, whose
connection goes to the address that was checked.
"""

import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTookTooLong
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

from api.hosts import is_host_name, is_shortest_ipv6

LONGEST_URL = 2048
PORTS = {"https": 443, "http": 80}

# What a URL may contain (RFC 3986 §2), so that every parser splits it in the same way.
URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")

# IANA's special-purpose registries (RFC 6890). Listed here, because what Python's `is_global`
# returns differs between versions.
NOT_PUBLIC_IPV4 = [
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
# The only block of IPv6 from which public addresses are assigned. IPv4 addresses that are mapped
# or translated (NAT64) into IPv6 are outside of it.
PUBLIC_IPV6 = ip_network("2000::/3")
# Teredo and other protocols, documentation, and 6to4, which contains IPv4 addresses.
NOT_PUBLIC_IPV6 = [
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]

# How many seconds the registration of a webhook waits for the DNS.
LOOKUP_SECONDS = 2
# A lookup can hang for longer than anybody waits for it, and mustn't stop those of other hosts.
lookup_threads = ThreadPoolExecutor(max_workers=200, thread_name_prefix="webhook-lookup")

# Returns the addresses of a host and a port, or raises OSError if there are none.
Lookup = Callable[[str, int], Sequence[str]]


class Refused(Exception):
    """A webhook must not be sent to this URL. The text says why, for the owner of the webhook."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    A URL that webhooks may be sent to, in its parts.

    ``host`` has no brackets. ``path`` contains the query. ``is_trusted`` tells that the operator
    listed the host in ``LEDGER_WEBHOOK_ALLOWED_HOSTS``, so that its addresses aren't checked.
    """

    scheme: str
    host: str
    port: int
    path: str
    is_trusted: bool


def target_of(url: str) -> Target:
    """
    Return the parts of a URL.

    :raises Refused: if the URL is malformed, contains a password, isn't https, or contains an
        address that isn't public
    """
    if len(url) > LONGEST_URL or not URL_CHARACTERS.fullmatch(url):
        raise Refused(
            f"Must be a URL of at most {LONGEST_URL} ASCII characters. Write other characters of a "
            "host name in Punycode, and of a path percent-encoded."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("Must be a URL such as https://app.example/webhooks.") from None
    if parts.scheme not in PORTS:
        raise Refused("Must begin with https://.")
    if "@" in parts.netloc:
        raise Refused("Must not contain a user name or password. Verify the signature instead.")
    if "#" in url:
        raise Refused("Must not contain a fragment (#).")
    host = _host_of(parts.netloc)
    is_trusted = _is_trusted(host)
    if parts.scheme == "http" and not (is_trusted or settings.IS_DEVELOPMENT):
        raise Refused("Must begin with https://.")
    if port == 0:
        raise Refused("Port 0 can't be used.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, host.strip("[]"), port or PORTS[parts.scheme], path, is_trusted)
    if _address(target.host) is not None:
        require_public(target, [target.host])
    return target


def require_public(target: Target, addresses: Sequence[str]) -> None:
    """
    Check the addresses of a target's host.

    One address that isn't public is enough to refuse them all: a name that has both kinds is either
    a mistake or an attack.

    :raises Refused: if one isn't public, unless the operator has allowed the host
    """
    if not target.is_trusted and not all(map(is_public, addresses)):
        raise Refused(
            "The host must only have public addresses. An operator can allow others in "
            "LEDGER_WEBHOOK_ALLOWED_HOSTS."
        )


def look_up(host: str, port: int) -> list[str]:
    """
    Return the addresses of a host in the order in which the system prefers them.

    :raises OSError: if it has none, or the DNS can't be reached
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # Python's encoding for host names refuses some that URLs allow.
        raise OSError(f"The name can't be looked up: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def addresses_of(url: object, lookup: Lookup = look_up) -> Sequence[str]:
    """
    Return the addresses of a URL's host that the DNS knows within two seconds.

    There are none if it knows none, or if the URL is one that ``target_of`` refuses.
    """
    try:
        target = target_of(str(url))
        return lookup_threads.submit(lookup, target.host, target.port).result(LOOKUP_SECONDS)
    except (Refused, OSError, LookupTookTooLong):
        return []


def is_public(text: str) -> bool:
    """Return whether an IP address is one that anybody on the internet can reach."""
    address = _address(text)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_IPV4)
    if isinstance(address, IPv6Address):
        return (
            address.scope_id is None
            and address in PUBLIC_IPV6
            and not any(address in network for network in NOT_PUBLIC_IPV6)
        )
    return False


def _host_of(authority: str) -> str:
    """Return the host in lower case, in brackets if it is an IPv6 address, without the port."""
    host = re.sub(":[0-9]*$", "", authority).lower()
    if not (is_host_name(host) or is_shortest_ipv6(host)):
        raise Refused(
            "The host must be a name, an IPv4 address of four decimal numbers, or an IPv6 address "
            "in brackets and in its shortest form."
        )
    return host


def _is_trusted(host: str) -> bool:
    return any(
        host.endswith(allowed) if allowed.startswith(".") else host == allowed
        for allowed in settings.WEBHOOK_ALLOWED_HOSTS
    )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
