"""How long the protocol waits: for heads, bodies, readers, and the next request."""

import asyncio
from types import SimpleNamespace

import pytest

from kit.http_protocol import BODY_S_MAX, BYTES_PER_S_MIN, HEAD_S_MAX, IDLE_S_MAX, READ_BYTES_MIN, STUCK_S_MAX
from tests.kit.http_connection import Connection, get, run

POST = b"POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n"


def now_s() -> float:
    return asyncio.get_running_loop().time()


def test_who_does_not_read_is_let_go() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        connection.protocol.pause_writing()
        began_s = now_s()
        assert connection.is_kept(at_s=began_s + STUCK_S_MAX - 1)
        assert not connection.is_kept(at_s=began_s + STUCK_S_MAX + 1)
        assert connection.transport.aborted

    run(ask)


def test_who_reads_slowly_is_not_let_go() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        connection.transport.unsent = 10 * READ_BYTES_MIN
        connection.protocol.pause_writing()
        at_s = now_s()
        for _ in range(5):
            at_s += STUCK_S_MAX - 1
            connection.transport.unsent -= READ_BYTES_MIN
            assert connection.is_kept(at_s=at_s)
        connection.transport.unsent -= READ_BYTES_MIN - 1
        assert not connection.is_kept(at_s=at_s + STUCK_S_MAX + 1)

    run(ask)


def test_a_last_answer_that_is_not_read_is_let_go() -> None:
    async def ask(connection: Connection) -> None:
        connection.state.closing = True
        await connection.receives(get("/straight"))
        connection.transport.unsent = 1
        began_s = now_s()
        for at_s in (began_s, began_s + STUCK_S_MAX - 1):
            connection.is_kept(at_s=at_s)
            assert not connection.transport.aborted
        connection.is_kept(at_s=began_s + STUCK_S_MAX + 1)
        assert connection.transport.aborted

    run(ask)


def test_an_answer_under_way_is_not_cut_because_the_next_head_is_not_whole() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late") + b"GET /")
        assert connection.is_kept(at_s=now_s() + 1000)

    run(ask)


def test_an_idle_client_that_has_not_read_its_answer_is_not_waited_for() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/straight"))
        connection.transport.unsent = 1
        assert not connection.is_kept(at_s=now_s() + IDLE_S_MAX + 1)
        assert connection.transport.aborted

    run(ask)


@pytest.mark.parametrize(
    ("sent", "closes_after_s"),
    [
        (b"", HEAD_S_MAX),
        (b"GET /straight HTT", HEAD_S_MAX),
        (get("/straight"), IDLE_S_MAX),
        (get("/usual"), IDLE_S_MAX),
        (get("/straight") + b"GET /", HEAD_S_MAX),
    ],
)
def test_who_keeps_the_server_waiting_is_let_go(sent: bytes, closes_after_s: float) -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(sent)
        began_s = now_s()
        assert connection.is_kept(at_s=began_s + closes_after_s - 1)
        assert not connection.is_kept(at_s=began_s + closes_after_s + 1)

    run(ask)


@pytest.mark.parametrize(
    ("came_s", "came_bytes", "kept_s"),
    [
        (0.0, 0, BODY_S_MAX),
        # What comes at once saves up nothing.
        (0.0, 50_000, BODY_S_MAX),
        # Each byte buys its time.
        (BODY_S_MAX - 5, 3 * BYTES_PER_S_MIN, BODY_S_MAX + 3),
    ],
)
def test_a_body_that_hardly_moves_is_not_waited_for(came_s: float, came_bytes: int, kept_s: float) -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(POST)
        began_s = now_s()
        connection.protocol.loop = SimpleNamespace(time=lambda: began_s + came_s)  # type: ignore[assignment]
        connection.protocol.data_received(bytes(came_bytes))
        assert connection.is_kept(at_s=began_s + kept_s - 1)
        assert not connection.is_kept(at_s=began_s + kept_s + 1)
        connection.protocol.connection_lost(None)

    run(ask)


def test_a_body_that_we_keep_waiting_is_waited_for() -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(POST)
        connection.protocol.flow.pause_reading()
        began_s = now_s()
        assert connection.is_kept(at_s=began_s + 1000)
        connection.protocol.flow.resume_reading()
        assert connection.is_kept(at_s=began_s + 1000 + BODY_S_MAX - 1)
        assert not connection.is_kept(at_s=began_s + 1000 + BODY_S_MAX + 1)
        connection.protocol.connection_lost(None)

    run(ask)


@pytest.mark.parametrize("sent", [b"POST /usual HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab", b""])
def test_who_waits_for_the_server_is_not_let_go(sent: bytes) -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(sent)
        await connection.receives(get("/late"))
        assert connection.is_kept(at_s=now_s() + 1000)

    run(ask)
