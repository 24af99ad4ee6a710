"""One scan: look the code up, record it, judge it.

Promises: what is answered was recorded first, and judged by the same catalogue that the record names: where Redis knows of a newer
one, nothing is written, the catalogue is fetched and the scan starts over. A code without a range is looked up afresh before
anybody is told so. The same scan id with `Repeat.POSSIBLE` is recorded once and answered alike for an hour.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from kit import seals
from kit.log import get
from scanservice import verdicts
from scanservice.catalogue import Asked, Catalogue, CatalogueAway, Item, Shelf
from scanservice.edge import counters, recorder
from scanservice.edge.recorder import CatalogueOld, Done, Recorded, Records
from scanservice.edge.throttling import Buckets
from scanservice.hot import calls, functions, state
from scanservice.hot import log as scan_log
from scanservice.hot.calls import Knowledge, ScanCall
from scanservice.hot.log import Sighting
from scanservice.verdicts import Judgement, Reason, Role, Signature, Standing
from scanservice.visitors import Address, Keys

CATALOGUE_TRIES_MAX: Final = 3
_AT_BYTES: Final = 4

_log = get(__name__)


class Repeat(Enum):
    """May the same scan id come again? Only then is it worth remembering for an hour."""

    POSSIBLE = "possible"
    NEVER = "never"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    latitude: float
    longitude: float
    accuracy_m: float | None = None


class Scan(msgspec.Struct, frozen=True):
    """What a request says: which code, by whom, how far it is; `at_ms` is Unix time."""

    asked: Asked
    scan_id: UUID
    at_ms: int
    confirmed: bool
    repeat: Repeat
    visitor: bytes
    whence: bytes
    address: Address
    client: str
    language: str
    position: Position | None = None
    role: Role = Role.CONSUMER
    signature: Signature = Signature.NONE
    marks: tuple[Reason, ...] = ()
    trace: bytes = b""


class Answered(msgspec.Struct, frozen=True):
    """The recorded scan, its code as the catalogue had it, and the verdict."""

    scan: Scan
    item: Item
    judgement: Judgement


class Begun(NamedTuple):
    """A scan before it is recorded."""

    scan: Scan
    item: Item
    call: ScanCall


Told = Callable[[Answered | Exception], None]
"""Told what became of a scan: its answer, a refusal, or CatalogueOld, with which nothing was written."""


class Scanner:
    def __init__(self, shelf: Shelf, records: Records, *, keys: Keys, log_bytes_max: int) -> None:
        self._shelf = shelf
        self._records = records
        self._keys = keys
        self._entries_max = entries_max(log_bytes_max)
        self._invalid = Buckets()

    def send(self, scan: Scan, item: Item, catalogue: Catalogue, told: Told) -> bool:
        """Sends the scan of an item of this catalogue on its way, without a coroutine. False: it takes more than that, and nothing was recorded."""
        if item.counted is None or item.standing is Standing.NO_RANGE:
            return False
        call = _call(scan, item, item.counted)

        def done(answer: Recorded | Exception) -> None:
            told(answer if isinstance(answer, Exception) else self._judged(scan, item, answer))

        self._records.send(call.partition, calls.scan(call, self._known(catalogue)), done)
        return True

    def send_many(self, begun: Sequence[Begun], catalogue: Catalogue, done: Done) -> None:
        """Sends scans of one partition on their way in one call; what `done` is told is for `judged_many`."""
        command = calls.scan_many([one.call for one in begun], self._known(catalogue))
        self._records.send(begun[0].call.partition, command, done)

    def begin(self, scan: Scan, catalogue: Catalogue) -> Begun | None:
        """For `send_many`. None: it takes more than one call."""
        if scan.asked.tenant_id not in catalogue.brands:
            return None
        item = catalogue.item(scan.asked)
        if item.counted is None or item.standing is Standing.NO_RANGE:
            return None
        return Begun(scan, item, _call(scan, item, item.counted))

    def judged(self, begun: Begun, answer: bytes) -> Answered:
        return self._judged(begun.scan, begun.item, answer)

    async def scan(self, scan: Scan) -> Answered:
        for _ in range(CATALOGUE_TRIES_MAX):
            catalogue = self._shelf.catalogue
            item = catalogue.item(scan.asked)
            if item.standing is Standing.NO_RANGE:
                catalogue, item = await self._look_again(catalogue, scan.asked)
            try:
                if item.counted is None:
                    return await self._sight(scan, item, catalogue)
                call = _call(scan, item, item.counted)
                command = calls.scan(call, self._known(catalogue))
                return self._judged(scan, item, await recorder.recorded(self._records, call.partition, command))
            except CatalogueOld:
                await self._shelf.refresh()
        raise CatalogueAway

    async def _look_again(self, catalogue: Catalogue, asked: Asked) -> tuple[Catalogue, Item]:
        """Before a code is said to have no range: it may have been ordered a moment ago. Who asks meanwhile shares the same look."""
        await self._shelf.refresh()
        catalogue = self._shelf.catalogue
        item = catalogue.item(asked)
        if item.standing is Standing.NO_RANGE:
            _log.warning("a code with a valid tag has no range", tenant_id=asked.tenant_id, counted=item.counted)
        return catalogue, item

    def _known(self, catalogue: Catalogue) -> Knowledge:
        return Knowledge(catalogue.generation, catalogue.version, self._entries_max)

    def _judged(self, scan: Scan, item: Item, answer: Recorded) -> Answered:
        assert isinstance(answer, bytes)  # noqa: S101 - what the function answers for one scan
        before = state.unpack(answer[_AT_BYTES:]) if len(answer) > _AT_BYTES else None
        judgement = verdicts.judge(
            standing=item.standing,
            standing_reason=item.standing_reason,
            before=before,
            visitor=scan.visitor[: state.VISITOR_BYTES],
            whence=scan.whence,
            role=scan.role,
            at_s=int.from_bytes(answer[:_AT_BYTES], "big"),
            weights=item.weights,
        )
        counters.VERDICTS.add(judgement.verdict)
        return Answered(scan, item, verdicts.marked(judgement, scan.signature, scan.marks))

    def count_invalid(self, address: Address, *, now_s: float, visitor: bytes = b"") -> None:
        """Raises TooManyInvalid. `visitor` stands for who has no address: users of an app, whose server has a limit of its own."""
        self._invalid.take(address.block or address.packed or visitor, now_s=now_s)

    async def _sight(self, scan: Scan, item: Item, catalogue: Catalogue) -> Answered:
        """A code that we never made has no state and no partition of its own: it goes where its address goes, if not too often."""
        self.count_invalid(scan.address, now_s=scan.at_ms / 1000, visitor=scan.visitor)
        hashed = seals.keyed_hash(self._keys.network, scan.address.packed, size_bytes=1)
        partition = hashed[0] % functions.PARTITIONS
        command = calls.packed(
            functions.SIGHT,
            (functions.meta_key(partition), functions.log_key(partition)),
            catalogue.generation,
            catalogue.version,
            self._entries_max,
            scan_log.encode(sighting(scan, item)),
        )
        await recorder.recorded(self._records, partition, command)
        judgement = verdicts.judge(standing=item.standing, before=None, visitor=b"", whence=scan.whence, role=scan.role, at_s=0)
        counters.VERDICTS.add(judgement.verdict)
        return Answered(scan=scan, item=item, judgement=judgement)


def entries_max(log_bytes_max: int) -> int:
    """How many entries one partition may hold."""
    return max(1, log_bytes_max // scan_log.ENTRY_BYTES // functions.PARTITIONS)


def _call(scan: Scan, item: Item, counted: tuple[int, int]) -> ScanCall:
    epoch, counter = counted
    tenant_id = item.brand.tenant_id
    partition = functions.partition_of(tenant_id, counter)
    # By place: names cost a microsecond, and this is made for every scan.
    return ScanCall(
        partition,
        functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
        functions.field(counter),
        verdicts.mode(item.standing, scan.role, confirmed=scan.confirmed),
        state.seconds(scan.at_ms // 1000),
        scan.visitor[: state.VISITOR_BYTES],
        scan.whence,
        scan_log.encode(sighting(scan, item)),
        scan.scan_id.bytes if scan.repeat is Repeat.POSSIBLE else b"",
    )


def sighting(scan: Scan, item: Item) -> Sighting:
    epoch, counter = item.counted or (None, None)
    weights, position = item.weights, scan.position
    latitude, longitude, accuracy_m = (
        (None, None, None) if position is None else (position.latitude, position.longitude, position.accuracy_m)
    )
    # By place: names cost two microseconds, and this is made for every scan.
    return Sighting(
        scan.scan_id,
        item.brand.tenant_id,
        scan.at_ms,
        scan.confirmed,
        scan.visitor,
        scan.whence,
        scan.address.packed,
        item.standing,
        item.gtin,
        item.lot,
        epoch,
        counter,
        item.order_id,
        scan.client,
        scan.language,
        latitude,
        longitude,
        accuracy_m,
        item.serial if item.counted is None else "",
        item.standing_reason,
        scan.role,
        weights.stranger_rate_pm,
        weights.suspect_at_db,
        scan.signature,
        scan.marks,
        scan.trace,
    )
