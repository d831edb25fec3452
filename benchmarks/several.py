"""What it costs that a service has several ledgers: two of them, on a PostgreSQL server each."""

import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from benchmarks import load, workloads
from benchmarks.figures import Figure, Outcome
from benchmarks.ledger import Ledger, Shape, random_keys
from benchmarks.load import Measurement
from benchmarks.subject import Subject
from benchmarks.workloads import Books, Line, Scale
from tools.with_postgres import postgres

CONNECTIONS = 32
POSTGRES = {"fsync": "on", "shared_buffers": "512MB", "max_wal_size": "2GB"}
# The host of a ledger begins with its name.
DOMAIN = "ledgers.example"
ALONE, ONE, BOTH = "north alone", "north of two", "both"
FIGURES = tuple(
    Figure(id, f"{title}, by {by}", of, ALONE, "cpu" if by == "CPU" else "rate")
    for id, title, of in (
        ("L1", "Transfers in one of two ledgers, as a share of a service with one", ONE),
        ("L2", "Transfers in both ledgers, as a share of a service with one", BOTH),
    )
    for by in ("CPU", "rate")
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The size of the run and of the two services."""

    scale: Scale
    shape: Shape


def measure(settings: Settings) -> tuple[list[Outcome], Mapping[str, Sequence[Measurement]]]:
    """
    Put the same load on a service with one ledger, and on one with two.

    :raises BenchmarkError: if a response isn't 2xx or the books of a ledger are wrong afterwards
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys = random_keys()
        ledgers = []
        for name in ("north", "south"):
            cluster = stack.enter_context(postgres(**POSTGRES))
            ledgers.append(Ledger(cluster, name, folder, keys, settings.shape))
            _prepare(ledgers[-1], settings.scale)
        measurements = _rounds(list(_subjects(ledgers, settings.scale, stack)), settings.scale)
        for ledger in ledgers:
            ledger.manage("verify_ledger")
    return [figure.outcome(measurements) for figure in FIGURES], measurements


def _prepare(ledger: Ledger, scale: Scale) -> None:
    ledger.create()
    ledger.manage("migrate", "--verbosity=0")
    ledger.manage("seed_load", *scale.seed(ledger.name), quiet=False)
    ledger.tidy()


def _subjects(ledgers: Sequence[Ledger], scale: Scale, stack: ExitStack) -> Iterator[Subject]:
    north = stack.enter_context(ledgers[0].served())
    yield _subject(ALONE, north, [north], scale, north.inside("tokens"))
    file = north.folder / "ledgers.toml"
    file.write_text("".join(f'"{_host(each)}" = "{each.database}"\n' for each in ledgers))
    settings = {**north.settings, "LEDGER_LEDGERS": str(file)}
    service = stack.enter_context(replace(north, settings=settings).served())
    for name, used in ((ONE, ledgers[:1]), (BOTH, ledgers)):
        tokens = [
            f"{token}\t{_host(ledger)}"
            for ledger in used
            for token in service.inside("tokens", "--ledger", _host(ledger))
        ]
        yield _subject(name, service, used, scale, tokens)


def _host(ledger: Ledger) -> str:
    return f"{ledger.name}.{DOMAIN}"


def _subject(
    name: str, service: Ledger, ledgers: Sequence[Ledger], scale: Scale, tokens: Sequence[str]
) -> Subject:
    """Return the load of transfers in these ledgers of a service, in turn."""
    requests = service.folder / f"{name}.requests"
    bearers = service.folder / f"{name}.tokens"
    bearers.write_text("\n".join(tokens) + "\n")
    books = [Books(ledger, scale) for ledger in ledgers]
    numbers = [len(set(each.user_of.values())) for each in books]
    workloads.write(requests, in_turn(numbers, [workloads.transfers(each) for each in books]))
    return Subject(
        name=name,
        load=lambda seconds: load.put(service.url, "POST", bearers, requests, seconds, CONNECTIONS),
        count=lambda: sum(ledger.entries() for ledger in ledgers),
        effects=2,
        in_flight=CONNECTIONS,
        pids=(service.pid, *(ledger.postmaster() for ledger in ledgers)),
        seconds=scale.seconds,
    )


def in_turn(numbers: Sequence[int], requests: Sequence[Iterable[Line]]) -> Iterator[Line]:
    """
    Yield the requests to several ledgers in turn.

    :param numbers: the number of users of each ledger. Those of the second one are numbered after
        those of the first one.
    """
    first = [sum(numbers[:place]) for place in range(len(numbers))]
    for lines in zip(*requests, strict=True):
        for offset, (user, *rest) in zip(first, lines, strict=True):
            yield (offset + user, *rest)


def _rounds(subjects: Sequence[Subject], scale: Scale) -> Mapping[str, Sequence[Measurement]]:
    measurements: dict[str, list[Measurement]] = {each.name: [] for each in subjects}
    for subject in subjects:
        subject.load(1)  # Warms it up.
    for number in tqdm(range(scale.rounds), desc="Measuring", unit=" rounds", disable=None):
        for subject in random.Random(number).sample(subjects, len(subjects)):
            measurements[subject.name].append(subject.measure())
    return measurements
