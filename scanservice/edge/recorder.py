"""Records scans: everything that concurrent requests ask of Redis in one turn of the event loop goes out in one pipeline.

Promises: a call that returns was executed, fsynced and, where Redis has replicas, acknowledged by one of them; a call that raises
may have been executed and is never sent again. At most PIPELINES_MAX pipelines are under way: what arrives meanwhile waits together
and shares the next fsync (docs/decisions/0018 says what other numbers cost).
Refused as `Unavailable`: a server that is away, its full log, another generation, a missing function.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, Final, Protocol

from redis.exceptions import ResponseError

from kit import log, redis
from kit.redis import Redis
from kit.redis_line import Line, LineLost, open_line, pack
from kit.refusals import Unavailable
from scanservice.edge import counters

PIPELINE_MAX: Final = 1024
PIPELINES_MAX: Final = 1
# What waits when a pipeline has ended goes out before its answers are given, where it is at least so much.
CALLS_SENT_AT_ONCE: Final = 128
REPLICA_ACK_MS_MAX: Final = 1000
WAITAOF_SINCE: Final = (7, 2)

_log = log.get(__name__)

Recorded = bytes | list[bytes | ResponseError]
"""One answer for a whole call, or one for each scan of it."""

Done = Callable[[Recorded | Exception], None]
"""Told what the function answered, or why nobody knows whether it was executed."""

_Calls = list[tuple[bytes, Done]]


class RecorderAway(Unavailable):
    code: ClassVar[str] = "recorder_away"
    says: ClassVar[str] = "Scans cannot be recorded right now. Try again in a moment."


class RecorderFull(Unavailable):
    code: ClassVar[str] = "recorder_full"
    says: ClassVar[str] = "More scans wait to be stored than we can hold. Try again in a minute."


class GenerationMissing(Unavailable):
    code: ClassVar[str] = "generation_missing"
    says: ClassVar[str] = "What is known of the codes is being restored. Try again in a few minutes."


class StateUnreadable(Unavailable):
    code: ClassVar[str] = "state_unreadable"
    says: ClassVar[str] = "What is known of this code cannot be read. We are looking into it."


class CatalogueOld(Exception):  # noqa: N818 - a signal to the caller, never shown to anybody
    """Nothing was written: the catalogue that the caller judged by is older than this version."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server: the partitions that it holds, and what every pipeline to it ends with where it has replicas."""

    partitions: tuple[int, ...]
    acknowledgement: bytes | None


Placement = Mapping[str, Place]
"""By the address of each server."""


class Records(Protocol):
    """What an edge needs of a recorder."""

    troubled: asyncio.Event

    def send(self, partition: int, command: bytes, done: Done) -> None: ...

    def settle(self, placement: Placement) -> None: ...

    async def close(self) -> None: ...


