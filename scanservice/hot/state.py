"""What the platform remembers about one scanned code, in 9 to 106 bytes.

Layout, big-endian: flags u8, first u32, last u32 (seconds since 2020-01-01Z; any scan); where FLAG_PROVEN is set, who entered the
right PIN last: visitor u32, minute u24; then at most VISITORS_MAX slots
of confirmed visitors: visitor u32, whence u40 (network u24, place u16), first confirmed u24, last confirmed u24 (minutes since
2020-01-01Z), sorted by (first confirmed, visitor). A place is a cell of one degree (scanservice.places), 0 where it is unknown.

Promise: `merge` takes the smallest first, the largest last and the union of visitors, so its outcome does not depend on
the order of the scans; `touch` is `merge` with the state of a single scan. The Redis function does the same byte for byte,
and a rebuild from the scan log therefore gives the bytes that live scans left. That is also why a clock that stepped back
is no flag here: whoever reads the log sees it in the entry, and a flag would depend on the order.

Refused: anything that is not of this layout. A new layout is a new library name of the Redis function, never a guess.
"""

from collections.abc import Iterable
from enum import StrEnum
from struct import Struct
from typing import Final

import msgspec

EPOCH_S: Final = 1_577_836_800
VISITORS_MAX: Final = 6
VISITOR_BYTES: Final = 4
NETWORK_BYTES: Final = 3
PLACE_BYTES: Final = 2
WHENCE_BYTES: Final = NETWORK_BYTES + PLACE_BYTES
# The network of a scan that belongs to no household, such as one from the loopback address.
NETWORK_NONE: Final = bytes(NETWORK_BYTES)

FLAG_STAFF: Final = 1
FLAG_CONSUMED: Final = 2
FLAG_PROVEN: Final = 4

_HEADER: Final = Struct(">BII")
_PROOF: Final = Struct(">4s3s")
_SLOT: Final = Struct(">4s5s3s3s")
BYTES_MAX: Final = _HEADER.size + _PROOF.size + VISITORS_MAX * _SLOT.size


class Mode(StrEnum):
    """How a scan enters the state; the value is what the Redis function is given."""

    SEEN = "s"
    CONFIRMED = "c"
    STAFF = "t"
    PROVEN = "p"


class Slot(msgspec.Struct, frozen=True, gc=False):
    visitor: bytes
    whence: bytes
    first_min: int
    last_min: int


class Proof(msgspec.Struct, frozen=True, gc=False):
    """Who showed the item's PIN last, and when: the item is in their hands, or was then."""

    visitor: bytes
    at_min: int


class State(msgspec.Struct, frozen=True, gc=False):
    flags: int
    first_s: int
    last_s: int
    slots: tuple[Slot, ...] = ()
    proof: Proof | None = None


class Touch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scan as the state sees it: `at_s` counts seconds since 2020-01-01Z."""

    mode: Mode
    at_s: int
    visitor: bytes
    whence: bytes


class StateMalformed(ValueError):  # noqa: N818 - it says what the bytes are
    pass


def seconds(unix_s: float) -> int:
    """Unix time to the state's seconds. A clock set before 2020 counts as the first second of 2020."""
    return max(0, int(unix_s) - EPOCH_S)


def unix_s(at_s: int) -> int:
    return at_s + EPOCH_S


def pack(state: State) -> bytes:
    parts = [_HEADER.pack(state.flags, state.first_s, state.last_s)]
    if state.proof is not None:
        parts.append(_PROOF.pack(state.proof.visitor, state.proof.at_min.to_bytes(3, "big")))
    parts += [
        _SLOT.pack(slot.visitor, slot.whence, slot.first_min.to_bytes(3, "big"), slot.last_min.to_bytes(3, "big"))
        for slot in state.slots
    ]
    return b"".join(parts)


