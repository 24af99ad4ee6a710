"""The processes of an instance, as the one box and docker-compose start them: web, ingester, worker, scheduler (the edge serves itself).

Each is stateless, may run several times, and finds its servers by DATABASE_URL and REDIS_URL.
"""

import signal
import sys
import threading

from kit import collecting, log, metrics
from kit.serving import Server
from kit.settings import Settings
from scanservice.ingest import ingesting
from supplychain import geography
from web import counters, instance, projecting, worker

WEB_TARGET = "web.asgi:app"


def web(*, host: str, port: int, workers: int = 1) -> None:
    """Serves the pages on a port that only the edge should reach."""
    log.configure(process="web")
    sys.exit(Server(WEB_TARGET, host=host, port=port, workers=workers).run())


def run_ingester(settings: Settings) -> None:
    """Moves the scan log into PostgreSQL until told to stop."""
    log.configure(process="ingester")
    stop = stop_on_signals()
    with instance.attached(settings) as onemark:
        moving = ingester(onemark)
        collecting.settle()
        port = settings.metrics_port and settings.metrics_port + counters.INGESTER_PORTS
        with metrics.served(lambda: counters.ingester_families(onemark, moving), host=settings.metrics_host, first_port=port):
            moving.run(stop)


def ingester(onemark: instance.Instance) -> ingesting.Ingester:
    """What moves the log of this instance into PostgreSQL, with everything that is derived from scans."""
    return ingesting.Ingester(
        onemark.engine,
        onemark.redis,
        projections=projecting.PROJECTIONS,
        locate=geography.locate_many,
        clock=onemark.clock,
        log_bytes_max=onemark.settings.log_bytes_max,
    )


def run_worker(settings: Settings) -> None:
    """Does background jobs: outbox deliveries, exports, sweeps."""
    log.configure(process="worker")
    with worker.serving(settings) as onemark:
        onemark.jobs.work(functions=worker.FUNCTIONS)


def run_scheduler(settings: Settings) -> None:
    log.configure(process="scheduler")
    stop = stop_on_signals()
    with instance.attached(settings) as onemark:
        onemark.jobs.schedule(worker.EVERY_S, stop=stop)


def stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
