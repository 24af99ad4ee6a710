"""A connection as the protocol sees it, without a socket: what was sent is handed over, what is written is kept."""

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn

from kit import http_protocol
from kit.http_protocol import HttpProtocol
from kit.http_straight import Reply, Scope, State


class App:
    """Answers `/straight` straight, `/late` straight when it is told to, and everything else as usual, each with its own path."""

    def __init__(self) -> None:
        self.late: list[Callable[[], None]] = []
        self.asked: list[str] = []
        self.hosts: list[bytes] = []
        self.sends = asyncio.Event()

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
        self.hosts = [value for name, value in scope["headers"] if name == b"host"]
        if scope["path"] == "/early":
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["path"] == "/waits":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.asked.append("gone")
            return
        if scope["path"] == "/open":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for piece in (b"without ", b"a length"):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["path"] == "/endless":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                self.sends.set()
                await asyncio.sleep(0)
        body = scope["raw_path"]
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False) and scope["path"] == "/whole"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = self.aborted = False
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("203.0.113.7", 4711), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

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
        await self.settles()
        return self.transport.written[before:]

    async def settles(self) -> None:
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
            await asyncio.sleep(0)

    def is_kept(self, *, at_s: float) -> bool:
        """Whether a sweep at that time of the loop leaves it open."""
        http_protocol.sweep(self.state.connections, now_s=at_s)
        return not self.transport.closed


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: tea.example", *headers, "", ""]).encode()


def run(test: Callable[[Connection], Any]) -> None:
    async def within() -> None:
        await test(Connection())

    asyncio.run(within())
