"""Workers are replaced under load, and no request is lost by it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from kit import daemons
from tests.kit.serving_app import FOLDER
from tests.waiting import until

STOP_S_MAX = 30


class Caller(threading.Thread):
    """Asks again and again, on one connection as long as that lasts where it `keeps` it; remembers who answered."""

    def __init__(self, port: int, *, path: str = "/", keeps: bool = True) -> None:
        super().__init__()
        self.port = port
        self.path = path
        self.keeps = keeps
        self.enough = threading.Event()
        self.answered: list[str] = []
        self.failures: list[Exception] = []

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.enough.is_set():
            try:
                connection.request("GET", self.path)
                self.answered.append(connection.getresponse().read().decode())
                if not self.keeps:
                    connection.close()
            except (OSError, HTTPException) as failure:
                self.failures.append(failure)
                connection.close()
        connection.close()


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = daemons.free_port()
    environment = {**os.environ, FOLDER: str(folder)}  # noqa: TID251 - handed on
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.serving_app", kind, str(port)], env=environment)
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


@pytest.mark.parametrize(
    ("kind", "path", "keeps"),
    [("asgi", "/", True), ("asgi", "/straight", True), ("asgi", "/", False), ("wsgi", "/", True), ("wsgi", "/", False)],
)
def test_a_reload_under_load_loses_no_request(
    tmp_path: Path,
    callers: list[Caller],
    kind: str,
    path: str,
    keeps: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    with serving(kind, tmp_path) as (process, port):
        callers += [Caller(port, path=path, keeps=keeps) for _ in range(6)]
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


def test_who_was_accepted_just_before_the_end_is_answered(tmp_path: Path) -> None:
    with serving("asgi", tmp_path) as (_process, port):
        accepted = [HTTPConnection("127.0.0.1", port, timeout=STOP_S_MAX) for _ in range(5)]
        for connection in accepted:
            connection.connect()
        watching = HTTPConnection("127.0.0.1", port, timeout=STOP_S_MAX)
        # Accepted in turn: whoever came before this one has its connection.
        worker = asked(watching)[0]
        os.kill(int(worker), signal.SIGTERM)
        until(lambda: asked(watching)[1], "the worker is ending")
        assert {asked(connection) for connection in accepted} == {(worker, True)}


def asked(connection: HTTPConnection) -> tuple[str, bool]:
    """Who answered, and whether it was the last answer on this connection."""
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.read().decode(), answer.will_close


def test_a_worker_that_dies_is_followed_by_another_and_nobody_is_refused(tmp_path: Path) -> None:
    with serving("asgi", tmp_path) as (_process, port):
        caller = Caller(port, keeps=False)
        caller.start()
        until(lambda: bool(caller.answered), "the first worker answers")
        first = caller.answered[0]
        os.kill(int(first), signal.SIGKILL)
        until(lambda: caller.answered[-1] != first, "another worker answers")
        caller.enough.set()
        caller.join()
    # The one that the dead worker had taken is broken; all others waited in the socket's queue.
    assert len(caller.failures) <= 1
    assert not any(isinstance(failure, ConnectionRefusedError) for failure in caller.failures)


def test_a_worker_that_cannot_be_followed_takes_nobody_along(tmp_path: Path, callers: list[Caller]) -> None:
    with serving("asgi2", tmp_path) as (process, port):
        callers.append(Caller(port, keeps=False))
        callers[0].start()
        until(lambda: len(set(callers[0].answered)) == 2, "both workers answer")
        (tmp_path / "broken").touch()
        first, second = set(callers[0].answered)
        os.kill(int(first), signal.SIGKILL)
        seen = len(callers[0].answered)
        until(lambda: len(callers[0].answered) > seen + 500, "the other one goes on")
        assert process.poll() is None
        (tmp_path / "broken").unlink()
        until(lambda: set(callers[0].answered) - {first, second}, "a third one follows")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(STOP_S_MAX) == 0


def test_a_server_whose_first_worker_cannot_start_ends(tmp_path: Path) -> None:
    (tmp_path / "hasty").touch()
    (tmp_path / "hanging").touch()
    environment = {**os.environ, FOLDER: str(tmp_path)}  # noqa: TID251 - handed on
    program = [sys.executable, "-m", "tests.kit.serving_app", "asgi", str(daemons.free_port())]
    assert subprocess.run(program, env=environment, check=False, timeout=STOP_S_MAX).returncode == 1


def test_a_worker_does_not_outlive_its_server(tmp_path: Path) -> None:
    with serving("asgi", tmp_path) as (process, port):
        caller = Caller(port)
        caller.start()
        until(lambda: bool(caller.answered), "the worker answers")
        caller.enough.set()
        caller.join()
        process.kill()
        process.wait()
        until(lambda: not psutil.pid_exists(int(caller.answered[0])), "the worker is gone")


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_worker_that_does_not_become_ready_takes_nobodys_place(tmp_path: Path, kind: str) -> None:
    if kind == "wsgi":
        (tmp_path / "hasty").touch()
    with serving(kind, tmp_path) as (process, port):
        caller = Caller(port, keeps=kind == "asgi")
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
