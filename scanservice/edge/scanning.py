"""One scan: look the code up, record it, judge it.

Promises: what is answered was recorded first, and judged by the same catalogue that the record names: where Redis knows of a newer
one, nothing is written, the catalogue is fetched and the scan starts over. A code without a range is looked up afresh before
anybody is told so. The same scan id with `Repeat.POSSIBLE` is recorded once and answered alike for an hour.
"""

import asyncio
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from kit import seals
from kit.log import get
from scanservice import verdicts
from scanservice.catalogue import Asked, Catalogue, CatalogueAway, Item, Shelf
from scanservice.edge import counters
from scanservice.edge.recorder import CatalogueOld, Records
from scanservice.edge.throttling import Buckets
from scanservice.hot import functions, state
from scanservice.hot import log as scan_log
from scanservice.hot.log import Sighting
from scanservice.verdicts import Judgement, Reason, Role, Signature, Standing
from scanservice.visitors import Address, Keys

CATALOGUE_TRIES_MAX: Final = 3
DONE_S: Final = 3600
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


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says: which code, by whom, how far it is."""

    asked: Asked
    scan_id: UUID
    at: datetime
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


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The recorded scan, its code as the catalogue had it, and the verdict."""

    scan: Scan
    item: Item
    judgement: Judgement


class Sent(NamedTuple):
    """A scan on its way to Redis."""

    scan: Scan
    item: Item
    recorded: asyncio.Future[bytes]


class Scanner:
    def __init__(self, shelf: Shelf, recorder: Records, *, keys: Keys, log_bytes_max: int) -> None:
        self._shelf = shelf
        self._recorder = recorder
        self._keys = keys
        self._entries_max = entries_max(log_bytes_max)
        self._invalid = Buckets()

    def send(self, scan: Scan) -> Sent | None:
        """The scan on its way at once, its answer for `judged`. None: it takes more than one call, and nothing was recorded."""
        if not self._shelf.loaded:
            return None
        catalogue = self._shelf.catalogue
        item = catalogue.item(scan.asked)
        if item.counted is None or item.standing is Standing.NO_RANGE:
            return None
        return Sent(scan, item, self.record(scan, item, item.counted, catalogue))

    async def scan(self, scan: Scan) -> Answered:
        for _ in range(CATALOGUE_TRIES_MAX):
            catalogue = self._shelf.catalogue
            item = catalogue.item(scan.asked)
            if item.standing is Standing.NO_RANGE:
                catalogue, item = await self._look_again(catalogue, scan.asked)
            try:
                if item.counted is None:
                    return await self._sight(scan, item, catalogue)
                return self.judged(scan, item, await self.record(scan, item, item.counted, catalogue))
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

    def record(self, scan: Scan, item: Item, counted: tuple[int, int], catalogue: Catalogue) -> asyncio.Future[bytes]:
        """Sends the scan on its way. What comes back is for `judged`."""
        epoch, counter = counted
        tenant_id = item.brand.tenant_id
        partition = functions.partition_of(tenant_id, counter)
        keys: tuple[str | bytes, ...] = (
            functions.meta_key(partition),
            functions.log_key(partition),
            functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
        )
        if scan.repeat is Repeat.POSSIBLE:
            keys = (*keys, functions.done_key(partition, scan.scan_id.bytes))
        return self._recorder.call(
            functions.SCAN,
            keys,
            catalogue.generation,
            catalogue.version,
            self._entries_max,
            functions.field(counter),
            verdicts.mode(item.standing, scan.role, confirmed=scan.confirmed).value,
            state.seconds(scan.at.timestamp()),
            scan.visitor[: state.VISITOR_BYTES],
            scan.whence,
            scan_log.encode(sighting(scan, item)),
            DONE_S,
        )

    def judged(self, scan: Scan, item: Item, answer: bytes) -> Answered:
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
        return Answered(scan=scan, item=item, judgement=verdicts.marked(judgement, scan.signature, scan.marks))

    def count_invalid(self, address: Address, *, now: datetime, visitor: bytes = b"") -> None:
        """Raises TooManyInvalid. `visitor` stands for who has no address: users of an app, whose server has a limit of its own."""
        self._invalid.take(address.block or address.packed or visitor, now_s=now.timestamp())

    async def _sight(self, scan: Scan, item: Item, catalogue: Catalogue) -> Answered:
        """A code that we never made has no state and no partition of its own: it goes where its address goes, if not too often."""
        self.count_invalid(scan.address, now=scan.at, visitor=scan.visitor)
        hashed = seals.keyed_hash(self._keys.network, scan.address.packed, size_bytes=1)
        partition = hashed[0] % functions.PARTITIONS
        await self._recorder.call(
            functions.SIGHT,
            (functions.meta_key(partition), functions.log_key(partition)),
            catalogue.generation,
            catalogue.version,
            self._entries_max,
            scan_log.encode(sighting(scan, item)),
        )
        judgement = verdicts.judge(standing=item.standing, before=None, visitor=b"", whence=scan.whence, role=scan.role, at_s=0)
        counters.VERDICTS.add(judgement.verdict)
        return Answered(scan=scan, item=item, judgement=judgement)


def entries_max(log_bytes_max: int) -> int:
    """How many entries one partition may hold."""
    return max(1, log_bytes_max // scan_log.ENTRY_BYTES // functions.PARTITIONS)


def sighting(scan: Scan, item: Item) -> Sighting:
    epoch, counter = item.counted or (None, None)
    weights = item.weights
    return Sighting(
        scan_id=scan.scan_id,
        tenant_id=item.brand.tenant_id,
        at_ms=int(scan.at.timestamp() * 1000),
        confirmed=scan.confirmed,
        visitor=scan.visitor,
        whence=scan.whence,
        ip=scan.address.packed,
        standing=item.standing,
        gtin=item.gtin,
        lot=item.lot,
        epoch=epoch,
        counter=counter,
        order_id=item.order_id,
        client=scan.client,
        language=scan.language,
        latitude=None if scan.position is None else scan.position.latitude,
        longitude=None if scan.position is None else scan.position.longitude,
        accuracy_m=None if scan.position is None else scan.position.accuracy_m,
        serial=item.serial if item.counted is None else "",
        standing_reason=item.standing_reason,
        role=scan.role,
        url_signature=scan.signature,
        marks=scan.marks,
        stranger_rate_pm=weights.stranger_rate_pm,
        suspect_at_db=weights.suspect_at_db,
    )
