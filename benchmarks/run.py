"""A benchmark run: new databases, real servers, and interleaved rounds of all workloads."""

import random
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks import ceiling, figures, load, peer, workloads
from benchmarks.ceiling import CEILINGS, Ceiling
from benchmarks.figures import FIGURES, Outcome
from benchmarks.ledger import Ledger, Shape, random_keys
from benchmarks.load import Measurement
from benchmarks.peer import HttpPeer, Peer
from benchmarks.processes import ROOT
from benchmarks.subject import Subject
from benchmarks.workloads import WORKLOADS, Scale, Workload

# The settings of a production database on a dedicated machine. Acknowledged commits are durable.
POSTGRES = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    # All servers of the run are up at the same time.
    "max_connections": "800",
}


@dataclass(frozen=True, slots=True)
class Options:
    """
    What to run. ``only`` holds the ids of figures, and is empty for all of them.

    ``before`` is a checkout of another version of the service, which S8 compares.
    """

    scale: Scale
    only: Collection[str] = ()
    shape: Shape = field(default_factory=Shape)
    before: Path | None = None

    def wants(self, figure_id: str) -> bool:
        """Return whether a figure was asked for."""
        return not self.only or figure_id in self.only


class Run:
    """The settings of a run, its ledgers, and the measurements."""

    def __init__(self, cluster: str, folder: Path, options: Options) -> None:
        self.options, self.scale, self.folder = options, options.scale, folder
        self.figures = [
            figure
            for figure in FIGURES
            if options.wants(figure.id) and (options.before or figure.over != "before (1)")
        ]
        self._keys = random_keys()
        self._cluster = cluster
        self.ledgers: dict[str, Ledger] = {}
        self.peers: dict[str, Peer] = {}
        self.measurements: dict[str, list[Measurement]] = {name: [] for name in self._names()}
        self.memory: Outcome | None = None

    def measure(self) -> None:
        """Prepare the ledgers, and measure round by round."""
        self._prepare()
        with ExitStack() as servers:
            for name in self._served():
                servers.enter_context(self.ledgers[name].served())
            for each in self.peers.values():
                if isinstance(each, HttpPeer):
                    servers.enter_context(each.served())
            self._measure()
            if self.options.wants("S7"):
                self.memory = figures.memory(self.ledgers["ledger"].worker_megabytes())

    def verify(self) -> None:
        """
        Check the books of every ledger.

        :raises BenchmarkError: if a check fails
        """
        for name, ledger in tqdm(
            self.ledgers.items(), desc="Verifying", unit=" ledgers", disable=None
        ):
            if name == "ceiling":
                ceiling.verify(ledger)
            else:
                ledger.manage("verify_ledger")

    def outcomes(self) -> list[Outcome]:
        found = [figure.outcome(self.measurements) for figure in self.figures]
        if self.memory:
            found.append(self.memory)
        if self.options.wants("S8"):
            found.append(figures.latency(self.measurements["transfers (1)"]))
        return sorted(found, key=lambda outcome: outcome.id)

    def _names(self) -> list[str]:
        wanted = {name for figure in self.figures for name in (figure.of, figure.over)}
        if wanted.intersection(CEILINGS):
            # pgbench stores a response of the ledger.
            wanted.add("transfers (8)")
        return [name for name in (*CEILINGS, *WORKLOADS, *peer.NAMES) if name in wanted]

    def _served(self) -> list[str]:
        """Return the names of the ledgers that need a server."""
        return sorted({WORKLOADS[name].ledger for name in self.measurements if name in WORKLOADS})

    # ── Before ───────────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        self._ledger("blank").manage("migrate", "--verbosity=0")
        for name in self._served():
            ledger = self._ledger(name, template=None if name == "before" else "blank")
            self.ledgers[name] = ledger
            if name == "before":
                ledger.manage("migrate", "--verbosity=0")
            ledger.manage("seed_load", *self.scale.seed(name), quiet=False)
            ledger.tidy()
        for each in {CEILINGS[name] for name in self.measurements if name in CEILINGS}:
            if each.database not in self.ledgers:
                self.ledgers[each.database] = self._ledger(each.database, template="blank")
                ceiling.prepare(self.ledgers[each.database], guards=each.guarded)
        for name in self.measurements:
            if name in peer.NAMES:
                self.peers[name] = peer.peer(name, self._cluster, self.folder, self.options.shape)
                self.peers[name].prepare()

    def _ledger(self, name: str, template: str | None = None) -> Ledger:
        root = (name == "before" and self.options.before) or ROOT
        # The server already has a database named `ledger`.
        settings = (f"bench_{name}", self.folder, self._keys, self.options.shape, root)
        ledger = Ledger(self._cluster, *settings)
        ledger.create(template and f"bench_{template}")
        return ledger

    # ── Measuring ────────────────────────────────────────────────────────────────────────────────

    def _measure(self) -> None:
        subjects = []
        for subject in self._subjects():
            subject.load(1)  # Warms it up.
            subjects.append(subject)
        steps = len(subjects) * self.scale.rounds
        with tqdm(total=steps, desc="Measuring", unit=" measurements", disable=None) as bar:
            for number in range(self.scale.rounds):
                # In another order in each round, so that no workload always follows the same one.
                for subject in random.Random(number).sample(subjects, len(subjects)):
                    bar.set_postfix_str(subject.name)
                    self.measurements[subject.name].append(subject.measure())
                    bar.update()

    def _subjects(self) -> Iterator[Subject]:
        """Yield the workloads first: pgbench stores a response of the ledger."""
        for name in self.measurements:
            if name in WORKLOADS:
                yield self._workload(name, WORKLOADS[name])
        sample: dict[str, str] = {}
        for name in self.measurements:
            if name in CEILINGS:
                sample = sample or ceiling.sample_of(self.ledgers["ledger"])
                yield self._ceiling(name, CEILINGS[name], sample)
        for name, each in self.peers.items():
            yield each.subject(name, self.scale.seconds)

    def _workload(self, name: str, workload: Workload) -> Subject:
        ledger = self.ledgers[workload.ledger]
        requests = self.folder / f"{name}.requests"
        workloads.write(requests, workload.lines(workloads.Books(ledger, self.scale)))
        if workload is WORKLOADS["replays"]:
            load.send_once(ledger.url, ledger.tokens(), requests)

        def run(seconds: int) -> Measurement:
            files = ledger.tokens(), requests
            return load.put(ledger.url, workload.method, *files, seconds, workload.connections)

        return Subject(
            name=name,
            load=run,
            count=ledger.entries,
            effects=workload.entries,
            in_flight=workload.connections,
            pids=(ledger.pid, ledger.postmaster()),
            seconds=self.scale.batch_seconds if workload.worth > 1 else self.scale.seconds,
            worth=workload.worth,
        )

    def _ceiling(self, name: str, one: Ceiling, sample: dict[str, str]) -> Subject:
        ledger = self.ledgers[one.database]
        run = partial(ceiling.measure, ledger, one, sample)
        return Subject(
            name=name,
            load=run,
            connect=lambda: run(None),
            count=ledger.entries,
            effects=2,
            in_flight=0,
            pids=(ledger.postmaster(),),
            seconds=self.scale.seconds,
        )
