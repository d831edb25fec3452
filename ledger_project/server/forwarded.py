"""Where a request comes from: the address that the nearest trusted proxy saw."""

from collections.abc import Iterable

from ledger_project.addresses import parse, parse_network


class TrustedProxies:
    """The proxies whose ``X-Forwarded-*`` headers are believed: addresses and networks."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [parse_network(each) for each in networks]

    def __contains__(self, address: str) -> bool:
        parsed = parse(address)
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
        client = str(parse(peer) or peer)
        for value in reversed(forwarded_for.split(",")):
            claimed = parse(_without_port(value.strip()))
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
