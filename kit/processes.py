"""A small supervisor: the processes of one box under one terminal command.

Promises: each child runs in a session of its own, away from the terminal's Ctrl-C, and is told to end when we are gone, even by
SIGKILL; its output comes line by line under its name; one that ends is started again, after a growing delay; a stop goes in reverse
order and ends in a bounded time. Whatever a killed supervisor left behind is ended at the next start.

honcho, the nearest library, stops everything as soon as one child ends, has no hook that runs now and then, and knows
nothing of the children of a supervisor that was killed; what would remain of it is the coloured prefix.
"""

import fcntl
import itertools
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, TextIO

from kit import daemons, leftovers
from kit.refusals import Conflict

LOCK_FILE = "supervisor.lock"
LINE_BYTES_MAX = 64 << 10
READ_BYTES = 64 << 10
TICK_S = 1.0
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
SIGNALS_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Runs in the child before its program: asks the kernel for a SIGTERM at our death (PR_SET_PDEATHSIG is 1) and looks whether
# that has happened already. A program of its own, because code between fork and exec may hang in a process with threads.
TETHER = """\
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
"""


class AlreadyRunning(Conflict):
    code = "already_running"
    says = "The processes of {folder} run already, under another command."


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program to keep running. `env` is its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long we wait for what."""

    restart_first_s: float = 0.5
    restart_s_max: float = 30.0
    steady_after_s: float = 60.0  # one that lived so long begins again with the first delay
    stop_s_max: float = 20.0

    def __post_init__(self) -> None:
        if not 0 < self.restart_first_s <= self.restart_s_max:
            raise ValueError("The first delay before a restart must be above 0 and at most the longest.")


@dataclass(slots=True, kw_only=True)
class Child:
    """The life of one process: running while `popen` is there, due again at `due_at` otherwise."""

    process: Process
    prefix: str
    popen: subprocess.Popen[bytes] | None = None
    pending: bytes = b""
    started_at: float = 0.0
    due_at: float = 0.0
    delay_s: float = 0.0
    replaced: bool = False


class Supervisor:
    """Keeps `processes` running from `run` until a signal or `stop`. For the main thread of a process, once."""

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        run_dir: Path,
        out: TextIO,
        tick: Callable[[], None] = lambda: None,
        on_exit: Callable[[str, int], None] = lambda _name, _code: None,
        patience: Patience | None = None,
    ) -> None:
        """`tick` is called about once a second; `on_exit` with name and exit code (-N for signal N) of each unasked end."""
        width = max((len(process.name) for process in processes), default=0)
        colours = itertools.cycle(COLOURS)
        self._children = {
            process.name: Child(
                process=process, prefix=_prefix(process.name, width=width, colour=next(colours) if out.isatty() else None)
            )
            for process in processes
        }
        if len(self._children) != len(processes):
            raise ValueError("Two processes bear the same name.")
        self._out = out
        self._tick = tick
        self._on_exit = on_exit
        self._patience = patience or Patience()
        self._run_dir = daemons.private_folder(run_dir)
        self._mark = secrets.token_hex(8)
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._impatient = False

    def run(self) -> None:
        """Starts everything and returns when everything has been stopped."""
        with self._alone(), self._signals(), self._selector:
            leftovers.end(self._run_dir)
            try:
                self._loop()
            finally:
                self._stop_all()
                leftovers.forget(self._run_dir)

    def stop(self) -> None:
        """Makes `run` stop all children and return. May be called from `tick`, `on_exit` or a signal handler."""
        self._stopping = True

    def replace(self, process: Process) -> None:
        """Ends the child of this name and starts the new definition at once, for instance with another address of a server."""
        child = self._children[process.name]
        child.process = process
        child.replaced = child.popen is not None
        if child.popen is not None:
            os.kill(child.popen.pid, signal.SIGTERM)

    def pids(self) -> dict[str, int]:
        """The running children."""
        return {name: child.popen.pid for name, child in self._children.items() if child.popen is not None}

    def _loop(self) -> None:
        tick_due_at = time.monotonic() + TICK_S
        while not self._stopping:
            now = time.monotonic()
            for child in self._children.values():
                if child.popen is None and child.due_at <= now and not self._stopping:
                    self._start(child)
            if now >= tick_due_at:
                self._tick()
                tick_due_at = time.monotonic() + TICK_S
            waiting = [child.due_at for child in self._children.values() if child.popen is None]
            self._pump(max(0.0, min([tick_due_at, *waiting]) - time.monotonic()))
            self._see_to_ended()

    def _start(self, child: Child) -> None:
        process = child.process
        child.popen = subprocess.Popen(  # noqa: S603 - the caller's own programs
            [sys.executable, "-ISc", TETHER, str(os.getpid()), *process.argv],
            env={**process.env, leftovers.MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child.started_at = time.monotonic()
        child.replaced = False
        os.set_blocking(_output(child.popen).fileno(), False)
        self._selector.register(_output(child.popen), selectors.EVENT_READ, child)
        leftovers.write(self._run_dir, mark=self._mark, pids=self.pids())

    def _see_to_ended(self) -> None:
        for child in self._children.values():
            if child.popen is None or not _has_ended(child.popen):
                continue
            lived_s = time.monotonic() - child.started_at
            code = self._bury(child, child.popen)
            if child.replaced:
                child.due_at = child.delay_s = 0.0
                self._say(child, "starting again with new settings.")
                continue
            steady = lived_s >= self._patience.steady_after_s
            child.delay_s = (
                self._patience.restart_first_s
                if steady or not child.delay_s
                else min(child.delay_s * 2, self._patience.restart_s_max)
            )
            child.due_at = time.monotonic() + child.delay_s
            self._say(child, f"{_ending(code)}; starting again in {child.delay_s:g} s.")
            self._on_exit(child.process.name, code)

    def _bury(self, child: Child, popen: subprocess.Popen[bytes]) -> int:
        """Ends what is left of a child and its group, passes on its last words, and returns the exit code."""
        # The dead child keeps its number until `wait`, so the group cannot be somebody else's.
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        code = popen.wait()
        while self._read(child):
            pass
        if child.pending:
            self._print(child, child.pending)
            child.pending = b""
        with suppress(KeyError):
            self._selector.unregister(_output(popen))
        _output(popen).close()
        child.popen = None
        leftovers.write(self._run_dir, mark=self._mark, pids=self.pids())
        return code

    def _stop_all(self) -> None:
        running = [child for child in reversed(self._children.values()) if child.popen is not None]
        for child in running:
            if child.popen is not None:
                os.kill(child.popen.pid, signal.SIGTERM)
        deadline = time.monotonic() + self._patience.stop_s_max
        self._impatient = False
        while running and time.monotonic() < deadline and not self._impatient:
            self._pump(min(TICK_S, max(0.0, deadline - time.monotonic())))
            for child in tuple(running):
                if child.popen is not None and _has_ended(child.popen):
                    self._bury(child, child.popen)
                    running.remove(child)
        for child in running:
            if child.popen is not None:
                self._say(child, "did not end when asked, and is killed.")
                self._bury(child, child.popen)

    def _pump(self, timeout_s: float) -> None:
        """Passes on what children say, until something happens or the time is over."""
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, Child):
                self._read(key.data)
            else:
                with suppress(BlockingIOError):
                    key.data.recv(READ_BYTES)

    def _read(self, child: Child) -> bool:
        """Passes on one piece of output; False when there is none now."""
        if child.popen is None:
            return False
        output = _output(child.popen)
        try:
            piece = os.read(output.fileno(), READ_BYTES)
        except BlockingIOError:
            return False
        if not piece:  # closed, which a child may do long before it ends
            with suppress(KeyError):
                self._selector.unregister(output)
            return False
        *lines, child.pending = (child.pending + piece).split(b"\n")
        for line in lines:
            self._print(child, line)
        if len(child.pending) > LINE_BYTES_MAX:
            self._print(child, child.pending)
            child.pending = b""
        return True

    def _print(self, child: Child, line: bytes) -> None:
        try:
            self._out.write(f"{child.prefix}{line.decode(errors='replace').rstrip()}\n")
            self._out.flush()
        except BrokenPipeError:  # nobody reads us any more
            self.stop()

    def _say(self, child: Child, what: str) -> None:
        self._print(child, f"[{child.process.name}] {what}".encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A second supervisor of the folder would take our children for leftovers."""
        with (self._run_dir / LOCK_FILE).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(folder=self._run_dir) from None
            yield

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals wake the loop through a socket; the second request to stop cuts the waiting short."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._impatient = self._stopping
            self._stopping = True

        wake, woken = socket.socketpair()
        # What was ignored when we came stays ignored: `nohup` means it.
        handlers: dict[int, Callable[[int, FrameType | None], None]] = {
            number: stop for number in SIGNALS_TO_STOP if signal.getsignal(number) is not signal.SIG_IGN
        }
        handlers[signal.SIGCHLD] = lambda _number, _frame: None
        with wake, woken:
            wake.setblocking(False)
            woken.setblocking(False)
            self._selector.register(woken, selectors.EVENT_READ, woken)
            before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
            former = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(former)
                for number, handler in before.items():
                    signal.signal(number, handler)


def _has_ended(popen: subprocess.Popen[bytes]) -> bool:
    """Looks without reaping."""
    return os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _output(popen: subprocess.Popen[bytes]) -> IO[bytes]:
    assert popen.stdout is not None, "children are started with a pipe"  # noqa: S101 - for the type checker
    return popen.stdout


def _prefix(name: str, *, width: int, colour: int | None) -> str:
    plain = f"{name:<{width}} | "
    return plain if colour is None else f"\x1b[{colour}m{plain}\x1b[0m"


def _ending(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
