"""One connection to a Redis server for who sends many commands at once: bytes out, answers in, in order, without a task between.

redis-py connects (TLS, Unix sockets, AUTH, SELECT are its matter) and then hands its transport over; from there on hiredis reads
what comes. A command costs a fifth of what it costs through redis-py's own reading (docs/decisions/0018).

Promises: the answers of a batch come all together or not at all; after a broken, late or unasked answer the line is closed for good,
because answers have no ids and nobody could tell whose the next one is. Nothing is ever sent again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import hiredis
from redis.exceptions import ResponseError

from kit import redis
from kit.refusals import Unavailable

# Its stub asks for a tuple of one part; commands have many.
pack = cast("Callable[[tuple[str | bytes | int, ...]], bytes]", hiredis.pack_command)


class LineLost(Unavailable):
    """What was under way may or may not have been done."""

    code: ClassVar[str] = "line_lost"
    says: ClassVar[str] = "The connection to Redis broke off: {why}."


class Line(asyncio.Protocol):
    """Made by `open_line`. For one event loop."""

    def __init__(self, connection: redis.AsyncConnection) -> None:
        self._connection = connection
        # uvloop's transports do not inherit from asyncio's, though they do the same.
        self._transport = cast("asyncio.Transport", connection._writer.transport)  # type: ignore[union-attr]  # noqa: SLF001 - decision 18
        self._transport.set_protocol(self)
        self._parser = hiredis.Reader(replyError=ResponseError)
        self._batches: deque[_Batch] = deque()
        self._came: list[Any] = []
        self.open = True

    @property
    def under_way(self) -> int:
        """Batches that wait for their answers."""
        return len(self._batches)

    def ask(self, commands: Sequence[bytes], done: "Callable[[list[Any] | LineLost], None]", *, answer_s_max: float) -> None:
        """`done` is called once, with an answer for each command (a server's error is one of them), or with what broke the line."""
        loop = asyncio.get_running_loop()
        self._batches.append(_Batch(len(commands), done, loop.call_later(answer_s_max, self._late)))
        self._transport.write(b"".join(commands))

    async def close(self) -> None:
        self._lose("closed")
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        came, read = self._came, self._parser.gets
        self._parser.feed(data)
        try:
            while (answer := read()) is not False:
                came.append(answer)
        except hiredis.ProtocolError as error:
            self._lose(f"it speaks no Redis, {error}")
            return
        while self._batches and len(came) >= self._batches[0].size:
            batch = self._batches.popleft()
            answers, came[:] = came[: batch.size], came[batch.size :]
            batch.timer.cancel()
            batch.done(answers)
        if came and not self._batches:
            self._lose("it answered what nobody had asked")

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose("the server closed it" if exc is None else repr(exc))

    def _late(self) -> None:
        self._lose("an answer did not come in time")

    def _lose(self, why: str) -> None:
        if not self.open:
            return
        self.open = False
        self._transport.abort()
        lost, self._batches = self._batches, deque()
        for batch in lost:
            batch.timer.cancel()
            batch.done(LineLost(why=why))


class _Batch:
    __slots__ = ("done", "size", "timer")

    def __init__(self, size: int, done: "Callable[[list[Any] | LineLost], None]", timer: asyncio.TimerHandle) -> None:
        self.size = size
        self.done = done
        self.timer = timer


async def open_line(url: str) -> Line:
    """Raises redis.exceptions.RedisError, OSError or TimeoutError."""
    connection = redis.connection(url)
    try:
        async with asyncio.timeout(redis.ANSWER_S_MAX):
            await connection.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return Line(connection)
