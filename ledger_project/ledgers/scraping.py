"""The metrics that are read from the databases at each scrape, for each of several ledgers."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ledger_project.ledgers.pool import using
from ledger_project.ledgers.registry import registry


class OfEachLedger(Collector):
    """
    Report the metrics of other collectors for each ledger, with the label ``ledger``.

    :param reachable: reports a metric that is 0 if the database can't be reached. The ledger's
        other collectors are then left out, because each would wait for it again.
    """

    def __init__(self, reachable: Collector, *others: Collector) -> None:
        self._reachable, self._others = reachable, others

    def collect(self) -> Iterator[Metric]:
        if not settings.LEDGERS:
            for collector in (self._reachable, *self._others):
                yield from collector.collect()
            return
        found: dict[str, Metric] = {}
        for ledger in registry().all().values():
            with using(ledger):
                for metric in self._of_current():
                    kind = metric.name, metric.documentation, metric.type
                    labelled = found.setdefault(metric.name, Metric(*kind))
                    for sample in metric.samples:
                        labels = {**sample.labels, "ledger": ledger.host}
                        labelled.samples.append(sample._replace(labels=labels))
        yield from found.values()

    def _of_current(self) -> Iterator[Metric]:
        first = list(self._reachable.collect())
        yield from first
        if all(sample.value for sample in first[0].samples):
            for collector in self._others:
                yield from collector.collect()
