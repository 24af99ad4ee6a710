"""One connection from an event loop to one Redis server: packed commands go out, as many answers come back.

Promises: an exchange is sent once and never again; when the connection breaks or the answer is late, every exchange under way
fails with `ConnectionLost`, and the connection is gone for good. Refused: anything beyond that. Pools, retries and cluster
routing are not its matter; redis-py's asyncio pipeline does all of it at five times the cost a command.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import hiredis

from kit.redis import ANSWER_S_MAX, CONNECT_S_MAX

DEFAULT_PORT: Final = 6379

# Its stub asks for a tuple of one part; commands have many.
pack = cast("Callable[[tuple[str | bytes | int, ...]], bytes]", hiredis.pack_command)


class ConnectionLost(Exception):  # noqa: N818 - what happened, not what is wrong
    """The answer may have been lost: whoever sent the commands must not send them again."""


class Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[int, asyncio.Future[list[Any]]]] = deque()
        self._answers: list[Any] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, url: str) -> "Wire":
        """Raises ConnectionLost when the server is away or turns us down."""
        parts = urlsplit(url)
        tls = ssl.create_default_context() if parts.scheme == "rediss" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                _, wire = await loop.create_connection(cls, parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORT, ssl=tls)
                await wire.greet(user=parts.username or "", password=parts.password or "", database=parts.path.strip("/"))
        except (OSError, TimeoutError) as error:
            raise ConnectionLost(str(error)) from error
        return wire

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def exchange(self, commands: list[bytes]) -> asyncio.Future[list[Any]]:
        """Answers in the order of the packed commands; a server's error is a value, `hiredis.ReplyError`."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if self.closed or self._transport is None:
            future.set_exception(ConnectionLost("not connected"))
            return future
        self._waiting.append((len(commands), future))
        if self._deadline is None:
            self._deadline = self._loop.call_later(ANSWER_S_MAX, self._late)
        self._transport.write(b"".join(commands))
        return future

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's, though they do the same.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        answers = self._answers
        while self._waiting:
            wanted, future = self._waiting[0]
            while len(answers) < wanted:
                answer = self._reader.gets()
                if answer is False:
                    return
                answers.append(answer)
            self._waiting.popleft()
            self._answers = []
            self._rearm()
            if not future.done():
                future.set_result(answers)
            answers = self._answers

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._deadline is not None:
            self._deadline.cancel()
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(ConnectionLost(str(exc or "closed by the server")))

    def _rearm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(ANSWER_S_MAX, self._late) if self._waiting else None

    def _late(self) -> None:
        # Answers have no ids: after a late one nobody could tell whose the next is.
        self.close()

    async def greet(self, *, user: str, password: str, database: str) -> None:
        """Signs in and selects the database, where there is anything to do."""
        commands = []
        if password:
            commands.append(pack(("AUTH", unquote(user) or "default", unquote(password))))
        if database and database != "0":
            commands.append(pack(("SELECT", database)))
        if not commands:
            return
        for answer in await self.exchange(commands):
            if isinstance(answer, hiredis.ReplyError):
                self.close()
                raise ConnectionLost(str(answer))
