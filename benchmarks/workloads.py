"""The requests of each workload, and the number of entries that each request adds."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ledger import Ledger

# The number of prepared requests, which are sent in turn.
PREPARED = 5_000
BATCH = 1_000
PAGE = 50
# Several neighbouring pages, so that it isn't always the same one.
CURSORS = 64
SHALLOW = 100

# The number of connections, unless a workload needs another one.
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """
    The size of a run. ``depth`` is the number of entries before the deep statement page, ``holds``
    that of resolved holds of the busiest account.

    Measurements are short and rounds are many, because the speed of a machine changes within
    minutes, and the two measurements of a ratio should be close together. A batch takes about as
    long as a measurement of a quick run, so batches get more time.
    """

    rounds: int
    seconds: int
    batch_seconds: int
    entries: int
    small: int
    large: int
    depth: int
    holds: int

    def seed(self, ledger: str) -> list[str]:
        """Return the options of ``seed_load`` for a ledger."""
        entries = {"large": self.large, "small": self.small, "holds": self.small}
        busiest = self.depth + SHALLOW + CURSORS + 2 * PAGE if ledger == "large" else 1_000
        options = {
            "accounts": 1_001,
            "entries": entries.get(ledger, self.entries),
            "busiest": busiest,
        }
        if ledger == "holds":
            options["holds"] = self.holds
        return [f"--{name}={value}" for name, value in options.items()]


FULL = Scale(
    rounds=7,
    seconds=3,
    batch_seconds=9,
    entries=200_000,
    small=10_000,
    large=5_000_000,
    depth=1_000_000,
    holds=100_000,
)
QUICK = Scale(
    rounds=2,
    seconds=1,
    batch_seconds=4,
    entries=10_000,
    small=10_000,
    large=60_000,
    depth=12_000,
    holds=5_000,
)

# A request: the number of its user, path, key and body. An empty key stands for a new one.
Line = tuple[int, str, str, object]


class Books:
    """The accounts of a ledger: the busiest one, a thousand others, and their owners."""

    def __init__(self, ledger: Ledger, scale: Scale) -> None:
        self.ledger, self.scale, self.chance = ledger, scale, random.Random(1)
        rows = ledger.rows(
            "SELECT id::text, owner_id, version FROM accounts_account"
            " WHERE kind = 'CUSTOMER' ORDER BY id"
        )
        owners = sorted({owner for _, owner, _ in rows})
        self.user_of = {account: owners.index(owner) for account, owner, _ in rows}
        self.version_of = {account: version for account, _, version in rows}
        self.busiest, *self.others = self.user_of

    def order(self, accounts: list[str], dest: str | None = None) -> tuple[int, dict]:
        """Return the body of a transfer between these accounts, and the number of its user."""
        source, other = self.chance.sample(accounts, 2)
        return self.user_of[source], {
            "source_account_id": source,
            "dest_account_id": dest or other,
            "amount": self.chance.randint(1, 100),
            "memo": f"Invoice {self.chance.randint(1, 9999)}",
        }


def transfers(books: Books) -> Iterator[Line]:
    for _ in range(PREPARED):
        user, order = books.order(books.others)
        yield user, "/transfers", "", order


def transfers_into_one(books: Books) -> Iterator[Line]:
    for _ in range(PREPARED):
        user, order = books.order(books.others, dest=books.busiest)
        yield user, "/transfers", "", order


def deposits(books: Books) -> Iterator[Line]:
    for account in books.others:
        body = {"amount": books.chance.randint(1, 100), "memo": "Cash"}
        yield books.user_of[account], f"/accounts/{account}/deposit", "", body


def batches(books: Books) -> Iterator[Line]:
    """Yield batches between accounts of one user, so that those of two users don't wait."""
    for user in range(len(set(books.user_of.values()))):
        own = [account for account in books.others if books.user_of[account] == user]
        yield (
            user,
            "/transfers/batch",
            "",
            {"transfers": [books.order(own)[1] for _ in range(BATCH)]},
        )


def replays(books: Books) -> Iterator[Line]:
    for number in range(200):
        user, order = books.order(books.others)
        yield user, "/transfers", f"replayed-{number}", order


def holds_of_busiest(books: Books) -> Iterator[Line]:
    return _holds(books, books.busiest)


def holds_of_other(books: Books) -> Iterator[Line]:
    return _holds(books, books.others[0])


def _holds(books: Books, source: str) -> Iterator[Line]:
    for dest in books.others[1:]:
        order = {"source_account_id": source, "dest_account_id": dest, "amount": 1, "hold": True}
        yield books.user_of[source], "/transfers", "", order


def accounts(books: Books) -> Iterator[Line]:
    for account in books.others:
        yield books.user_of[account], f"/accounts/{account}", "", None


def statements(books: Books) -> Iterator[Line]:
    for account, version in books.version_of.items():
        if version > PAGE:
            path = f"/accounts/{account}/statement?limit={PAGE}"
            yield books.user_of[account], path, "", None


def shallow_pages(books: Books) -> Iterator[Line]:
    return _pages(books, SHALLOW)


def deep_pages(books: Books) -> Iterator[Line]:
    return _pages(books, books.scale.depth)


def _pages(books: Books, depth: int) -> Iterator[Line]:
    account, newest = books.busiest, books.version_of[books.busiest]
    sequences = [str(newest - depth - number) for number in range(CURSORS)]
    for cursor in books.ledger.inside("cursors", account, *sequences):
        path = f"/accounts/{account}/statement?limit={PAGE}&cursor={cursor}"
        yield books.user_of[account], path, "", None


@dataclass(frozen=True, slots=True)
class Workload:
    """
    A load on the server of one ledger.

    A request counts as ``worth`` requests, and adds ``entries`` entries to customers' accounts.
    """

    lines: Callable[[Books], Iterator[Line]]
    ledger: str = "ledger"
    method: str = "POST"
    worth: int = 1
    entries: int = 0
    connections: int = CONNECTIONS


WORKLOADS = {
    **{
        f"transfers ({number})": Workload(transfers, entries=2, connections=number)
        for number in (1, 8, 32, 64)
    },
    # Another version of the service (the option --before).
    "before (1)": Workload(transfers, ledger="before", entries=2, connections=1),
    "batches": Workload(batches, worth=BATCH, entries=2 * BATCH, connections=4),
    "into one": Workload(transfers_into_one, entries=2, connections=32),
    "deposits": Workload(deposits, entries=1),
    "small": Workload(transfers, ledger="small", entries=2),
    "large": Workload(transfers, ledger="large", entries=2),
    "page, shallow": Workload(shallow_pages, ledger="large", method="GET"),
    "page, deep": Workload(deep_pages, ledger="large", method="GET"),
    "holds, none": Workload(holds_of_other, ledger="holds", method="HOLD", connections=1),
    "holds, many": Workload(holds_of_busiest, ledger="holds", method="HOLD", connections=1),
    "replays": Workload(replays),
    "account": Workload(accounts, method="GET"),
    "statement": Workload(statements, method="GET"),
}


def write(path: Path, lines: Iterator[Line]) -> None:
    """Write the requests for ``load.lua``."""
    with path.open("w") as file:
        for user, address, key, body in lines:
            text = "" if body is None else json.dumps(body, separators=(",", ":"))
            file.write(f"{user}\t{address}\t{key}\t{text}\n")
