"""Something that can be measured: how to put load on it, and how to check what the load did."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.load import BenchmarkError, Measurement
from benchmarks.processes import cpu_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """
    ``load`` puts load on it for some seconds.

    ``count`` returns the number of rows that requests have added so far, and each request adds
    ``effects``. At the end, ``in_flight`` requests may be in progress. ``pids`` are the processes
    that do the work. ``connect`` is a load that does hardly more than open the connections.
    """

    name: str
    load: Callable[[int], Measurement]
    count: Callable[[], int]
    effects: int
    in_flight: int
    pids: tuple[int, ...]
    seconds: int
    worth: int = 1
    connect: Callable[[], Measurement] | None = None

    def measure(self) -> Measurement:
        """
        Put load on it, and check its effects.

        The processor time of ``connect`` and the requests of it are subtracted. A PostgreSQL
        connection takes more time to open than many transactions, and the server keeps its own.
        """
        before = self.count()
        opening, opened = self._timed(self.connect) if self.connect else (0.0, None)
        cpu, measured = self._timed(lambda: self.load(self.seconds))
        early = opened.done if opened else 0
        if not measured.done > early:
            raise BenchmarkError(f"{self.name}: no response in {measured.seconds:.0f} s.")
        added, done = self.count() - before, measured.done + early
        # Requests in progress at the end may have been posted without being counted.
        if not done * self.effects <= added <= (done + self.in_flight) * self.effects:
            raise BenchmarkError(f"{self.name}: {done} responses added {added} rows.")
        each = (cpu - opening) / ((measured.done - early) * self.worth)
        return replace(measured, worth=self.worth, cpu_ms=1000 * each)

    def _timed(self, load: Callable[[], Measurement]) -> tuple[float, Measurement]:
        before = cpu_seconds(*self.pids)
        measured = load()
        return cpu_seconds(*self.pids) - before + measured.generator, measured