def unpack(packed: bytes) -> State:
    if not _HEADER.size <= len(packed) <= BYTES_MAX:
        raise StateMalformed(f"a state of {len(packed)} bytes")
    flags, first_s, last_s = _HEADER.unpack_from(packed)
    proof, slots_at = None, _HEADER.size
    if flags & FLAG_PROVEN:
        slots_at += _PROOF.size
        if len(packed) < slots_at:
            raise StateMalformed(f"a state of {len(packed)} bytes that should hold a proof")
        visitor, minute = _PROOF.unpack_from(packed, _HEADER.size)
        proof = Proof(visitor, int.from_bytes(minute, "big"))
    slots_bytes = len(packed) - slots_at
    if slots_bytes % _SLOT.size or slots_bytes > VISITORS_MAX * _SLOT.size:
        raise StateMalformed(f"a state of {len(packed)} bytes")
    if not slots_bytes:
        return State(flags, first_s, last_s, (), proof)
    # By place: names would take half of the time of a whole scan's judgement.
    slots = tuple(
        [
            Slot(visitor, whence, int.from_bytes(first, "big"), int.from_bytes(last, "big"))
            for visitor, whence, first, last in _SLOT.iter_unpack(packed[slots_at:])
        ]
    )
    return State(flags, first_s, last_s, slots, proof)


def single(touch: Touch) -> State:
    """The state of a code that was scanned once."""
    minute = touch.at_s // 60
    slots: tuple[Slot, ...] = ()
    if touch.mode is Mode.CONFIRMED:
        slots = (Slot(visitor=touch.visitor, whence=touch.whence, first_min=minute, last_min=minute),)
    return State(
        flags=_FLAG_OF.get(touch.mode, 0),
        first_s=touch.at_s,
        last_s=touch.at_s,
        slots=slots,
        proof=Proof(visitor=touch.visitor, at_min=minute) if touch.mode is Mode.PROVEN else None,
    )


_FLAG_OF: Final = {Mode.STAFF: FLAG_STAFF, Mode.PROVEN: FLAG_PROVEN}


def merge(one: State, other: State) -> State:
    return State(
        flags=one.flags | other.flags,
        first_s=min(one.first_s, other.first_s),
        last_s=max(one.last_s, other.last_s),
        slots=_earliest(one.slots + other.slots),
        proof=_latest(one.proof, other.proof),
    )


def touch(before: State | None, scan: Touch) -> State:
    return single(scan) if before is None else merge(before, single(scan))


def fold(scans: Iterable[Touch]) -> State | None:
    """The state after all these scans, whatever their order. Slots are cut once, at the end, so nothing is forgotten early."""
    flags, first_s, last_s = 0, None, 0
    slots: list[Slot] = []
    proof: Proof | None = None
    for scan in scans:
        alone = single(scan)
        flags |= alone.flags
        first_s = alone.first_s if first_s is None else min(first_s, alone.first_s)
        last_s = max(last_s, alone.last_s)
        slots.extend(alone.slots)
        proof = _latest(proof, alone.proof)
    if first_s is None:
        return None
    return State(flags=flags, first_s=first_s, last_s=last_s, slots=_earliest(slots), proof=proof)


def _latest(one: Proof | None, other: Proof | None) -> Proof | None:
    """An item passes from hand to hand: the last who showed its PIN holds it. Of two in one minute the larger visitor."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda proof: (proof.at_min, proof.visitor))


def _earliest(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    by_visitor: dict[bytes, Slot] = {}
    for slot in slots:
        known = by_visitor.get(slot.visitor)
        by_visitor[slot.visitor] = slot if known is None else _same_visitor(known, slot)
    return tuple(sorted(by_visitor.values(), key=lambda slot: (slot.first_min, slot.visitor))[:VISITORS_MAX])


def _same_visitor(one: Slot, other: Slot) -> Slot:
    # It came from where the latest scan came from; of two in one minute the larger, so that the order does not matter.
    last_min, whence = max((one.last_min, one.whence), (other.last_min, other.whence))
    return Slot(
        visitor=one.visitor,
        whence=whence,
        first_min=min(one.first_min, other.first_min),
        last_min=last_min,
    )
