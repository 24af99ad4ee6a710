"""Private PostgreSQL and Valkey of a data folder, shared by every process that joins them.

    with servers.joined(Path("var"), names) as endpoints:
        engine = make_engine(endpoints.database_url)

Promises: whoever comes first starts the servers, whoever leaves last stops them, however many come and go at once and however
they end. Each joined process holds a shared lock on `users.lock`; the kernel drops the lock of a killed one. Starting and
stopping happen under an exclusive lock on `start.lock`. Servers left running by a killed process are found and used. Ports and
passwords are drawn at the first start and kept in `servers.json` (mode 600); a port that somebody else has taken is replaced.
Refuses a data folder whose passwords were lost, and a server that does not come up, with the last lines of its log.

A forked child is no user of its own: it neither holds the lock nor stops the servers.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import msgspec

from kit import daemons, valkey
from kit.daemons import Daemon
from kit.postgres import SUPERUSER, Durability, Postgres
from kit.refusals import Unavailable

STARTS_MAX = 4
READY_S_MAX = 120.0
READY_POLL_S = 0.02
PASSWORD_BYTES = 24
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
START_LOCK = "start.lock"
USERS_LOCK = "users.lock"
KEPT_FILE = "servers.json"


class GivenUp(Unavailable):
    code: ClassVar[str] = "given_up"
    says: ClassVar[str] = "Nobody waits for the servers any more."


class Server(StrEnum):
    POSTGRES = "postgres"
    VALKEY = "valkey"


BOTH = frozenset(Server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the database and its two roles are called: lower-case identifiers."""

    database: str
    owner: str
    app: str

    def __post_init__(self) -> None:
        for name in (self.database, self.owner, self.app):
            if not IDENTIFIER.fullmatch(name):
                raise ValueError(f"{name!r} is no lower-case SQL identifier.")
        if SUPERUSER in {self.owner, self.app} or self.owner == self.app:
            raise ValueError("Superuser, owner and app must be three roles.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the servers listen, passwords included. The address of a server that was not asked for is empty."""

    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    database_superuser_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revival:
    """What `ensure_running` had to start again, and where everything listens now: a port may have changed."""

    started: tuple[Server, ...]
    endpoints: Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The contents of `servers.json`."""

    postgres_port: int
    valkey_port: int
    superuser_password: str
    owner_password: str
    app_password: str
    valkey_password: str


@contextmanager
def joined(
    data_dir: Path, names: Names, *, needs: frozenset[Server] = BOTH, durability: Durability = Durability.FULL
) -> Iterator[Endpoints]:
    """Has the servers running inside the `with`. `durability` counts for a PostgreSQL that is started here."""
    folder = daemons.private_folder(data_dir.absolute())
    joined_by = os.getpid()
    users_lock = _open_lock(folder / USERS_LOCK)
    try:
        fcntl.flock(users_lock, fcntl.LOCK_SH)
        try:
            with _start_lock(folder):
                endpoints = _bring_up(folder, names, needs=needs, durability=durability).endpoints
            yield endpoints
        finally:
            if os.getpid() == joined_by:
                with _start_lock(folder):
                    _leave(folder, users_lock)
    finally:
        if os.getpid() == joined_by:
            _close_lock(users_lock)


def ensure_running(
    data_dir: Path,
    names: Names,
    *,
    needs: frozenset[Server] = BOTH,
    durability: Durability = Durability.FULL,
    given_up: Callable[[], bool] = lambda: False,
) -> Revival:
    """Starts again what has died. For a process that has joined; cheap enough to be called every second while all is well.

    A server that was killed may need minutes to come up. Raises GivenUp within moments when `given_up` says so meanwhile.
    """
    folder = data_dir.absolute()
    kept = _read(folder)
    if all(_daemon(server, folder, kept, durability=durability).process() is not None for server in needs):
        return Revival(started=(), endpoints=_endpoints(kept, names, needs=needs))
    with _start_lock(folder):
        return _bring_up(folder, names, needs=needs, durability=durability, given_up=given_up)


def _bring_up(
    folder: Path,
    names: Names,
    *,
    needs: frozenset[Server],
    durability: Durability,
    given_up: Callable[[], bool] = lambda: False,
) -> Revival:
    kept = _read_or_draw(folder)
    started: list[Server] = []
    for server in sorted(needs):
        kept, anew = _start(server, folder, kept, durability=durability, given_up=given_up)
        started += [server] if anew else []
    if Server.POSTGRES in needs:
        _postgres(folder, kept, durability=durability).furnish(
            database=names.database,
            owner=names.owner,
            owner_password=kept.owner_password,
            app=names.app,
            app_password=kept.app_password,
        )
    return Revival(started=tuple(started), endpoints=_endpoints(kept, names, needs=needs))


def _start(
    server: Server, folder: Path, kept: Kept, *, durability: Durability, given_up: Callable[[], bool]
) -> tuple[Kept, bool]:
    """The server running: the one that is there, else a new one. A lost race for a port is run again with another port."""
    since = daemons.log_size(_daemon(server, folder, kept, durability=durability).log)
    anew = False
    for _ in range(STARTS_MAX):
        daemon = _daemon(server, folder, kept, durability=durability)
        if daemon.process() is None:
            if not daemons.port_is_free(daemon.port):
                kept = _write(folder, _with_other_port(server, kept))
                daemon = _daemon(server, folder, kept, durability=durability)
            daemons.private_folder(daemon.log.parent)
            daemons.turn_log(daemon.log)
            since = min(since, daemons.log_size(daemon.log))
            daemon.prepare()
            daemon.launch()
            anew = True
        if _came_up(daemon, given_up=given_up):
            return kept, anew
    raise daemons.failure(_daemon(server, folder, kept, durability=durability), "it does not come up.", since=since)


def _came_up(daemon: Daemon, *, given_up: Callable[[], bool]) -> bool:
    """Waits until the server answers; False when its process has ended before."""
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        if given_up():
            raise GivenUp
        if daemon.process() is None:
            return False
        if daemon.answers():
            return True
        time.sleep(READY_POLL_S)
    raise daemons.failure(daemon, f"it runs and has not answered within {READY_S_MAX:.0f} s.")


def _leave(folder: Path, users_lock: int) -> None:
    """Stops the servers if nobody else holds the users' lock. Under the start lock, so nobody is coming at the same time."""
    try:
        fcntl.flock(users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if (folder / KEPT_FILE).exists():
        kept = _read(folder)
        for server in sorted(Server, reverse=True):
            _daemon(server, folder, kept, durability=Durability.FULL).stop()


def _daemon(server: Server, folder: Path, kept: Kept, *, durability: Durability) -> Daemon:
    if server is Server.POSTGRES:
        return _postgres(folder, kept, durability=durability)
    return valkey.Valkey(
        folder=folder / "valkey", log=folder / "log" / "valkey.log", port=kept.valkey_port, password=kept.valkey_password
    )


def _postgres(folder: Path, kept: Kept, *, durability: Durability) -> Postgres:
    return Postgres(
        folder=folder / "postgres",
        log=folder / "log" / "postgres.log",
        port=kept.postgres_port,
        superuser_password=kept.superuser_password,
        durability=durability,
    )


def _endpoints(kept: Kept, names: Names, *, needs: frozenset[Server]) -> Endpoints:
    def database_url(role: str, password: str) -> str:
        if Server.POSTGRES not in needs:
            return ""
        return f"postgresql+psycopg://{role}:{password}@{daemons.LOOPBACK}:{kept.postgres_port}/{names.database}"

    return Endpoints(
        database_url=database_url(names.app, kept.app_password),
        database_owner_url=database_url(names.owner, kept.owner_password),
        database_superuser_url=database_url(SUPERUSER, kept.superuser_password),
        redis_url=valkey.url(kept.valkey_port, kept.valkey_password) if Server.VALKEY in needs else "",
    )


def _read(folder: Path) -> Kept:
    return msgspec.json.decode((folder / KEPT_FILE).read_bytes(), type=Kept)


def _read_or_draw(folder: Path) -> Kept:
    if (folder / KEPT_FILE).exists():
        return _read(folder)
    if (folder / "postgres").exists():
        raise daemons.ServerFailed(
            f"{folder / KEPT_FILE} is missing, and with it the passwords of the PostgreSQL in {folder / 'postgres'}. "
            "Restore the file from its backup, or move the folder away to begin anew."
        )
    passwords = (secrets.token_urlsafe(PASSWORD_BYTES) for _ in range(4))
    postgres_port = daemons.free_port()
    return _write(
        folder,
        Kept(
            postgres_port=postgres_port,
            valkey_port=daemons.free_port(besides=[postgres_port]),
            superuser_password=next(passwords),
            owner_password=next(passwords),
            app_password=next(passwords),
            valkey_password=next(passwords),
        ),
    )


def _with_other_port(server: Server, kept: Kept) -> Kept:
    port = daemons.free_port(besides=[kept.postgres_port, kept.valkey_port])
    return replace(kept, postgres_port=port) if server is Server.POSTGRES else replace(kept, valkey_port=port)


def _write(folder: Path, kept: Kept) -> Kept:
    """Replaces the file in one step, on disk before anything is made with its passwords."""
    draft = folder / f"{KEPT_FILE}.draft"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(kept)))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(folder / KEPT_FILE)
    return kept


_open_locks: set[int] = set()


@contextmanager
def _start_lock(folder: Path) -> Iterator[None]:
    lock = _open_lock(folder / START_LOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        _close_lock(lock)


def _open_lock(file: Path) -> int:
    """Opens a lock file. Python marks it to be closed in programs that we start; forked children are seen to below."""
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise Unavailable(
            f"The data folder {file.parent} is closed to this user: it belongs to whoever started first."
        ) from error
    _open_locks.add(lock)
    return lock


def _close_lock(lock: int) -> None:
    # In a forked child the number is closed already, and may by now name another file.
    if lock in _open_locks:
        _open_locks.discard(lock)
        os.close(lock)


def _forget_locks_in_child() -> None:
    """A lock belongs to the open file, which a fork shares: a child that lives on would keep the servers running."""
    for lock in _open_locks:
        with suppress(OSError):
            os.close(lock)
    _open_locks.clear()


os.register_at_fork(after_in_child=_forget_locks_in_child)
