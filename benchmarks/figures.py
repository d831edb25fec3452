"""The figures, their targets, and their values from the measurements."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rates = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """The speed of one workload as a multiple of another. Without a target, for information."""

    id: str
    title: str
    of: str
    over: str
    at_least: float | None = None
    at_most: float | None = None

    def outcome(self, rates: Rates) -> "Outcome":
        """Compare round by round, because other load on the machine affects both of a round."""
        ratios = [one / other for one, other in zip(rates[self.of], rates[self.over], strict=True)]
        return Outcome(self.id, self.title, ratios, self.at_least, self.at_most)


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


CEILING, GUARDED_CEILING = "ceiling", "ceiling, guarded"

FIGURES = (
    Figure(
        "S1",
        "Single transfers over HTTP, as a share of plain SQL",
        "transfers",
        CEILING,
        at_least=0.5,
    ),
    Figure(
        "S1",
        "Single transfers, as a share of plain SQL with the guards",
        "transfers",
        GUARDED_CEILING,
    ),
    Figure("S1", "Plain SQL with the guards, as a share of that without", GUARDED_CEILING, CEILING),
    Figure(
        "S2",
        "Transfers in batches of 1,000, as a multiple of single ones",
        "batches",
        "transfers",
        at_least=15,
    ),
    Figure(
        "S3",
        "Every transfer into one account, as a share of S1",
        "into one",
        "transfers",
        at_least=0.5,
    ),
    Figure("S4", "Deposits, as a share of S1", "deposits", "transfers", at_least=1.0),
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
    Figure("S6", "Replays, as a multiple of S1", "replays", "transfers", at_least=2),
    Figure("S7", "GET an account, as a multiple of S1", "account", "transfers", at_least=2),
    Figure(
        "S7",
        "GET a statement page of 50 entries, as a multiple of S1",
        "statement",
        "transfers",
        at_least=1.5,
    ),
)


def memory(megabytes: Sequence[float]) -> Outcome:
    """Return the memory of the workers, as a figure."""
    return Outcome("S7", "Memory of one worker", megabytes, at_most=120, unit=" MB")
