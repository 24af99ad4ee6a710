"""What a web process and an ingester count, in the words of Prometheus."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric

from kit import metrics
from kit.metrics import SharedCounts, SharedHistogram
from scanservice.ingest import lag
from scanservice.ingest.ingesting import Ingester
from web.instance import Instance

# Each kind of process begins its ports here, behind ONEMARK_METRICS_PORT.
EDGE_PORTS: Final = 0
WEB_PORTS: Final = 10
INGESTER_PORTS: Final = 20

ANSWERS: Final = SharedCounts()
ANSWER_S: Final = SharedHistogram(metrics.LATENCY_S)


def web_families() -> Iterator[Metric]:
    yield ANSWERS.family("onemark_web_answers", "Answers of the web process, by status", label="status")
    yield ANSWER_S.family("onemark_web_answer_seconds", "From request to answer, without the sending")


def ingester_families(onemark: Instance, ingester: Ingester) -> Iterator[Metric]:
    moved = ingester.moved
    yield metrics.counter("onemark_ingester_entries", "Entries of the scan log that this process has stored", moved.entries)
    yield metrics.counter("onemark_ingester_scans", "Scans that were new or newly confirmed", moved.scans)
    yield metrics.counter("onemark_ingester_batches", "Transactions with entries", moved.batches)
    yield metrics.counter("onemark_ingester_busy_seconds", "Time spent in such transactions", moved.busy_s)
    with onemark.transaction(None) as session:
        found = lag.measure(session, onemark.redis)
    waiting = {str(one.partition): float(one.waiting) for one in found.partitions}
    now = onemark.clock.now()
    yield metrics.gauges("onemark_log_waiting_entries", "Entries that nobody has stored yet", waiting, label="partition")
    yield metrics.gauge("onemark_log_oldest_seconds", "Age of the oldest entry that nobody has stored yet", found.oldest_s(now))
    yield metrics.gauge("onemark_log_stopped_partitions", "Partitions that wait for onemark rebuild state", len(found.stopped))
