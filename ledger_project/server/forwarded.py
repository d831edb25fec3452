"""Where a request comes from: the address that the nearest trusted proxy saw."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The proxies whose ``X-Forwarded-*`` headers are believed: addresses and networks."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(each, strict=False) for each in networks]

    def __contains__(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """
        Return the address of the client, without a port and in its canonical form.

        ``forwarded_for`` is read from its end, where the nearest proxy wrote, as far as it was
        written by trusted proxies. What isn't an address is not believed: the client is then the
        last proxy before it.

        :param peer: the address that the connection comes from
        :param forwarded_for: the value of ``X-Forwarded-For``; empty if there is none
        """
        client = str(_address(peer) or peer)
        for value in reversed(forwarded_for.split(",")):
            claimed = _address(_without_port(value.strip()))
            if claimed is None or client not in self:
                break
            client = str(claimed)
        return client


def _without_port(value: str) -> str:
    if value.startswith("["):
        host, bracket, port = value[1:].partition("]")
        return host if bracket and (not port or port[1:].isdigit()) else ""
    # One colon: an IPv4 address and a port. More of them: an IPv6 address.
    host, _, port = value.partition(":")
    return host if port.isdigit() else value


@lru_cache(1024)
def _address(text: str) -> Address | None:
    try:
        # The zone of a link-local address means something on its own machine only.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
