"""Figures for Prometheus: on a port of their own, and only where one is given."""

from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from prometheus_client.core import Metric

from kit import daemons, metrics
from kit.metrics import Counts, Histogram, SharedCounts, SharedHistogram

HOST = "127.0.0.1"


def read(port: int) -> list[str]:
    with urlopen(f"http://{HOST}:{port}/metrics") as answer:
        return str(answer.read().decode()).splitlines()


@pytest.mark.parametrize(("counts", "histogram"), [(Counts, Histogram), (SharedCounts, SharedHistogram)])
def test_counts_and_histograms_are_served_as_they_are_when_asked(counts: type[Counts], histogram: type[Histogram]) -> None:
    answers, waits = counts(), histogram((0.1, 1.0))

    def families() -> Iterator[Metric]:
        yield answers.family("answers", "By status", label="status")
        yield waits.family("wait_seconds", "How long")
        yield metrics.gauges("waiting", "By partition", {"7": 3.0}, label="partition")

    with metrics.served(families, host=HOST, first_port=daemons.free_port()) as port:
        assert 'answers_total{status="200"} 1.0' not in read(port)
        answers.add(200)
        answers.add("503", 2)
        for wait_s in (0.05, 0.1, 0.5, 7.0):
            waits.observe(wait_s)
        lines = read(port)
    assert 'answers_total{status="200"} 1.0' in lines
    assert 'answers_total{status="503"} 2.0' in lines
    assert [line for line in lines if line.startswith("wait_seconds_bucket")] == [
        'wait_seconds_bucket{le="0.1"} 2.0',
        'wait_seconds_bucket{le="1.0"} 3.0',
        'wait_seconds_bucket{le="+Inf"} 4.0',
    ]
    assert 'waiting{partition="7"} 3.0' in lines


def test_the_second_process_takes_the_next_port() -> None:
    first = daemons.free_port()
    with metrics.served(tuple, host=HOST, first_port=first) as one, metrics.served(tuple, host=HOST, first_port=one) as two:
        assert one < two < one + metrics.PORTS_TRIED
        assert read(two)


def test_nothing_is_served_without_a_port() -> None:
    with metrics.served(tuple, host=HOST, first_port=0) as port:
        assert port == 0


def test_a_server_that_is_away_hides_no_other_figure() -> None:
    def families() -> Iterator[Metric]:
        yield metrics.counter("stored", "So far", 4)
        raise ConnectionError

    with metrics.served(families, host=HOST, first_port=daemons.free_port()) as port:
        assert "stored_total 4.0" in read(port)