class Recorder:
    """For one event loop and one Redis server."""

    def __init__(self, url: str, *, troubled: asyncio.Event | None = None) -> None:
        self._url = url
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        # Sent behind every pipeline, where replicas have to acknowledge.
        self.acknowledgement: bytes | None = None
        self._queue: _Calls = []
        self._flush_due = False
        self._idle = asyncio.Event()
        self._idle.set()
        # Set when an answer shows that the library or the generation has to be looked after.
        self.troubled = troubled or asyncio.Event()

    def send(self, partition: int, command: bytes, done: Done) -> None:  # noqa: ARG002 - one server has all partitions
        """Sends a packed command at the end of this turn; `done` is called once, in a later one."""
        self._queue.append((command, done))
        if not self._flush_due:
            self._flush_due = True
            self._idle.clear()
            self._loop.call_soon(self._flush)

    def settle(self, placement: Placement) -> None:
        """Replicas come and go: from the next pipeline on they are waited for, or no longer."""
        if self._url in placement:
            self.acknowledgement = placement[self._url].acknowledgement

    async def close(self) -> None:
        await self._idle.wait()
        if self._connecting is not None:
            await asyncio.wait([self._connecting])
        if self._line is not None:
            await self._line.close()

    def _flush(self) -> None:
        """Sends what waits, as far as pipelines may be under way; called again whenever one of them has ended."""
        self._flush_due = False
        if self._queue and (self._line is None or not self._line.open):
            if self._connecting is None:
                self._connecting = self._loop.create_task(self._connect())
            return
        line = self._line
        while self._queue and line is not None and line.under_way < PIPELINES_MAX:
            calls, self._queue = self._queue[:PIPELINE_MAX], self._queue[PIPELINE_MAX:]
            commands = [command for command, _ in calls]
            # Whether to wait may be decided anew while this pipeline is under way.
            acknowledgement = self.acknowledgement
            if acknowledgement is not None:
                commands.append(acknowledgement)
            ended = partial(self._ended, calls, perf_counter(), acknowledged=acknowledgement is not None)
            line.ask(commands, ended, answer_s_max=redis.ANSWER_S_MAX)
        if line is None or (not self._queue and not line.under_way):
            self._idle.set()

    async def _connect(self) -> None:
        try:
            if self._line is not None:
                await self._line.close()
            self._line = await open_line(self._url)
        except Exception as away:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            self._line = None
            calls, self._queue = self._queue, []
            self._lost(calls, away)
        finally:
            self._connecting = None
            self._flush()

    def _ended(self, calls: _Calls, began_s: float, answers: list[Any] | LineLost, *, acknowledged: bool) -> None:
        if len(self._queue) >= CALLS_SENT_AT_ONCE:
            # The server works on them while these answers are given. Fewer wait until then for others to share their fsync with.
            self._flush()
        if isinstance(answers, LineLost):
            self._lost(calls, answers)
        else:
            counters.ROUND_TRIP_S.observe(perf_counter() - began_s)
            counters.PIPELINE_CALLS.observe(len(calls))
            self._tell_all(calls, answers, acknowledged=acknowledged)
        self._flush()

    def _tell_all(self, calls: _Calls, answers: list[Any], *, acknowledged: bool) -> None:
        if acknowledged and not _is_acknowledged(answers.pop()):
            _log.warning("no replica acknowledged in time", calls=len(calls))
            # Perhaps it is away for good: then upkeep finds out that there is nobody to wait for.
            self.troubled.set()
            _fail(calls, None)
            return
        for (_, done), answer in zip(calls, answers, strict=True):
            _tell(done, self._refusal(answer) if isinstance(answer, ResponseError) else answer)

    def _lost(self, calls: _Calls, why: Exception) -> None:
        _log.warning("the scan recorder has no connection", error=repr(why), calls=len(calls))
        self.troubled.set()
        _fail(calls, why)

    def _refusal(self, error: ResponseError) -> Exception:
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


def _fail(calls: _Calls, cause: Exception | None) -> None:
    for _, done in calls:
        refusal = RecorderAway()
        refusal.__cause__ = cause
        _tell(done, refusal)


def _tell(done: Done, answer: Recorded | Exception) -> None:
    try:
        done(answer)
    except Exception:  # noqa: BLE001 - one that cannot be answered keeps no answer from the others of its pipeline
        _log.exception("a recorded scan was not answered")


def one(answer: Recorded | Exception) -> bytes | Exception:
    """Of a call for one scan."""
    if not isinstance(answer, list):
        return answer
    (alone,) = answer
    return alone if isinstance(alone, bytes) else unreadable(alone)


def unreadable(error: ResponseError) -> StateUnreadable:
    """Of an error among the answers of a call: it is about its scan alone, of which nothing was written."""
    _log.error("redis could not record a scan", error=str(error))
    return StateUnreadable()


async def recorded(recorder: Records, partition: int, command: bytes) -> bytes:
    """For who has a coroutine anyway: what the function answered. Raises what `send` tells."""
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def done(answer: Recorded | Exception) -> None:
        # Whoever asked may have gone meanwhile.
        if future.done():
            return
        found = one(answer)
        if isinstance(found, Exception):
            future.set_exception(found)
        else:
            future.set_result(found)

    recorder.send(partition, command, done)
    return await future


def acknowledgement(redis: Redis) -> bytes | None:
    """The command that waits for a replica, where Redis has any; every pipeline then ends with it. Replicas come and go: ask again."""
    if int(redis.info("replication")["connected_slaves"]) == 0:
        return None
    version = tuple(int(part) for part in str(redis.info("server")["redis_version"]).split(".")[:2])
    if version >= WAITAOF_SINCE:
        return pack(("WAITAOF", 1, 1, REPLICA_ACK_MS_MAX))
    return pack(("WAIT", 1, REPLICA_ACK_MS_MAX))


def _is_acknowledged(answer: Any) -> bool:
    if isinstance(answer, list):
        return len(answer) == 2 and answer[0] >= 1 and answer[1] >= 1  # noqa: PLR2004 - WAITAOF: local, replicas
    return isinstance(answer, int) and answer >= 1
