"""A server for an ASGI application whose workers are replaced without losing a request: on SIGHUP, one after the other.

Promises: the new worker is a fresh interpreter, with today's code and settings, and the old one works on until the new one has said that
it is ready; one that never says so is ended, and the old one stays. All share one listening socket, so no connection is refused, and none
that waits in its queue is reset. Between the two the old worker is told to say `Connection: close`, for clients that would otherwise send
their next request into a connection that is about to end. What is under way then has STOP_S_MAX to end: longer transfers are cut. A worker
that dies is followed by another, tried again and again while there are others; where the first one cannot start, or nobody is left, the
server ends with 1.

The workers are `kit.serving_worker` (uvicorn, whose own supervisor ends the old workers first and starts new ones then).
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from kit import log
from kit.processes import TETHER

READY_S_MAX: Final = 60.0
# Long enough for most clients to send one more request, and to be told to open a new connection for the next.
CLOSING_S: Final = 3.0
# Below the patience of a supervisor, so that we end our workers ourselves.
STOP_S_MAX: Final = 8
KILL_S: Final = 2.0
LOOK_EVERY_S: Final = 1.0
AGAIN_S_MAX: Final = 30.0
WAKES_AT_ONCE: Final = 4096
BACKLOG: Final = 2048
STOPPING: Final[frozenset[int]] = frozenset({signal.SIGTERM, signal.SIGINT})
# Sent to a worker that will soon be ended.
CLOSING: Final = signal.SIGUSR1

Worker = subprocess.Popen[bytes]

_log = log.get(__name__)


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told: its application as `module:name`, and the descriptors of its socket and of the pipe for its word."""

    target: str
    listening: int
    ready: int
    backlog: int


class Server:
    def __init__(
        self,
        target: str,
        *,
        host: str,
        port: int,
        workers: int = 1,
        backlog: int = BACKLOG,
        ready_s_max: float = READY_S_MAX,
        closing_s: float = CLOSING_S,
    ) -> None:
        self._target = target
        self._address = (host, port)
        self._backlog = backlog
        self._ready_s_max = ready_s_max
        self._closing_s = closing_s
        # A place is empty while its worker is dead and could not be followed by another.
        self._workers: list[Worker | None] = [None] * workers
        self._told: set[int] = set()

    def run(self) -> int:
        """Until told to stop. Returns an exit code."""
        woken, waker = socket.socketpair()
        with socket.create_server(self._address, backlog=self._backlog, family=self._family()) as listening, woken, waker:
            waker.setblocking(False)
            woken.setblocking(False)
            signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
            for number in (*STOPPING, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, lambda told, _frame: self._told.add(told))
            self._listening, self._woken = listening, woken
            try:
                return self._serve()
            finally:
                running = [worker for worker in self._workers if worker is not None]
                for worker in running:
                    worker.terminate()
                due_s = time.monotonic() + STOP_S_MAX + KILL_S
                for worker in running:
                    _end(worker, due_s)

    def _serve(self) -> int:
        for place in range(len(self._workers)):
            self._workers[place] = self._start(lambda: True)
            if self._workers[place] is None:
                return 0 if self._stopping else 1
        tries = 0
        while not self._stopping:
            if signal.SIGHUP in self._told:
                self._told.discard(signal.SIGHUP)
                self._replace_all()
            missing = self._follow_the_dead()
            if missing and not self._anybody:
                return 0 if self._stopping else 1
            tries = tries + 1 if missing else 0
            self._wait(min(AGAIN_S_MAX, LOOK_EVERY_S * 2**tries) if missing else LOOK_EVERY_S)
        return 0

    @property
    def _stopping(self) -> bool:
        return not self._told.isdisjoint(STOPPING)

    @property
    def _anybody(self) -> bool:
        """Is there a worker who can accept connections?"""
        return any(worker is not None and worker.poll() is None for worker in self._workers)

    def _follow_the_dead(self) -> int:
        """Returns how many places stay empty."""
        for place, worker in enumerate(self._workers):
            if worker is None or worker.poll() is not None:
                _log.error("a worker died and is followed by another", exit_code=worker and worker.returncode)
                self._workers[place] = self._start(lambda: True)
        return sum(worker is None for worker in self._workers)

    def _replace_all(self) -> None:
        for place, old in enumerate(self._workers):
            # Whoever waits for a new worker while nobody is left keeps everybody waiting.
            new = self._start(lambda: self._anybody)
            if self._stopping:
                self._workers.append(new)
                return
            if new is None:
                _log.error("the new worker did not become ready", worker=place + 1)
                continue
            self._workers[place] = new
            if old is not None and old.poll() is None:
                with suppress(ProcessLookupError):
                    old.send_signal(CLOSING)
                self._wait(self._closing_s, until_told=STOPPING)
                old.terminate()
                _end(old, time.monotonic() + STOP_S_MAX + KILL_S)

    def _wait(self, seconds: float, *, until_told: frozenset[int] | None = None) -> None:
        """Until a signal comes (one of `until_told`), but at most so long."""
        due_s = time.monotonic() + seconds
        while (left_s := due_s - time.monotonic()) > 0:
            if select.select([self._woken], [], [], left_s)[0]:
                self._woken.recv(WAKES_AT_ONCE)
                if until_told is None or not self._told.isdisjoint(until_told):
                    return

    def _start(self, worth_waiting: Callable[[], bool]) -> Worker | None:
        """A worker that said it is ready; None where it never does, or where the server is told to stop meanwhile."""
        word, ready = os.pipe()
        try:
            orders = Orders(target=self._target, listening=self._listening.fileno(), ready=ready, backlog=self._backlog)
            program = [sys.executable, "-m", "kit.serving_worker", msgspec.json.encode(orders).decode()]
            worker = subprocess.Popen(  # noqa: S603 - our own program
                # One that outlived its server would keep the port from the next one.
                [sys.executable, "-S", "-c", TETHER, str(os.getpid()), *program],
                pass_fds=(self._listening.fileno(), ready),
            )
        except OSError:
            os.close(word)
            _log.exception("no worker could be started")
            return None
        finally:
            os.close(ready)
        try:
            if self._says_ready(word, lambda: worker.poll() is None and worth_waiting()):
                return worker
        finally:
            os.close(word)
        # It has answered nobody yet, and may not even listen to requests to end.
        worker.kill()
        worker.wait()
        return None

    def _says_ready(self, word: int, goes_on: Callable[[], bool]) -> bool:
        due_s = time.monotonic() + self._ready_s_max
        while not self._stopping and goes_on():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                return False
            # Its end closes the pipe, which ends this too.
            if select.select([word], [], [], min(left_s, LOOK_EVERY_S))[0]:
                return os.read(word, 1) == b"!"
        return False

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET


def _end(worker: Worker, due_s: float) -> None:
    """After it was told to; what has not ended by then is killed."""
    try:
        worker.wait(max(0.0, due_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
