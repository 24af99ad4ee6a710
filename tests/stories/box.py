"""A whole instance as a stranger starts it: `onemark up` in a folder of its own, on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import until

UP_S_MAX = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A running instance. `run` types a command of it; `pids` finds its processes to kill."""

    data_dir: Path
    port: int
    supervisor: subprocess.Popen[bytes]
    output: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> Any:
        """The JSON object that a command printed."""
        done = subprocess.run(
            [sys.executable, "-m", "web", *arguments, "--json"],
            env=environment(self.data_dir, self.port),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def pids(self, part: str) -> list[int]:
        """The process `run PART` and what it forked."""
        found = []
        for child in psutil.Process(self.supervisor.pid).children(recursive=True):
            line = _command_line(child)
            if line[-2:] == ["run", part] or line[-1:] == [f"scanservice.{part}"]:
                found = [child.pid, *(one.pid for one in child.children(recursive=True))]
        return found

    def kill(self, part: str) -> None:
        """SIGKILL, as a crash or the out-of-memory killer would; a process that is just being started again is waited for.

        `edge-worker` is the edge without its server, which starts another.
        """
        for pid in until(lambda: self._victims(part), f"{part} runs"):
            with suppress(ProcessLookupError):  # a server's short-lived child may have ended by itself
                os.kill(pid, signal.SIGKILL)

    def _victims(self, part: str) -> list[int]:
        if part in {"valkey", "postgres"}:
            return self.server_pids(part)
        return self.pids("edge")[1:] if part == "edge-worker" else self.pids(part)

    def server_pids(self, server: str) -> list[int]:
        """A private server's main process: the one whose command line names the data folder and which has no parent of its kind."""
        wanted = {"postgres": "postgres", "valkey": "valkey-server"}[server]
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if wanted in (process.info["name"] or "") and str(self.data_dir) in (line + _cwd(process)):
                found.append(process.pid)
        return found

    def ready(self) -> bool:
        """Scans are answered, and pages too: the edge is ready by itself, seconds before the web process."""
        return self._answers("/readyz") and self._answers("/sign-in")

    def _answers(self, path: str) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (HTTPException, OSError):
            return False
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        def ready_or_dead() -> bool:
            assert self.supervisor.poll() is None, self.output.read_text(encoding="utf-8")[-4000:]
            return self.ready()

        until(ready_or_dead, "the box is ready")


def environment(data_dir: Path, port: int) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}  # noqa: TID251 - handed on
    return {**kept, "ONEMARK_DATA_DIR": str(data_dir), "ONEMARK_PORT": str(port), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(data_dir: Path, *, port: int | None = None) -> Iterator[Box]:
    """`onemark up` until the end of the `with`, then Ctrl-C; fails when anything is left running."""
    chosen = port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    output = data_dir.parent / f"{data_dir.name}.out"
    with output.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "web", "up"],
            env=environment(data_dir, chosen),
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )
    box = Box(data_dir=data_dir, port=chosen, supervisor=process, output=output)
    try:
        box.wait_until_ready()
        yield box
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(UP_S_MAX)
        finally:
            process.kill()
    assert process.returncode == 0, output.read_text(encoding="utf-8")[-4000:]
    assert not box.server_pids("postgres")
    assert not box.server_pids("valkey")


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _cwd(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except psutil.Error:
        return ""
