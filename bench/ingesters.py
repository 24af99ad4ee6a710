"""Ingester processes, as an instance runs them, held still while the log is filled."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from sqlalchemy import text

from bench.contenders import STOP_S_MAX, environment
from bench.ground import Ground
from scanservice.ingest import lag

LOOK_EVERY_S = 0.01
# A look at the whole log costs milliseconds of a core that the ingesters want as well.
WATCH_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the log held and what of it waited, at a moment of the performance counter."""

    at_s: float
    logged: int
    waiting: int


class Ingesters:
    def __init__(self, ground: Ground, processes: list[psutil.Popen]) -> None:
        self._ground = ground
        self._processes = processes

    def pause(self) -> None:
        """Only while nothing waits: a process that is stopped in the middle of a transaction keeps its partitions."""
        self.drain()
        for process in self._processes:
            process.suspend()

    def resume(self) -> None:
        for process in self._processes:
            process.resume()

    def drain(self) -> None:
        """Returns when everything is stored that the log holds now. Asks PostgreSQL alone: the ingesters need the cores."""
        goal = self._stored() + self.waiting()
        while self._stored() < goal:
            time.sleep(LOOK_EVERY_S)

    def watch(self, process: "subprocess.Popen[bytes]") -> list[Look]:
        """Looks every so often, while the process lives and then until nothing waits. `logged` may be a little too much, never too little."""
        looks = [self._look()]
        while process.poll() is None or looks[-1].waiting:
            time.sleep(WATCH_EVERY_S)
            looks.append(self._look())
        return looks

    def _look(self) -> Look:
        waiting = self.waiting()
        return Look(at_s=time.perf_counter(), logged=self._stored() + waiting, waiting=waiting)

    def _stored(self) -> int:
        with self._ground.onemark.transaction(None) as session:
            return int(session.scalar(text("SELECT sum(sequence) FROM log_position")) or 0)

    def waiting(self) -> int:
        with self._ground.onemark.transaction(None) as session:
            return lag.measure(session, self._ground.onemark.redis).waiting

    def core_s(self) -> float:
        return sum(_core_s(process) for process in self._processes)


@contextmanager
def running(ground: Ground, *, count: int) -> Iterator[Ingesters]:
    command = [sys.executable, "-m", "web", "run", "ingester"]
    with (ground.folder / "ingesters.log").open("ab") as out:
        processes = [psutil.Popen(command, env=environment(ground, 0), stdout=out, stderr=out) for _ in range(count)]
    try:
        yield Ingesters(ground, processes)
    finally:
        for process in processes:
            process.resume()
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def postgres_core_s(ground: Ground) -> float:
    """Processor time of all processes of the private PostgreSQL that still live; connections stay open, so none is missed."""
    ours = [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if "postgres" in process.info["name"] and str(ground.folder) in (process.info["cwd"] or "")
    ]
    return sum(_core_s(process) for process in ours)


def _core_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
