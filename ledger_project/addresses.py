"""IP addresses as proxies and systems write them."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


@lru_cache(1024)
def parse(text: str) -> Address | None:
    """
    Return the address that a text names; None if it names none.

    An IPv4 address that is mapped into IPv6 is that IPv4 address.
    """
    try:
        # The zone of a link-local address means something on its own machine only (RFC 4007).
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
