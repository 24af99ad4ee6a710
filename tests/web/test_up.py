"""`onemark up` while its private servers are away: it goes on hearing its terminal and its children."""

import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from kit import servers
from kit.servers import Endpoints, GivenUp, Revival, Server
from kit.settings import Settings
from web.up import Watch

ENDPOINTS = Endpoints(
    database_url="postgresql+psycopg://app@127.0.0.1:1/onemark", database_owner_url="", database_superuser_url="", redis_url=""
)


class Recovering:
    """Servers that come up when they are told to, or are given up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Event()
        self.up = threading.Event()
        self.gave_up = threading.Event()
        monkeypatch.setattr(servers, "ensure_running", self._ensure_running)

    def _ensure_running(self, *_given: Any, given_up: Any, **_more: Any) -> Revival:
        self.asked.set()
        while not self.up.wait(0.001):
            if given_up():
                self.gave_up.set()
                raise GivenUp
        return Revival(started=(Server.POSTGRES,), endpoints=ENDPOINTS)


def watch_of(tmp_path: Path, out: StringIO) -> Watch:
    given: dict[str, Any] = {"data_dir": tmp_path, "DATABASE_URL": ENDPOINTS.database_url}
    return Watch(Settings(**given), frozenset({Server.POSTGRES}), web_port=1, out=out)


def test_a_look_never_waits_for_a_server_and_tells_of_it_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recovering, out = Recovering(monkeypatch), StringIO()
    watch = watch_of(tmp_path, out)
    watch.look()
    assert recovering.asked.wait()
    watch.look()
    assert out.getvalue() == ""
    recovering.up.set()
    while not out.getvalue():
        watch.look()
    watch.close()
    assert "postgres had died and was started again." in out.getvalue()


def test_who_stops_does_not_wait_for_a_server_that_does_not_come_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recovering = Recovering(monkeypatch)
    watch = watch_of(tmp_path, StringIO())
    watch.look()
    assert recovering.asked.wait()
    watch.close()
    assert recovering.gave_up.is_set()
