"""One entered PIN: looked at behind all limits, recorded, and judged with the code's state after it.

Promises: what is answered was recorded first, by the Redis function that also holds the limits (scanservice.hot.pin_tries); behind a limit
nobody learns whether the PIN was right. Whom the code knows is bound by no address; everybody else's try is taken from their address before
it is looked at, so that many at once are no more, and given back where it was right or the code refused it. The PIN itself goes no further
than the comparison, which takes the same time for every wrong one.
"""

from datetime import UTC, datetime
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from codegen.print_packages.guarding import pins
from kit import ids, seals
from kit.redis_line import pack
from scanservice import verdicts
from scanservice.catalogue import Asked, Catalogue, CatalogueAway, Item, Shelf
from scanservice.edge import recorder
from scanservice.edge.recorder import CatalogueOld, Records
from scanservice.edge.scanning import CATALOGUE_TRIES_MAX, entries_max
from scanservice.hot import calls, functions, pin_log, pin_tries, state
from scanservice.hot.pin_log import PinEntry
from scanservice.hot.pin_tries import Lane, Outcome
from scanservice.hot.state import State
from scanservice.verdicts import Judgement, Role
from scanservice.visitors import Address, Keys

_OUTCOMES: Final = (Outcome.WRONG, Outcome.RIGHT, Outcome.LOCKED)
_HEAD_BYTES: Final = 6
_ADDRESS_BYTES: Final = 8


class Limit(Enum):
    """Which limit refused: every visitor behind the same address is told of one that is not about the code."""

    CODE = "code"
    ADDRESS = "address"


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says: which code, by whom, on the page of which scan. Its repr is empty of the PIN."""

    asked: Asked
    pin: str
    at: datetime
    scan_id: UUID
    visitor: bytes
    whence: bytes
    address: Address

    def __repr__(self) -> str:
        return "Entered()"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """`tries_left` wrong ones come without a wait; `opens_at` is None where the next may come now. `judgement` where the PIN was right."""

    outcome: Outcome
    tries_left: int = 0
    opens_at: datetime | None = None
    limit: Limit = Limit.CODE
    judgement: Judgement | None = None


class _Place(NamedTuple):
    """Where the state of a code lies."""

    tenant_id: int
    epoch: int
    counter: int
    partition: int
    bucket: bytes
    field: int


class PinDesk:
    def __init__(self, shelf: Shelf, records: Records, *, keys: Keys, log_bytes_max: int) -> None:
        self._shelf = shelf
        self._records = records
        self._keys = keys
        self._entries_max = entries_max(log_bytes_max)

    def item(self, asked: Asked) -> Item:
        return self._shelf.catalogue.item(asked)

    async def take(self, entered: Entered) -> Taken:
        """The caller has made sure that the code has a PIN."""
        if await self._is_known(entered):
            return await self._look(entered)
        opens_at_s = await recorder.recorded(self._records, *self._address(entered))
        if any(opens_at_s):
            return Taken(outcome=Outcome.LOCKED, opens_at=_instant(int.from_bytes(opens_at_s, "big")), limit=Limit.ADDRESS)
        taken = await self._look(entered)
        if taken.outcome is not Outcome.WRONG:
            # Nobody waits for it: what is not given back now comes back by itself.
            self._records.send(*self._address(entered, sign=-1), lambda _answer: None)
        return taken

    async def _look(self, entered: Entered) -> Taken:
        for _ in range(CATALOGUE_TRIES_MAX):
            try:
                return await self._try(entered, self._shelf.catalogue)
            except CatalogueOld:
                await self._shelf.refresh()
        raise CatalogueAway

    async def _is_known(self, entered: Entered) -> bool:
        """Is it one of the first visitors of the code? The Redis function asks again, and limits the try by what it finds then."""
        item = self._shelf.catalogue.item(entered.asked)
        place = _place(item)
        before = await recorder.recorded(self._records, place.partition, pack(("HGET", place.bucket, place.field)))
        known = state.unpack(before) if before else None
        lane = pin_tries.lane_of(known, visitor=entered.visitor[: state.VISITOR_BYTES], whence=entered.whence)
        return lane is Lane.KNOWN

    def _address(self, entered: Entered, *, sign: int = 1) -> tuple[int, bytes]:
        """The call that takes a try from the bucket of this address block: answered by 0, or by when there is one again.

        With the signs of capacity and pace turned it gives one back, and is never refused.
        """
        block = entered.address.block or entered.address.packed
        hashed = seals.keyed_hash(self._keys.network, b"pin" + block, size_bytes=_ADDRESS_BYTES)
        partition = hashed[0] % functions.PARTITIONS
        return partition, calls.packed(
            functions.PIN_ADDRESS,
            (functions.meta_key(partition), functions.pin_address_key(partition, hashed)),
            self._shelf.catalogue.generation,
            state.seconds(entered.at.timestamp()),
            sign * pin_tries.ADDRESS_TRIES,
            sign * pin_tries.ADDRESS_REFILL_S,
        )

    async def _try(self, entered: Entered, catalogue: Catalogue) -> Taken:
        item = catalogue.item(entered.asked)
        tenant_id, epoch, counter, partition, bucket, field = _place(item)
        at_s = state.seconds(entered.at.timestamp())
        visitor = entered.visitor[: state.VISITOR_BYTES]
        right = pins.agrees(item.facts.brand.epochs[epoch].cipher, counter, entered.pin)
        entry = PinEntry(
            try_id=ids.uuid7(entered.at),
            tenant_id=tenant_id,
            epoch=epoch,
            counter=counter,
            at_ms=int(entered.at.timestamp() * 1000),
            scan_id=entered.scan_id,
            visitor=entered.visitor,
            whence=entered.whence,
        )
        command = calls.packed(
            functions.PIN,
            (
                functions.meta_key(partition),
                functions.log_key(partition),
                bucket,
                functions.pin_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
            ),
            catalogue.generation,
            catalogue.version,
            self._entries_max,
            field,
            at_s,
            visitor,
            entered.whence,
            pin_log.encode(entry),
            int(right),
        )
        answer = await recorder.recorded(self._records, partition, command)
        outcome, opens_at_s = _OUTCOMES[answer[0]], int.from_bytes(answer[2:_HEAD_BYTES], "big")
        after = state.unpack(answer[_HEAD_BYTES:]) if len(answer) > _HEAD_BYTES else None
        return Taken(
            outcome=outcome,
            tries_left=answer[1],
            opens_at=_instant(opens_at_s) if opens_at_s > at_s else None,
            judgement=_judged(item, after, entered, at_s=at_s) if outcome is Outcome.RIGHT else None,
        )


def _place(item: Item) -> _Place:
    assert item.counted is not None  # noqa: S101 - the caller's promise
    epoch, counter = item.counted
    tenant_id = item.facts.brand.tenant_id
    partition = functions.partition_of(tenant_id, counter)
    bucket = functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter)
    return _Place(tenant_id, epoch, counter, partition, bucket, functions.field(counter))


def _judged(item: Item, after: State | None, entered: Entered, *, at_s: int) -> Judgement:
    return verdicts.judge(
        standing=item.facts.standing,
        standing_reason=item.facts.standing_reason,
        before=after,
        visitor=entered.visitor[: state.VISITOR_BYTES],
        whence=entered.whence,
        role=Role.CONSUMER,
        at_s=at_s,
        weights=item.facts.weights,
    )


def _instant(at_s: int) -> datetime:
    return datetime.fromtimestamp(state.unix_s(at_s), UTC)
