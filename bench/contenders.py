"""Servers to measure, each a process of its own on a loopback port: `python -m bench.contenders hello PORT` is the ceiling."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from bench.ground import Ground
from kit import daemons
from kit.serving import BACKLOG
from scanservice.edge.serving import serve

READY_PATH = "/readyz"
# The web process has no page for machines: they ask the edge.
WEB_READY_PATH = "/sign-in"
LOOPBACK = "127.0.0.1"
HELLO_TARGETS = {
    "hello": "bench.hello:app",
    "hello-straight": "bench.hello:straight_app",
    "hello-flask": "bench.flask_hello:bridged",
}
FLASK_TARGET = "bench.flask_control:app"
# One process for each core: what the machine has, all of it.
FLASK_WORKERS = 2
FLASK_THREADS = 8
READY_S_MAX = 60.0
READY_POLL_S = 0.01
STOP_S_MAX = 20.0


class Contender(StrEnum):
    EDGE = "edge"
    WEB = "web"
    HELLO = "hello"
    HELLO_STRAIGHT = "hello-straight"
    HELLO_GRANIAN = "hello-granian"
    HELLO_FLASK = "hello-flask"
    FLASK_SYNC = "flask-sync"
    FLASK_THREADS = "flask-threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    port: int
    pid: int

    def core_s(self) -> float:
        """Processor time of all its processes so far."""
        parent = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return float(sum(time.user + time.system for time in times))


@contextmanager
def serving(contender: Contender, ground: Ground, **more: str) -> Iterator[Server]:
    """The contender, from its first good answer on, until the end of the `with`. `more` settings go into its environment."""
    port = daemons.free_port()
    log = ground.folder / f"{contender}.log"
    if contender is Contender.WEB:
        more["ONEMARK_WEB_PORT"] = str(port)
    with log.open("ab") as out:
        process = subprocess.Popen(
            _command(contender, port), env={**environment(ground, port), **more}, stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
    try:
        _await_ready(process, port, WEB_READY_PATH if contender is Contender.WEB else READY_PATH, log)
        yield Server(port=port, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(contender: Contender, port: int) -> list[str]:
    if contender is Contender.EDGE:
        return [sys.executable, "-m", "scanservice.edge"]
    if contender is Contender.WEB:
        return [sys.executable, "-m", "web", "run", "web"]
    if contender in HELLO_TARGETS:
        return [sys.executable, "-m", "bench.contenders", contender, str(port)]
    if contender is Contender.HELLO_GRANIAN:
        program = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "asgi",
            "--loop",
            "uvloop",
            "--http",
            "1",
            "--no-ws",
            "--no-log",
        ]
        return [*program, "--host", LOOPBACK, "--port", str(port), "--backlog", str(BACKLOG), HELLO_TARGETS["hello"]]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{port}", "--workers", str(FLASK_WORKERS)]
    kind = ["--worker-class", "sync"] if contender is Contender.FLASK_SYNC else ["--worker-class", "gthread"]
    if contender is Contender.FLASK_THREADS:
        kind += ["--threads", str(FLASK_THREADS)]
    return [*command, *kind, "--log-level", "warning", FLASK_TARGET]


def environment(ground: Ground, port: int) -> Mapping[str, str]:
    given = ground.onemark.settings
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ONEMARK_")}  # noqa: TID251 - handed on
    return {
        **inherited,
        "ONEMARK_DATA_DIR": str(given.data_dir),
        "ONEMARK_HOST": LOOPBACK,
        "ONEMARK_PORT": str(port),
        "DATABASE_URL": given.database_url,
        "REDIS_URL": given.redis_url,
    }


def _await_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (HTTPException, OSError):
            pass
        finally:
            connection.close()
        time.sleep(READY_POLL_S)
    raise SystemExit(f"{log.stem} is not ready:\n{log.read_text(encoding='utf-8')[-4000:]}")


def main() -> None:
    # Everything else stays as it is, so that both run under the very same settings.
    serve(host=LOOPBACK, port=int(sys.argv[2]), target=HELLO_TARGETS[sys.argv[1]])


if __name__ == "__main__":
    main()
