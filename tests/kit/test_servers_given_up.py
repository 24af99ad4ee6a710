"""A server that does not come up, or goes away again, is waited for only as long as somebody wants it."""

from pathlib import Path

import psycopg
import pytest

from kit import servers
from kit.daemons import ServerFailed
from kit.postgres import Postgres
from tests.kit.test_servers import NAMES, POSTGRES_ALONE, VALKEY_ALONE, daemons_of, kill


def test_a_server_that_nobody_waits_for_any_more_is_given_up_at_once(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=VALKEY_ALONE):
        kill(daemons_of(tmp_path))
        with pytest.raises(servers.GivenUp):
            servers.ensure_running(tmp_path, NAMES, needs=VALKEY_ALONE, given_up=lambda: True)
        assert servers.ensure_running(tmp_path, NAMES, needs=VALKEY_ALONE).endpoints.redis_url
    assert daemons_of(tmp_path) == []


def test_a_server_that_goes_away_while_it_is_furnished_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connects = Postgres._connect

    def cut_off(self: Postgres, user: str) -> psycopg.Connection:
        connection = connects(self, user)
        with connects(self, user) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        return connection

    with servers.joined(tmp_path, NAMES, needs=POSTGRES_ALONE):
        kill(daemons_of(tmp_path))
        with monkeypatch.context() as patched:
            patched.setattr(Postgres, "_connect", cut_off)
            with pytest.raises(ServerFailed, match="went away again"):
                servers.ensure_running(tmp_path, NAMES, needs=POSTGRES_ALONE)
        assert servers.ensure_running(tmp_path, NAMES, needs=POSTGRES_ALONE).endpoints.database_url
    assert daemons_of(tmp_path) == []
