"""Parse IP addresses as proxies and operating systems write them."""

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The length of the prefix of mapped IPv4 addresses (RFC 4291 §2.5.5.2).
MAPPED_PREFIX = 96

# The length of the prefix of the IPv6 addresses that one client has.
CLIENT_PREFIX = 64


@lru_cache(1024)
def parse(text: str) -> Address | None:
    """
    Return the IP address in a text, or None if it isn't one.

    An IPv4 address that is mapped into IPv6 is returned as an IPv4 address.
    """
    try:
        # The zone of a link-local address is only meaningful on one machine (RFC 4007).
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_network(text: str) -> Network:
    """
    Return the network in a text. A single address is a network of one address.

    A network of IPv4 addresses that are mapped into IPv6 is returned as the IPv4 network.

    :raises ValueError: if the text isn't a network
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - MAPPED_PREFIX))
    return network


def network_of(address: str | None) -> str:
    """
    Return the network that counts as one client: an IPv4 address, or an IPv6 /64.

    A client usually has a whole /64 of IPv6 addresses. An IPv4 address that is mapped into IPv6
    counts as the IPv4 address. All other values, such as that of a Unix socket, count together.
    """
    ip = parse((address or "").strip())
    if isinstance(ip, IPv6Address):
        return str(ip_network((ip, CLIENT_PREFIX), strict=False))
    return "none" if ip is None else str(ip)
