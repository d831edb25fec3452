"""The request bodies that a worker holds in memory."""

from collections import Counter

from ledger_project.addresses import network_of

# The total size of the request bodies that one worker holds in memory.
BUFFERED_BYTES = 64 * 1024 * 1024


class Buffer:
    """
    The space for request bodies. A client may hold only as much of it as is still free.

    So one client can hold at most half, two can hold a third each, and there is always some left
    for a client that holds none.
    """

    def __init__(self) -> None:
        self._size = BUFFERED_BYTES
        self._held: Counter[str] = Counter()
        self.used = 0

    def take(self, address: str, size: int) -> bool:
        """Return whether this client may hold ``size`` more bytes, and count them if so."""
        client = network_of(address)
        if self._held[client] + size > self._size - self.used:
            return False
        self._held[client] += size
        self.used += size
        return True

    def release(self, address: str, size: int) -> None:
        """Count ``size`` bytes of the client as free."""
        client = network_of(address)
        self._held[client] -= size
        self.used -= size
        if not self._held[client]:
            del self._held[client]
