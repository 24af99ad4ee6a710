"""Figures of one process for Prometheus: plain integers that are counted along the way and put into words when somebody asks.

Promises: counting costs a fraction of a microsecond, whatever is asked; nothing is served unless a port is given, and then on a port of
its own, never on the public one. Several processes of one kind take the next free ports: each is a target of its own, so that none has
to add up the others. Refuses: nothing; a process without a free port says so and works without.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import GCCollector, ProcessCollector, start_http_server
from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from kit import log

PORTS_TRIED: Final = 10
LATENCY_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

_log = log.get(__name__)


class Counts:
    """Counters that share a name and differ in one label. One thread counts, any may read."""

    def __init__(self) -> None:
        self._counts: dict[str | int, int] = {}

    def add(self, label: str | int, number: int = 1) -> None:
        self._counts[label] = self._counts.get(label, 0) + number

    def family(self, name: str, says: str, *, label: str) -> Metric:
        family = CounterMetricFamily(name, says, labels=[label])
        for value, count in sorted((str(value), count) for value, count in self._counts.copy().items()):
            family.add_metric([value], count)
        return family


class SharedCounts(Counts):
    """For several threads that count."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self, label: str | int, number: int = 1) -> None:
        with self._lock:
            super().add(label, number)


class Histogram:
    """How often a value was at most each of the bounds; `bounds` grow. One thread counts, any may read."""

    def __init__(self, bounds: Iterable[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, says: str) -> Metric:
        buckets, below = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            below += count
            buckets.append((bound, float(below)))
        return HistogramMetricFamily(name, says, buckets=buckets, sum_value=self._sum)


class SharedHistogram(Histogram):
    """For several threads that count."""

    def __init__(self, bounds: Iterable[float]) -> None:
        super().__init__(bounds)
        self._lock = threading.Lock()

    def observe(self, value: float) -> None:
        with self._lock:
            super().observe(value)


def counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(name, says, value=value)


def gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def gauges(name: str, says: str, values: Mapping[str, float], *, label: str) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


class _Asked(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        try:
            yield from self._families()
        except Exception:  # noqa: BLE001 - a server that is away must not hide the figures of this process
            _log.warning("some metrics could not be read", exc_info=True)

    def describe(self) -> Iterable[Metric]:
        return ()


@contextmanager
def served(families: Callable[[], Iterable[Metric]], *, host: str, first_port: int) -> Iterator[int]:
    """Answers `GET /metrics` on the first free port from `first_port` on, which is yielded; 0 where there is none, or `first_port` is 0."""
    server = _start(families, host=host, first_port=first_port) if first_port else None
    try:
        yield server.server_port if server is not None else 0
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


def _start(families: Callable[[], Iterable[Metric]], *, host: str, first_port: int) -> WSGIServer | None:
    registry = CollectorRegistry()
    registry.register(_Asked(families))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    for port in range(first_port, first_port + PORTS_TRIED):
        try:
            server, _ = start_http_server(port, addr=host, registry=registry)
        except OSError:
            continue
        return server
    _log.warning("no free port for metrics", host=host, first_port=first_port, tried=PORTS_TRIED)
    return None
