"""How long the protocol waits: for heads, bodies, readers, and the next request."""

import asyncio

import pytest

from kit import http_protocol
from kit.http_protocol import (
    BODY_BYTES_PER_S_MIN,
    BODY_S_MAX,
    HEAD_S_MAX,
    IDLE_S_MAX,
    STUCK_S_MAX,
)
from tests.kit.http_connection import Connection, get, run


def test_who_does_not_read_is_let_go() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        connection.protocol.pause_writing()
        now_s = asyncio.get_running_loop().time()
        http_protocol.sweep(connection.state.connections, now_s=now_s + STUCK_S_MAX - 1)
        assert not connection.transport.closed
        http_protocol.sweep(connection.state.connections, now_s=now_s + STUCK_S_MAX + 1)
        assert connection.transport.aborted

    run(ask)


def test_an_idle_client_that_has_not_read_its_answer_is_not_waited_for() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/straight"))
        connection.transport.unsent = 1
        http_protocol.sweep(connection.state.connections, now_s=asyncio.get_running_loop().time() + IDLE_S_MAX + 1)
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
        now_s = asyncio.get_running_loop().time()
        http_protocol.sweep(connection.state.connections, now_s=now_s + closes_after_s - 1)
        assert not connection.transport.closed
        http_protocol.sweep(connection.state.connections, now_s=now_s + closes_after_s + 1)
        assert connection.transport.closed

    run(ask)


def test_a_body_that_hardly_moves_is_not_waited_for() -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(b"POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n")
        now_s = asyncio.get_running_loop().time()
        moved = 10 * BODY_BYTES_PER_S_MIN
        connection.protocol.data_received(bytes(moved))
        http_protocol.sweep(connection.state.connections, now_s=now_s + BODY_S_MAX + 9)
        assert not connection.transport.closed
        # It is we who keep it waiting.
        connection.protocol.flow.pause_reading()
        http_protocol.sweep(connection.state.connections, now_s=now_s + 1000)
        connection.protocol.flow.resume_reading()
        http_protocol.sweep(connection.state.connections, now_s=now_s + 1000 + BODY_S_MAX - 1)
        assert not connection.transport.closed
        http_protocol.sweep(connection.state.connections, now_s=now_s + 1000 + BODY_S_MAX + 1)
        assert connection.transport.aborted
        connection.protocol.connection_lost(None)

    run(ask)


def test_who_has_sent_its_body_is_waited_for() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(b"POST /usual HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab")
        await connection.receives(get("/late"))
        http_protocol.sweep(connection.state.connections, now_s=asyncio.get_running_loop().time() + 1000)
        assert not connection.transport.closed

    run(ask)


def test_who_waits_for_the_server_is_not_let_go() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        http_protocol.sweep(connection.state.connections, now_s=asyncio.get_running_loop().time() + 1000)
        assert not connection.transport.closed

    run(ask)
