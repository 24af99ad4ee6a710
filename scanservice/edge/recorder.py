"""Records scans: everything that concurrent requests ask of Redis in one turn of the event loop goes out in one pipeline.

Promises: a call that returns was executed, fsynced and, where Redis has replicas, acknowledged by one of them; a call that raises
may have been executed and is never sent again. One pipeline is under way at a time: what arrives meanwhile waits together and
shares the next fsync. (Two or three under way at once were slower: smaller pipelines, more fsyncs; docs/decisions/0012.)
Refused as `Unavailable`: a server that is away, its full log, another generation, a missing function.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, ClassVar, Final, cast

import hiredis
from redis.exceptions import ResponseError

from kit import log, redis
from kit.redis import AsyncConnection, Redis
from kit.refusals import Unavailable
from scanservice.edge import counters

PIPELINE_MAX: Final = 1024
REPLICA_ACK_MS_MAX: Final = 1000
WAITAOF_SINCE: Final = (7, 2)

# Its stub asks for a tuple of one part; commands have many.
pack = cast("Callable[[tuple[str | bytes | int, ...]], bytes]", hiredis.pack_command)

_log = log.get(__name__)


class RecorderAway(Unavailable):
    code: ClassVar[str] = "recorder_away"
    says: ClassVar[str] = "Scans cannot be recorded right now. Try again in a moment."


class RecorderFull(Unavailable):
    code: ClassVar[str] = "recorder_full"
    says: ClassVar[str] = "More scans wait to be stored than we can hold. Try again in a minute."


class GenerationMissing(Unavailable):
    code: ClassVar[str] = "generation_missing"
    says: ClassVar[str] = "What is known of the codes is being restored. Try again in a few minutes."


class CatalogueOld(Exception):  # noqa: N818 - a signal to the caller, never shown to anybody
    """Nothing was written: the catalogue that the caller judged by is older than this version."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class Recorder:
    """For one event loop and one Redis server."""

    def __init__(self, url: str) -> None:
        self._connection = redis.connection(url)
        # Sent behind every pipeline, where replicas have to acknowledge.
        self.acknowledgement: bytes | None = None
        self._queue: list[tuple[bytes, asyncio.Future[bytes]]] = []
        self._flushing: asyncio.Task[None] | None = None
        # Set when an answer shows that the library or the generation has to be looked after.
        self.troubled = asyncio.Event()

    async def call(self, function: str, keys: tuple[str | bytes, ...], *args: str | bytes | int) -> bytes:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._queue.append((pack(("FCALL", function, len(keys), *keys, *args)), future))
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        return await future

    async def close(self) -> None:
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self._connection.disconnect()

    async def _flush(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:PIPELINE_MAX], self._queue[PIPELINE_MAX:]
                await self._send(batch)
        finally:
            self._flushing = None

    async def _send(self, batch: list[tuple[bytes, asyncio.Future[bytes]]]) -> None:
        commands = [command for command, _ in batch]
        # Whether to wait may be decided anew while this pipeline is under way.
        acknowledgement = self.acknowledgement
        if acknowledgement is not None:
            commands.append(acknowledgement)
        began_s = perf_counter()
        try:
            answers = await _exchange(self._connection, commands)
        except Exception as lost:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            _log.warning("the scan recorder lost its connection", error=repr(lost), calls=len(batch))
            self.troubled.set()
            _fail(batch, lost)
            # Answers have no ids: after a lost one nobody could tell whose the next is.
            await self._connection.disconnect(nowait=True)
            return
        counters.ROUND_TRIP_S.observe(perf_counter() - began_s)
        counters.PIPELINE_CALLS.observe(len(batch))
        if acknowledgement is not None and not _acknowledged(answers.pop()):
            _log.warning("no replica acknowledged in time", calls=len(batch))
            _fail(batch, None)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, ResponseError):
                future.set_exception(self._refusal(answer))
            else:
                future.set_result(answer)

    def _refusal(self, error: Exception) -> Exception:
        text = str(error)
        word, _, rest = text.partition(" ")
        if word == "STALE":
            return CatalogueOld(int(rest))
        if word == "FULL":
            return RecorderFull()
        self.troubled.set()
        if word == "GENERATION":
            return GenerationMissing()
        _log.error("redis refused a scan", error=text)
        return RecorderAway()


async def _exchange(connection: AsyncConnection, commands: list[bytes]) -> list[Any]:
    """Sends once, and reads as many answers; a server's error is one of them."""
    async with asyncio.timeout(redis.ANSWER_S_MAX):
        if connection.is_connected and await connection.can_read():
            # Nothing was asked: what can be read is the end of the connection, or the answer to another's question.
            await connection.disconnect(nowait=True)
        # Connects where it has to.
        await connection.send_packed_command(commands, check_health=False)
        answers: list[Any] = []
        for _ in commands:
            try:
                answers.append(await connection.read_response())
            except ResponseError as error:
                answers.append(error)
        return answers


def _fail(batch: list[tuple[bytes, asyncio.Future[bytes]]], cause: Exception | None) -> None:
    for _, future in batch:
        if not future.done():
            refusal = RecorderAway()
            refusal.__cause__ = cause
            future.set_exception(refusal)


def acknowledgement(redis: Redis) -> bytes | None:
    """The command that waits for a replica, where Redis has any; every pipeline then ends with it. Replicas come and go: ask again."""
    if int(redis.info("replication")["connected_slaves"]) == 0:
        return None
    version = tuple(int(part) for part in str(redis.info("server")["redis_version"]).split(".")[:2])
    if version >= WAITAOF_SINCE:
        return pack(("WAITAOF", 1, 1, REPLICA_ACK_MS_MAX))
    return pack(("WAIT", 1, REPLICA_ACK_MS_MAX))


def _acknowledged(answer: Any) -> bool:
    if isinstance(answer, list):
        return len(answer) == 2 and answer[0] >= 1 and answer[1] >= 1  # noqa: PLR2004 - WAITAOF: local, replicas
    return isinstance(answer, int) and answer >= 1
