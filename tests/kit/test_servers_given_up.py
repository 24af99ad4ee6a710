"""A server that does not come up is waited for only as long as somebody wants it."""

from pathlib import Path

import pytest

from kit import servers
from kit.servers import Server
from tests.kit.test_servers import NAMES, daemons_of, kill

VALKEY_ALONE = frozenset({Server.VALKEY})


def test_a_server_that_nobody_waits_for_any_more_is_given_up_at_once(tmp_path: Path) -> None:
    with servers.joined(tmp_path, NAMES, needs=VALKEY_ALONE):
        kill(daemons_of(tmp_path))
        with pytest.raises(servers.GivenUp):
            servers.ensure_running(tmp_path, NAMES, needs=VALKEY_ALONE, given_up=lambda: True)
        assert servers.ensure_running(tmp_path, NAMES, needs=VALKEY_ALONE).endpoints.redis_url
    assert daemons_of(tmp_path) == []
