"""A server for an ASGI application whose workers are replaced without losing a request: on SIGHUP, one after the other.

Promises: the new worker is a fresh interpreter, with today's code and settings, and the old one works on until the new one has said that
it is ready; one that never says so is ended, and the old one stays. All share one listening socket, so no connection is refused, and none
that waits in its queue is reset. Between the two the old worker is told to say `Connection: close`, for clients that would otherwise send
their next request into a connection that is about to end. A worker that dies is followed by another; one that dies before it was ever
ready ends the server, with its exit code.

The workers are `kit.asgi_worker` (uvicorn). Its own supervisor ends the old workers first and starts new ones then.
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
WAKES_AT_ONCE: Final = 4096
BACKLOG: Final = 2048
# Sent to a worker that will soon be ended.
CLOSING: Final = signal.SIGUSR1

_log = log.get(__name__)


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told: its application as `module:name`, and the descriptors of its socket and of the pipe for its word."""

    target: str
    listening: int
    ready: int
    backlog: int


class AsgiServer:
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
        self._count = workers
        self._backlog = backlog
        self._ready_s_max = ready_s_max
        self._closing_s = closing_s
        self._workers: list[subprocess.Popen[bytes]] = []
        self._told: set[int] = set()

    def run(self) -> int:
        """Until told to stop. Returns an exit code."""
        woken, waker = socket.socketpair()
        with socket.create_server(self._address, backlog=self._backlog, family=self._family()) as listening, woken, waker:
            waker.setblocking(False)
            signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, lambda told, _frame: self._told.add(told))
            try:
                return self._serve(listening, woken)
            finally:
                for worker in self._workers:
                    worker.terminate()
                for worker in self._workers:
                    _end(worker)

    def _serve(self, listening: socket.socket, woken: socket.socket) -> int:
        for _ in range(self._count):
            worker = self._start(listening)
            if worker is None:
                return 1
            self._workers.append(worker)
        while not self._told & {signal.SIGTERM, signal.SIGINT}:
            if signal.SIGHUP in self._told:
                self._told.discard(signal.SIGHUP)
                self._replace_all(listening)
            for place, worker in enumerate(self._workers):
                if worker.poll() is not None:
                    _log.error("a worker died and is followed by another", exit_code=worker.returncode)
                    following = self._start(listening)
                    if following is None:
                        return 1
                    self._workers[place] = following
            if select.select([woken], [], [], LOOK_EVERY_S)[0]:
                woken.recv(WAKES_AT_ONCE)
        return 0

    def _replace_all(self, listening: socket.socket) -> None:
        for place, old in enumerate(self._workers):
            new = self._start(listening)
            if new is None:
                _log.error("the new worker did not become ready; the old one goes on", worker=place + 1)
                continue
            self._workers[place] = new
            if old.poll() is None:
                with suppress(ProcessLookupError):
                    old.send_signal(CLOSING)
                time.sleep(self._closing_s)
            old.terminate()
            _end(old)

    def _start(self, listening: socket.socket) -> subprocess.Popen[bytes] | None:
        """A worker that said it is ready; None where it never does, or where the server is told to stop meanwhile."""
        word, ready = os.pipe()
        try:
            orders = Orders(target=self._target, listening=listening.fileno(), ready=ready, backlog=self._backlog)
            program = [sys.executable, "-m", "kit.asgi_worker", msgspec.json.encode(orders).decode()]
            worker = subprocess.Popen(  # noqa: S603 - our own program
                # One that outlived its server would keep the port from the next one.
                [sys.executable, "-S", "-c", TETHER, str(os.getpid()), *program],
                pass_fds=(listening.fileno(), ready),
            )
        finally:
            os.close(ready)
        try:
            if self._says_ready(word, lambda: worker.poll() is not None):
                return worker
        finally:
            os.close(word)
        # It has answered nobody yet, and may not even listen to requests to end.
        worker.kill()
        worker.wait()
        return None

    def _says_ready(self, word: int, is_over: Callable[[], bool]) -> bool:
        due_s = time.monotonic() + self._ready_s_max
        while not self._told & {signal.SIGTERM, signal.SIGINT} and not is_over():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                return False
            # Its end closes the pipe, which ends this too.
            if select.select([word], [], [], min(left_s, LOOK_EVERY_S))[0]:
                return os.read(word, 1) == b"!"
        return False

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET


def _end(worker: subprocess.Popen[bytes]) -> None:
    """After it was told to."""
    try:
        worker.wait(STOP_S_MAX + KILL_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
