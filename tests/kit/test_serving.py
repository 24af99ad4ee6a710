"""Workers are replaced under load, and no request is lost by it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from kit import daemons
from tests.waiting import until

STOP_S_MAX = 30


class Caller(threading.Thread):
    """Asks again and again on one connection, as long as that lasts; keeps who answered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.enough = threading.Event()
        self.answered: list[str] = []
        self.failures: list[Exception] = []

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.enough.is_set():
            try:
                connection.request("GET", "/")
                self.answered.append(connection.getresponse().read().decode())
            except OSError as failure:
                self.failures.append(failure)
                connection.close()
        connection.close()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = daemons.free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.serving_app", str(port), str(folder)])
    try:
        until(lambda: answers(port), "the server answers")
        yield process, port
    finally:
        process.terminate()
        process.wait(STOP_S_MAX)


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture
def callers() -> Iterator[list[Caller]]:
    started: list[Caller] = []
    yield started
    for caller in started:
        caller.enough.set()
    for caller in started:
        caller.join()


def test_a_reload_under_load_loses_no_request(tmp_path: Path, callers: list[Caller]) -> None:
    with serving(tmp_path) as (process, port):
        callers += [Caller(port) for _ in range(6)]
        for caller in callers:
            caller.start()
        until(lambda: all(caller.answered for caller in callers), "everybody was answered")
        old = callers[0].answered[0]
        os.kill(process.pid, signal.SIGHUP)
        until(lambda: all(caller.answered[-1] != old for caller in callers), "another worker answers everybody")
        for caller in callers:
            caller.enough.set()
            caller.join()
    assert [caller.failures for caller in callers] == [[]] * len(callers)


def test_a_worker_that_does_not_become_ready_takes_nobodys_place(tmp_path: Path) -> None:
    (tmp_path / "hasty").touch()
    with serving(tmp_path) as (process, port):
        caller = Caller(port)
        caller.start()
        until(lambda: bool(caller.answered), "the first worker answers")
        (tmp_path / "broken").touch()
        os.kill(process.pid, signal.SIGHUP)
        seen = len(caller.answered)
        until(lambda: len(caller.answered) > seen + 500, "it goes on answering")
        caller.enough.set()
        caller.join()
        assert set(caller.answered) == {caller.answered[0]}
        assert not caller.failures
