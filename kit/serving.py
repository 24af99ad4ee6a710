"""A Granian server for WSGI whose workers are replaced without losing a request: on SIGHUP, one after the other. `kit.asgi_serving` is its
sibling for ASGI.

Promises: the new worker is a fresh interpreter, with today's code and settings, and the old one works on until the new one has loaded its
application; one that never does is ended, and the old one stays. Both listen on one socket, so no connection is refused, and none that
waits in its queue is reset.

Granian's own respawn waits some seconds instead of for the worker (1.3 s or 8 s, depending on who else uses the machine: thousands of
refused connections were measured), and gives each worker a socket of its own, whose queue is reset when it ends. Overridden are two of
its methods; the tests of this module are what a new version has to pass.
"""

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any, Final

from granian._granian import SocketHolder
from granian._internal import load_target
from granian.server.mp import MPServer

from kit import log

READY_S_MAX: Final = 60.0
LOOK_EVERY_S: Final = 0.1
# Below the patience of a supervisor, so that we end our workers ourselves.
STOP_S_MAX: Final = 10
FRESH: Final = "spawn"
PR_SET_PDEATHSIG: Final = 1

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads the application in the worker."""

    target: str
    ready: Event
    server_pid: int

    def __call__(self) -> Any:
        # One that outlived its server would keep the port from the next one.
        die_with_parent(self.server_pid)
        app = load_target(self.target)
        self.ready.set()
        return app


class Server(MPServer):
    """Takes what Granian takes."""

    def __init__(self, target: str, *, ready_s_max: float = READY_S_MAX, **given: Any) -> None:
        multiprocessing.set_start_method(FRESH, force=True)
        super().__init__(target, workers_kill_timeout=STOP_S_MAX, **given)
        self._application = target
        self._ready_s_max = ready_s_max
        self._ready = multiprocessing.Event()

    def run(self) -> None:
        """Until told to stop."""
        self.serve(target_loader=Loader(target=self._application, ready=self._ready, server_pid=os.getpid()), wrap_loader=False)

    def _init_shared_socket(self) -> None:
        listening = socket.create_server((self.bind_addr, self.bind_port), backlog=self.backlog, family=self._family())
        listening.set_inheritable(True)
        listening.setblocking(False)
        descriptor: Any = listening.fileno()
        holder: Any = SocketHolder
        self._sso = listening
        self._ssp, self._sfd = None, descriptor
        # Its stub knows the first argument alone: descriptor, whether it is a Unix socket, length of the queue.
        self._shd = holder(descriptor, False, self.backlog)

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.bind_addr else socket.AF_INET

    def _respawn_workers(
        self,
        workers: Sequence[int],
        spawn_target: Callable[..., None],
        target_loader: Callable[..., Any],
        delay: float = 0,  # noqa: ARG002 - Granian's guess at how long a start takes
    ) -> None:
        for number in workers:
            old: Any = self.wrks[number]
            self._ready.clear()
            new: Any = self._spawn_worker(idx=number, target=spawn_target, callback_loader=target_loader)
            new.start()
            if not self._becomes_ready(new) and old.is_alive():
                _log.error("the new worker did not become ready; the old one goes on", worker=number + 1)
                # It has answered nobody yet, and may not even listen to requests to end.
                new.kill()
                new.join()
                continue
            self.wrks[number] = new
            _end(old)
        self._metrics.incr_spawn(len(workers))

    def _becomes_ready(self, worker: Any) -> bool:
        due = time.monotonic() + self._ready_s_max
        while not self._ready.wait(LOOK_EVERY_S):
            if time.monotonic() > due or not worker.is_alive():
                return False
        return True


def _end(worker: Any) -> None:
    worker.terminate()
    worker.join(STOP_S_MAX)
    if worker.is_alive():
        worker.kill()
        worker.join()


def die_with_parent(parent_pid: int) -> None:
    """Asks the kernel for a SIGTERM when the process that started us is gone: a server's workers must not outlive it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGTERM)
