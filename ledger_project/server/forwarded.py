"""Find the address of the client behind trusted proxies."""

from collections.abc import Iterable

from ledger_project.addresses import parse, parse_network


class TrustedProxies:
    """The addresses and networks of proxies whose ``X-Forwarded-*`` headers are trusted."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [parse_network(each) for each in networks]

    def __contains__(self, address: str) -> bool:
        parsed = parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """
        Return the address of the client in its canonical form, without a port.

        Each proxy appends the address it received the request from, so ``forwarded_for`` is read
        from right to left, until an address doesn't belong to a trusted proxy. That address is the
        client's. Reading also stops before a value that isn't an address.

        :param peer: the address that the connection comes from
        :param forwarded_for: the value of ``X-Forwarded-For``, or an empty string
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
    # One colon separates an IPv4 address from its port. An IPv6 address has several.
    host, _, port = value.partition(":")
    return host if port.isdigit() else value
