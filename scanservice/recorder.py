"""Records scans: everything that concurrent requests ask of Redis in one turn of the event loop goes out in one pipeline.

Promises: a call that returns was executed, fsynced and, where Redis has replicas, acknowledged by one of them; a call that raises
may have been executed and is never sent again. One pipeline is under way at a time: what arrives meanwhile waits together and
shares the next fsync. Refused as `Unavailable`: a server that is away, its full log, another generation, a missing function.
"""

import asyncio
from typing import Any, ClassVar, Final

import hiredis

from kit import log
from kit.refusals import Unavailable
from scanservice.wire import ConnectionLost, Wire, pack

PIPELINE_MAX: Final = 1024
REPLICA_ACK_MS_MAX: Final = 1000
WAITAOF_SINCE: Final = (7, 2)

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
        self._url = url
        self._wire: Wire | None = None
        self._wait: bytes | None = None
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

    async def look_at_replicas(self) -> None:
        """Finds out whether a replica has to acknowledge. Called now and then: replicas come and go."""
        wire = await self._connected()
        (info,) = await wire.exchange([pack(("INFO", "replication"))])
        (server,) = await wire.exchange([pack(("INFO", "server"))])
        if isinstance(info, bytes) and isinstance(server, bytes):
            self._wait = _wait_command(info, server)

    async def close(self) -> None:
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        if self._wire is not None:
            self._wire.close()
            await asyncio.sleep(0)

    async def _flush(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:PIPELINE_MAX], self._queue[PIPELINE_MAX:]
                await self._send(batch)
        finally:
            self._flushing = None

    async def _send(self, batch: list[tuple[bytes, asyncio.Future[bytes]]]) -> None:
        commands = [command for command, _ in batch]
        if self._wait is not None:
            commands.append(self._wait)
        try:
            answers = await (await self._connected()).exchange(commands)
        except ConnectionLost as lost:
            _log.warning("the scan recorder lost its connection", error=str(lost), calls=len(batch))
            self.troubled.set()
            _fail(batch, lost)
            return
        if self._wait is not None and not _acknowledged(answers.pop()):
            _log.warning("no replica acknowledged in time", calls=len(batch))
            _fail(batch, None)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, hiredis.ReplyError):
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

    async def _connected(self) -> Wire:
        if self._wire is None or self._wire.closed:
            self._wire = await Wire.connect(self._url)
        return self._wire


def _fail(batch: list[tuple[bytes, asyncio.Future[bytes]]], cause: Exception | None) -> None:
    for _, future in batch:
        if not future.done():
            refusal = RecorderAway()
            refusal.__cause__ = cause
            future.set_exception(refusal)


def _wait_command(info: bytes, server: bytes) -> bytes | None:
    if int(_member(info, b"connected_slaves") or 0) == 0:
        return None
    version = tuple(int(part) for part in (_member(server, b"redis_version") or b"0.0").split(b".")[:2])
    if version >= WAITAOF_SINCE:
        return pack(("WAITAOF", 1, 1, REPLICA_ACK_MS_MAX))
    return pack(("WAIT", 1, REPLICA_ACK_MS_MAX))


def _acknowledged(answer: Any) -> bool:
    if isinstance(answer, list):
        return len(answer) == 2 and answer[0] >= 1 and answer[1] >= 1  # noqa: PLR2004 - WAITAOF: local, replicas
    return isinstance(answer, int) and answer >= 1


def _member(info: bytes, name: bytes) -> bytes | None:
    for line in info.splitlines():
        key, _, value = line.partition(b":")
        if key == name:
            return value
    return None
