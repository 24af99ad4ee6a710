"""One scan: look the code up, record it, judge it.

Promises: what is answered was recorded first, and judged by the same catalogue that the record names: where Redis knows of a newer
one, nothing is written, the catalogue is fetched and the scan starts over. A code without a range is looked up afresh before
anybody is told so. The same scan id with `Repeat.POSSIBLE` is recorded once and answered alike for an hour; later it is judged as a visit
more, and stored as the scan that it is (ingest.records).
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from kit import seals
from kit.log import get
from scanservice import verdicts
from scanservice.api_keys import ApiKey
from scanservice.catalogue import Asked, Catalogue, CatalogueAway, Item, Shelf
from scanservice.edge import counters, recorder
from scanservice.edge.recorder import CatalogueOld, Done, Recorded, Records
from scanservice.edge.throttling import Buckets
from scanservice.hot import calls, functions, state
from scanservice.hot import log as scan_log
from scanservice.hot.calls import Knowledge, ScanCall
from scanservice.verdicts import NO_MARKS, Judgement, Reason, Role, Signature, Standing
from scanservice.visitors import Address, Keys

CATALOGUE_TRIES_MAX: Final = 3
# Codes that nobody made, by one API key: a whole batch of another maker's goods, and then what many devices mistype.
KEY_BURST: Final = 1000
KEY_REFILL_PER_S: Final = 2.0
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


class Visit(msgspec.Struct, frozen=True):
    """Who scans, and how. Made by `visit`; scans of one sender share it. `logged`: as every entry of the scan log has it."""

    confirmed: bool
    visitor: bytes
    whence: bytes
    address: Address
    role: Role
    signature: Signature
    marks: tuple[Reason, ...]
    logged: msgspec.Raw


class Scan(msgspec.Struct, frozen=True):
    """What a request says: which code, and by whom; `at_ms` is Unix time. `key`: whose holder reported it."""

    asked: Asked
    scan_id: UUID
    at_ms: int
    repeat: Repeat
    visit: Visit
    key: ApiKey | None = None


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


def visit(
    confirmed: bool,  # noqa: FBT001 - by place where it is made for every page
    visitor: bytes,
    whence: bytes,
    address: Address,
    client: str,
    language: str,
    position: Position | None = None,
    role: Role = Role.CONSUMER,
    signature: Signature = Signature.NONE,
    marks: tuple[Reason, ...] = NO_MARKS,
    trace: bytes = b"",
) -> Visit:
    latitude, longitude, accuracy_m = (
        (None, None, None) if position is None else (position.latitude, position.longitude, position.accuracy_m)
    )
    # By place: names cost a microsecond, and this is made for nearly every page.
    logged = scan_log.Visit(
        confirmed,
        visitor,
        whence,
        address.packed,
        client,
        language,
        role,
        latitude,
        longitude,
        accuracy_m,
        signature,
        marks,
        trace,
    )
    return Visit(confirmed, visitor, whence, address, role, signature, marks, scan_log.pack(logged))


Told = Callable[[Answered | Exception], None]
"""Told what became of a scan: its answer, a refusal, or CatalogueOld, with which nothing was written."""


class Scanner:
    def __init__(self, shelf: Shelf, records: Records, *, keys: Keys, log_bytes_max: int) -> None:
        self._shelf = shelf
        self._records = records
        self._keys = keys
        self._entries_max = entries_max(log_bytes_max)
        self._invalid = Buckets()
        self._invalid_of_keys = Buckets(burst=KEY_BURST, refill_per_s=KEY_REFILL_PER_S)
        self._known_of: Catalogue | None = None
        self._knowledge = Knowledge(0, 0, 0)

    def send(self, scan: Scan, item: Item, catalogue: Catalogue, told: Told) -> bool:
        """Sends the scan of an item of this catalogue on its way, without a coroutine. False: it takes more than that, and nothing was recorded."""
        if item.counted is None or item.facts.standing is Standing.NO_RANGE:
            return False
        call = _call(scan, item, item.counted)

        def done(answer: Recorded | Exception) -> None:
            try:
                one = recorder.one(answer)
                found = self.judged(scan, item, one) if isinstance(one, bytes) else one
            except Exception as error:  # noqa: BLE001 - whoever waits is told of whatever it was
                found = error
            told(found)

        self._records.send(call.partition, calls.scan(call, self._known(catalogue)), done)
        return True

    def send_many(self, begun: Sequence[Begun], catalogue: Catalogue, done: Done) -> None:
        """Sends scans of one partition on their way in one call; of what `done` is told each is for `judged`."""
        command = calls.scan_many([one.call for one in begun], self._known(catalogue))
        self._records.send(begun[0].call.partition, command, done)

    def begin(self, scans: Sequence[Scan], catalogue: Catalogue) -> list[Begun | None]:
        """For `send_many`. None: it takes more than one call. The scans are of brands of this catalogue."""
        items = catalogue.items([scan.asked for scan in scans])
        return [
            None
            if item.counted is None or item.facts.standing is Standing.NO_RANGE
            else Begun(scan, item, _call(scan, item, item.counted))
            for scan, item in zip(scans, items, strict=True)
        ]

    async def scan(self, scan: Scan) -> Answered:
        for _ in range(CATALOGUE_TRIES_MAX):
            catalogue = self._shelf.catalogue
            catalogue.require(scan.key)
            item = catalogue.item(scan.asked)
            if item.facts.standing is Standing.NO_RANGE:
                catalogue, item = await self._look_again(catalogue, scan.asked)
            try:
                if item.counted is None:
                    return await self._sight(scan, item, catalogue)
                call = _call(scan, item, item.counted)
                command = calls.scan(call, self._known(catalogue))
                return self.judged(scan, item, await recorder.recorded(self._records, call.partition, command))
            except CatalogueOld:
                await self._shelf.refresh()
        raise CatalogueAway

    async def _look_again(self, catalogue: Catalogue, asked: Asked) -> tuple[Catalogue, Item]:
        """Before a code is said to have no range: it may have been ordered a moment ago. Who asks meanwhile shares the same look."""
        await self._shelf.refresh()
        catalogue = self._shelf.catalogue
        item = catalogue.item(asked)
        if item.facts.standing is Standing.NO_RANGE:
            _log.warning("a code with a valid tag has no range", tenant_id=asked.tenant_id, counted=item.counted)
        return catalogue, item

    def _known(self, catalogue: Catalogue) -> Knowledge:
        if catalogue is not self._known_of:
            self._known_of = catalogue
            self._knowledge = Knowledge(catalogue.generation, catalogue.version, self._entries_max)
        return self._knowledge

    def judged(self, scan: Scan, item: Item, answer: bytes) -> Answered:
        facts, visit = item.facts, scan.visit
        if len(answer) == _AT_BYTES:
            judgement = facts.unseen
        else:
            judgement = verdicts.judge(
                standing=facts.standing,
                standing_reason=facts.standing_reason,
                before=state.unpack(answer[_AT_BYTES:]),
                visitor=visit.visitor[: state.VISITOR_BYTES],
                whence=visit.whence,
                role=visit.role,
                at_s=int.from_bytes(answer[:_AT_BYTES], "big"),
                weights=facts.weights,
            )
        counters.VERDICTS.add(judgement.verdict)
        return Answered(scan, item, verdicts.marked(judgement, visit.signature, visit.marks))

    def _count_invalid(self, scan: Scan) -> None:
        """Raises TooManyInvalid."""
        now_s, address = scan.at_ms / 1000, scan.visit.address
        if scan.key is not None:
            # Whose address it is, or which user, the key's holder says: those can be as many as there are serials.
            self._invalid_of_keys.take(scan.key.id.bytes, now_s=now_s)
        # Users of an app may have no address of their own, and its server has the limit of its key.
        self._invalid.take(address.block or address.packed or scan.visit.visitor, now_s=now_s)

    async def _sight(self, scan: Scan, item: Item, catalogue: Catalogue) -> Answered:
        """A code that we never made has no state and no partition of its own: it goes where its address goes, if not too often."""
        self._count_invalid(scan)
        address = scan.visit.address
        hashed = seals.keyed_hash(self._keys.network, address.packed, size_bytes=1)
        partition = hashed[0] % functions.PARTITIONS
        command = calls.packed(
            functions.SIGHT,
            (functions.meta_key(partition), functions.log_key(partition)),
            catalogue.generation,
            catalogue.version,
            self._entries_max,
            entry(scan, item),
        )
        await recorder.recorded(self._records, partition, command)
        counters.VERDICTS.add(item.facts.unseen.verdict)
        return Answered(scan, item, item.facts.unseen)


def entries_max(log_bytes_max: int) -> int:
    """How many entries one partition may hold."""
    return max(1, log_bytes_max // scan_log.ENTRY_BYTES // functions.PARTITIONS)


def _call(scan: Scan, item: Item, counted: tuple[int, int]) -> ScanCall:
    epoch, counter = counted
    tenant_id = scan.asked.tenant_id
    partition = functions.partition_of(tenant_id, counter)
    visit = scan.visit
    again = scan.repeat is Repeat.POSSIBLE
    # By place: names cost a microsecond, and this is made for every scan.
    return ScanCall(
        partition,
        functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
        functions.field(counter),
        calls.told(
            verdicts.mode(item.facts.standing, visit.role, confirmed=visit.confirmed),
            state.seconds(scan.at_ms // 1000),
            visit.visitor[: state.VISITOR_BYTES],
            visit.whence,
            entry(scan, item),
            again,
        ),
        scan.scan_id.bytes if again else b"",
    )


def entry(scan: Scan, item: Item) -> bytes:
    """The scan as the log has it."""
    counted = item.counted
    counter, serial = (None, item.serial) if counted is None else (counted[1], "")
    return scan_log.encode(scan.scan_id, scan.at_ms, counter, serial, item.facts.logged, scan.visit.logged)
