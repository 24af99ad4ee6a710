"""What private servers have in common: folders of their own, ports of loopback, log lines, and processes that outlive their starter.

A process is recognised by its name and its working folder, never by a process number alone: numbers come round again after
a reboot, and a file that holds one says nothing about who bears it now.
"""

import importlib.util
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Protocol

import psutil

from kit.refusals import Unavailable

LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below the range that Linux takes outgoing connections from
PORT_TRIES_MAX = 200
PRIVATE_FOLDER_MODE = 0o700
END_POLL_S = 0.01
LOG_LINES_SHOWN = 12
LOG_TAIL_BYTES = 16 << 10
LOG_FILE_BYTES_MAX = 16 << 20
# Servers get none of our environment: it may hold secrets, and PG* variables would change what they do.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class ServerFailed(Unavailable):
    """A private server does not come up, or is not what its data folder says; the last lines of its log say why."""

    code = "server_failed"
    says = "{server}: {what}\nIts log {log} ends:\n{lines}"


class Daemon(Protocol):
    """A server process on loopback that belongs to one folder."""

    name: ClassVar[str]

    @property
    def port(self) -> int: ...

    @property
    def log(self) -> Path: ...

    def process(self) -> psutil.Process | None:
        """The running server of this folder, whoever started it."""

    def prepare(self) -> None:
        """Makes the folder ready for a start, when no server runs."""

    def launch(self) -> None:
        """Starts the server in a session of its own; failing is told by `process`, not by an exception."""

    def answers(self) -> bool:
        """True once the server serves; raises when it answers and is not ours."""

    def stop(self) -> None:
        """Ends the running server and waits for its end."""


def failure(daemon: Daemon, what: str, *, since: int = 0) -> ServerFailed:
    return ServerFailed(server=daemon.name, what=what, log=daemon.log, lines=last_lines(daemon.log, since=since))


def private_folder(folder: Path) -> Path:
    """Makes the folder and the parents that are missing, open to us alone. Folders that exist stay as they are."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    return folder


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closing connections of a former server are no neighbour
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(*, besides: Sequence[int] = ()) -> int:
    """A port that nobody has now. Somebody may take it before the server does; then the start is tried again with another."""
    for _ in range(PORT_TRIES_MAX):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        if port not in besides and port_is_free(port):
            return port
    raise Unavailable(f"No free port between {PORTS.start} and {PORTS.stop - 1} on {LOOPBACK}.")


def is_of(process: psutil.Process, *, name: str, folder: Path) -> bool:
    """True for a living process of this program that works in this folder."""
    with suppress(psutil.Error, OSError):
        works_here: bool = process.name() == name and process.cwd() == str(folder.resolve())
        return works_here and process.status() != psutil.STATUS_ZOMBIE
    return False


def by_number(pid: int, *, name: str, folder: Path) -> psutil.Process | None:
    with suppress(psutil.Error, ValueError):
        process = psutil.Process(pid)
        if is_of(process, name=name, folder=folder):
            return process
    return None


def all_in(folder: Path, *, name: str) -> list[psutil.Process]:
    """Every process of the program in the folder, found without a file that names its number. Costs a walk over all processes."""
    return [process for process in psutil.process_iter() if is_of(process, name=name, folder=folder)]


def has_ended(process: psutil.Process) -> bool:
    """True also for a zombie: the first process of a container may reap others late or never."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end(processes: Sequence[psutil.Process], *, patience_s: float) -> None:
    """Waits for processes that are about to end, then ends those that do not."""
    for process in _not_ended(processes, patience_s=patience_s):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _not_ended(processes, patience_s=patience_s)


def _not_ended(processes: Sequence[psutil.Process], *, patience_s: float) -> list[psutil.Process]:
    deadline = time.monotonic() + patience_s
    while (staying := [process for process in processes if not has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(END_POLL_S)
    return staying


def run(argv: Sequence[str], *, folder: Path, log: Path) -> int:
    """Runs a tool to its end, away from the terminal's Ctrl-C, what it says going to the log."""
    with log.open("ab") as out:
        return subprocess.run(  # noqa: S603 - programs of our own installation, arguments from this package
            argv,
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            check=False,
        ).returncode


def package_folder(package: str) -> Path:
    """Where a wheel of programs lies, without running its Python code, which makes folders and warns at import."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unavailable(f"The package {package} is not installed.")
    return Path(spec.origin).parent


def tool(name: str) -> str | None:
    return shutil.which(name, path=ENVIRONMENT["PATH"])


def log_size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def turn_log(log: Path) -> None:
    """Puts a long log aside, replacing the one put aside before; for the moment before a start, when nobody writes to it."""
    if log_size(log) > LOG_FILE_BYTES_MAX:
        log.replace(log.with_suffix(".old.log"))


def last_lines(log: Path, *, since: int = 0) -> str:
    """The last lines that were written after the log was `since` bytes long."""
    if not log.exists():
        return "(empty)"
    with log.open("rb") as source:
        source.seek(max(since, log_size(log) - LOG_TAIL_BYTES))
        lines = source.read(LOG_TAIL_BYTES).decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-LOG_LINES_SHOWN:]) or "(empty)"
