"""The figures, their targets, and their values from the measurements."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.load import Measurement

Measurements = Mapping[str, Sequence[Measurement]]


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One workload as a multiple of another. Without a target, for information.

    Compared by the number of requests per second (``rate``) or per second of processor time
    (``cpu``), or by latency (``p50``).
    """

    id: str
    title: str
    of: str
    over: str
    by: Literal["rate", "cpu", "p50"] = "rate"
    at_least: float | None = None
    at_most: float | None = None

    def outcome(self, measurements: Measurements) -> "Outcome":
        """Compare round by round, because other load on the machine affects both of a round."""
        pairs = zip(measurements[self.of], measurements[self.over], strict=True)
        ratios = [self._ratio(one, other) for one, other in pairs]
        return Outcome(self.id, self.title, ratios, self.at_least, self.at_most)

    def _ratio(self, one: Measurement, other: Measurement) -> float:
        if self.by == "cpu":
            return other.cpu_ms / one.cpu_ms
        return one.p50_ms / other.p50_ms if self.by == "p50" else one.rate / other.rate


@dataclass(frozen=True, slots=True)
class Outcome:
    """The values of a figure in all rounds, and its target."""

    id: str
    title: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}{self.unit}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}{self.unit}"

    def margin(self, value: float) -> float:
        """Return a value as a multiple of the target. Below 1, the target is missed."""
        if self.at_least is not None:
            return value / self.at_least
        return 1.0 if self.at_most is None else self.at_most / value

    @property
    def verdict(self) -> str:
        if not self.target:
            return ""
        return "met" if self.margin(self.median) >= 1 else "missed"


CEILING = "ceiling (8)"


def _singles() -> Iterator[Figure]:
    for number, by_cpu, by_rate in ((8, 0.40, 0.32), (32, 0.75, 0.55), (64, 0.85, 0.65)):
        title = f"Single transfers on {number} connections, as a share of pgbench"
        names = f"transfers ({number})", f"ceiling ({number})"
        yield Figure("S1", f"{title}, by CPU", *names, "cpu", at_least=by_cpu)
        yield Figure("S1", f"{title}, by rate", *names, at_least=by_rate)


FIGURES = (
    *_singles(),
    Figure(
        "S1", "pgbench with the guards, as a share of that without", "ceiling, guarded", CEILING
    ),
    Figure(
        "S2",
        "Transfers in batches of 1,000, as a multiple of pgbench",
        "batches",
        CEILING,
        at_least=4,
    ),
    Figure(
        "S3",
        "Every transfer into one account, as a share of S1",
        "into one",
        "transfers (32)",
        at_least=0.95,
    ),
    Figure(
        "S3",
        "Every transfer into one account, as a multiple of pgbench doing the same",
        "into one",
        "ceiling, into one",
        at_least=2,
    ),
    Figure("S4", "Deposits, as a share of S1", "deposits", "transfers (8)", at_least=1.0),
    Figure(
        "S5",
        "S1 in the large ledger, as a share of S1 in the small one",
        "large",
        "small",
        at_least=0.9,
    ),
    Figure(
        "S5",
        "Time of a deep statement page, as a multiple of a shallow one",
        "page, shallow",
        "page, deep",
        at_most=1.2,
    ),
    Figure(
        "S5",
        "Time of a hold and its void after many others, as a multiple of that after none",
        "holds, none",
        "holds, many",
        at_most=1.5,
    ),
    Figure("S6", "Replays, as a share of pgbench", "replays", CEILING, at_least=0.5),
    Figure("S7", "GET an account, as a share of pgbench", "account", CEILING, at_least=0.8),
    Figure(
        "S7",
        "GET a statement page of 50 entries, as a share of pgbench",
        "statement",
        CEILING,
        at_least=0.4,
    ),
    Figure(
        "S8",
        "Latency (p50) on one connection, as a multiple of pgbench's average",
        "transfers (1)",
        "ceiling (1)",
        "p50",
    ),
    Figure(
        "S8",
        "Latency (p50) on one connection, as a multiple of the earlier version's",
        "transfers (1)",
        "before (1)",
        "p50",
        at_most=1.0,
    ),
    Figure(
        "S9",
        "Single transfers, as a multiple of a naive FastAPI service",
        "transfers (32)",
        "naive FastAPI",
        at_least=5,
    ),
    Figure(
        "S9",
        "Single transfers, as a share of pgledger's way in SQL",
        "transfers (32)",
        "pgledger-like SQL",
        at_least=0.5,
    ),
    Figure(
        "S9",
        "Single transfers, as a multiple of django-hordak behind DRF",
        "transfers (32)",
        "django-hordak",
        at_least=5,
    ),
)


def memory(megabytes: Sequence[float]) -> Outcome:
    """Return the memory of the workers, as a figure."""
    return Outcome("S7", "Memory of one worker", megabytes, at_most=120, unit=" MB")


def latency(measured: Sequence[Measurement]) -> Outcome:
    """Return the latency of a transfer on one connection, as a figure."""
    times = [each.p50_ms for each in measured]
    return Outcome("S8", "Latency (p50) of a transfer on one connection", times, unit=" ms")
