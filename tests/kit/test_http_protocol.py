"""The protocol as a socket sees it: order of answers, limits of heads, connections that nobody uses."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from kit import http_protocol
from kit.http_protocol import HEAD_BYTES_MAX, HEAD_S_MAX, HEADERS_MAX, IDLE_S_MAX, HttpProtocol, Reply, Scope, State


class App:
    """Answers `/straight` straight, `/late` straight when it is told to, and everything else as usual, each with its own path."""

    def __init__(self) -> None:
        self.late: list[Callable[[], None]] = []
        self.asked: list[str] = []

    def straight(self, scope: Scope, reply: Reply) -> bool:
        path: bytes = scope["raw_path"]
        if path == b"/boom":
            raise ValueError("as it was told to")
        if path not in {b"/straight", b"/late", b"/split"}:
            return False
        self.asked.append(path.decode())

        def answer() -> None:
            value = b"a\r\nset-cookie: b" if path == b"/split" else b"yes"
            reply(200, ((b"x-straight", value),), path + b"?" + scope["query_string"])

        if path == b"/late":
            self.late.append(answer)
        else:
            answer()
        return True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        body = scope["raw_path"] + (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("203.0.113.7", 4711), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Connection:
    def __init__(self) -> None:
        self.app = App()
        self.state = State(self.app.straight)
        config = uvicorn.Config(self.app, interface="asgi3", http=HttpProtocol, ws="none", log_config=None, access_log=False)
        self.protocol = HttpProtocol(config, self.state, {})
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    async def receives(self, data: bytes) -> bytes:
        """What is written in answer, once nothing more is under way."""
        before = len(self.transport.written)
        self.protocol.data_received(data)
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
            await asyncio.sleep(0)
        return self.transport.written[before:]


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: tea.example", *headers, "", ""]).encode()


def run(test: Callable[[Connection], Any]) -> None:
    async def within() -> None:
        await test(Connection())

    asyncio.run(within())


def test_a_straight_answer_is_whole_http() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/straight?a=b"))
        assert answer == b"HTTP/1.1 200 OK\r\nx-straight: yes\r\ncontent-length: 13\r\n\r\n/straight?a=b"
        assert not connection.transport.closed

    run(ask)


def test_answers_leave_in_the_order_of_their_requests() -> None:
    async def ask(connection: Connection) -> None:
        assert await connection.receives(get("/late") + get("/straight") + get("/usual")) == b""
        (late,) = connection.app.late
        late()
        while connection.state.tasks:
            await asyncio.wait(connection.state.tasks)
            await asyncio.sleep(0)
        bodies = [part.split(b"\r\n\r\n")[1] for part in connection.transport.written.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"/late?", b"/straight", b"/usual"]

    run(ask)


@pytest.mark.parametrize("header", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_a_request_with_a_body_goes_the_usual_way(header: str) -> None:
    async def ask(connection: Connection) -> None:
        body = b"abc" if header.startswith("Content") else b"3\r\nabc\r\n0\r\n\r\n"
        answer = await connection.receives(get("/straight", header) + body)
        assert answer.endswith(b"/straightabc")
        assert (await connection.receives(get("/straight"))).endswith(b"/straight?")

    run(ask)


def test_a_line_break_in_a_header_is_not_sent() -> None:
    async def ask(connection: Connection) -> None:
        assert await connection.receives(get("/split")) == b""
        assert connection.transport.closed

    run(ask)


def test_a_request_that_breaks_the_application_ends_its_connection_alone() -> None:
    async def ask(connection: Connection) -> None:
        assert await connection.receives(get("/boom")) == b""
        assert connection.transport.closed

    run(ask)


def test_who_has_gone_is_not_answered() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        connection.protocol.connection_lost(None)
        (late,) = connection.app.late
        late()
        assert connection.transport.written == b""

    run(ask)


def test_a_head_without_end_is_refused() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(b"GET / HTTP/1.1\r\n")
        piece = b"x-long: " + b"y" * 1000 + b"\r\n"
        for _ in range(HEAD_BYTES_MAX // len(piece) + 1):
            await connection.receives(piece)
        assert connection.transport.written.startswith(b"HTTP/1.1 431 ")
        assert connection.transport.closed

    run(ask)


def test_too_many_headers_are_refused() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/straight", *(f"x-{number}: y" for number in range(HEADERS_MAX + 1))))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert connection.transport.closed
        assert connection.app.asked == []

    run(ask)


def test_what_is_no_http_is_refused() -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert connection.transport.closed

    run(ask)


def test_after_the_end_was_announced_each_answer_is_the_last_of_its_connection() -> None:
    async def ask(connection: Connection) -> None:
        connection.state.closing = True
        assert b"connection: close\r\n" in await connection.receives(get("/straight"))
        assert connection.transport.closed
        usual = Connection()
        usual.state.closing = True
        assert b"connection: close\r\n" in await usual.receives(get("/usual"))
        assert usual.transport.closed

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


def test_who_waits_for_the_server_is_not_let_go() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        http_protocol.sweep(connection.state.connections, now_s=asyncio.get_running_loop().time() + 1000)
        assert not connection.transport.closed

    run(ask)
