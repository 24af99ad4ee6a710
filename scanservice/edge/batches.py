"""What becomes of the scans of a batch.

Promises: a result for each, in its place; scans of one partition that are begun together share one call of the Redis function, and are
refused together; those that take more than a call (a newer catalogue, a code without a range or that nobody made) go the usual way,
one by one, when everything else is done. Refuses nothing: a refusal is a result.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from redis.exceptions import ResponseError

from kit import log
from kit.refusals import Refusal, problem
from scanservice.edge import recorder
from scanservice.edge.parts import Parts, verdict_document
from scanservice.edge.recorder import CatalogueOld, Recorded, RecorderAway
from scanservice.edge.scanning import Answered, Begun, Scan

_log = log.get(__name__)

# Where an answer could not be made of what was recorded.
_NO_RESULT: Final = msgspec.Raw(b'{"status":500,"code":"internal_error"}')


class Batch:
    """Each scan is begun, recorded with others of its partition, and answered; or refused at any of these.

    Results are JSON at once: a thousand of them as objects do not fit into a processor's cache.
    """

    def __init__(self, parts: Parts, size: int, *, instance: str) -> None:
        self._parts = parts
        self._instance = instance
        # The catalogue by which all of it is judged. A newer one sends them the usual way, one by one.
        self._catalogue = parts.shelf.catalogue
        self._results = [_NO_RESULT] * size
        self._begun: dict[int, list[tuple[int, Begun]]] = {}
        self._alone: list[tuple[int, Scan]] = []
        self._calls = 0
        self._all_told = asyncio.Event()
        self._all_told.set()

    def begin(self, scans: Sequence[tuple[int, Scan]]) -> None:
        """Scans, each with its place. Those of a brand that came after this batch go the usual way."""
        known = [one for one in scans if one[1].asked.tenant_id in self._catalogue.brands]
        if len(known) < len(scans):
            self._alone += [one for one in scans if one[1].asked.tenant_id not in self._catalogue.brands]
        found = self._parts.scanner.begin([scan for _, scan in known], self._catalogue)
        for (place, scan), begun in zip(known, found, strict=True):
            if begun is None:
                self._alone.append((place, scan))
            else:
                self._begun.setdefault(begun.call.partition, []).append((place, begun))

    def refuse(self, place: int, refusal: Refusal) -> None:
        self._results[place] = _raw(problem(refusal, instance=self._instance))

    def record(self) -> None:
        """Sends what has been begun, a call for each partition."""
        begun, self._begun = self._begun, {}
        for some in begun.values():
            self._calls += 1
            self._all_told.clear()
            self._parts.scanner.send_many([one for _, one in some], self._catalogue, partial(self._told, some))

    async def results(self) -> list[msgspec.Raw]:
        await self._all_told.wait()
        for place, scan in self._alone:
            try:
                self._answer(place, await self._parts.scanner.scan(scan))
            except Refusal as refusal:
                self.refuse(place, refusal)
        return self._results

    def _told(self, some: list[tuple[int, Begun]], answer: Recorded | Exception) -> None:
        try:
            if isinstance(answer, list):
                for (place, begun), one in zip(some, answer, strict=True):
                    self._judge(place, begun, one)
            elif isinstance(answer, CatalogueOld):
                self._alone += [(place, begun.scan) for place, begun in some]
            else:
                for place, _ in some:
                    self.refuse(place, answer if isinstance(answer, Refusal) else RecorderAway())
        finally:
            self._calls -= 1
            if not self._calls:
                self._all_told.set()

    def _judge(self, place: int, begun: Begun, answer: bytes | ResponseError) -> None:
        try:
            if isinstance(answer, bytes):
                self._answer(place, self._parts.scanner.judged(begun.scan, begun.item, answer))
            else:
                self.refuse(place, recorder.unreadable(answer))
        except Exception:  # noqa: BLE001 - one that cannot be judged keeps no other from its result
            _log.exception("a recorded scan could not be judged", tenant_id=begun.scan.asked.tenant_id)

    def _answer(self, place: int, answered: Answered) -> None:
        document = msgspec.json.encode(verdict_document(answered, key=self._parts.ticket_key))
        # Behind the brace with which each document begins.
        self._results[place] = msgspec.Raw(b'{"status":200,%b' % document[1:])


def _raw(document: dict[str, object]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document))
