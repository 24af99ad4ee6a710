"""What one edge process counts: answers, verdicts, and how long Redis takes. Read by `families` when somebody asks for metrics."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric

from kit import metrics
from kit.metrics import Counts, Histogram

ANSWERS: Final = Counts()
VERDICTS: Final = Counts()
ANSWER_S: Final = Histogram(metrics.LATENCY_S)
ROUND_TRIP_S: Final = Histogram(metrics.LATENCY_S)
PIPELINE_CALLS: Final = Histogram(metrics.SIZES)


def families(*, catalogue_version: int) -> Iterator[Metric]:
    yield ANSWERS.family("onemark_edge_answers", "Answers of the edge itself, by status", label="status")
    yield VERDICTS.family("onemark_edge_scans", "Recorded scans, by verdict", label="verdict")
    yield ANSWER_S.family("onemark_edge_answer_seconds", "From request to answer, for the edge's own paths")
    yield ROUND_TRIP_S.family("onemark_edge_redis_seconds", "One pipeline to Redis and back, fsync included")
    yield PIPELINE_CALLS.family("onemark_edge_redis_pipeline_calls", "Scans that shared one pipeline")
    yield metrics.gauge("onemark_edge_catalogue_version", "The catalogue that this edge judges by", catalogue_version)
