"""Many scans become the states of their codes at once, in numpy: the same bytes that `state.fold` and `state.pack` give, code by code.

A scan travels as a piece of PIECE_BYTES bytes, which PostgreSQL makes (scanservice.ingest.pieces): whose code, what kind, and a body
whose meaning the kind says. A state that was folded earlier comes back as pieces too, one for its head and one for each of its slots.

Promises: the outcome does not depend on the order of the pieces of a code; slots are cut once, at the end. Pieces of one code stand
together, and a block holds all of them. Refused: nothing; who hands in other bytes gets other states.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scanservice.hot import state


class Kind(IntEnum):
    """SEEN, CONFIRMED and STAFF are scans as `verdicts.recorded_mode` tells them apart, PROVEN a right PIN; the others were states."""

    SEEN = 0
    CONFIRMED = 1
    STAFF = 2
    PROVEN = 3
    HEAD = 4
    SLOT = 5


COUNTER_BITS: Final = 40
_CODE: Final = [("epoch", ">i2"), ("counter", ">i8"), ("kind", "u1")]
_WHO: Final = [("visitor", ">u4"), ("whence_high", "u1"), ("whence_low", ">u4")]
_MINUTES: Final = [("first_high", "u1"), ("first_low", ">u2"), ("last_high", "u1"), ("last_low", ">u2")]
_HEADER: Final = np.dtype([("flags", "u1"), ("first", ">u4"), ("last", ">u4")])
_SLOT: Final = np.dtype([*_WHO, *_MINUTES])
_PROOF: Final = np.dtype([("visitor", ">u4"), ("high", "u1"), ("low", ">u2")])
# Times as PostgreSQL sends them: microseconds since 2000. `first` is when it was scanned, `last` when it was confirmed.
_SCAN_PIECE: Final = np.dtype([*_CODE, ("first", ">i8"), ("last", ">i8"), *_WHO])
_HEAD_PIECE: Final = np.dtype([*_CODE, *((name, _HEADER[name]) for name in _HEADER.names or ()), ("rest", "V16")])
_SLOT_PIECE: Final = np.dtype([*_CODE, *_WHO, *_MINUTES, ("rest", "V10")])
PIECE_BYTES: Final = _SCAN_PIECE.itemsize
assert {_HEAD_PIECE.itemsize, _SLOT_PIECE.itemsize} == {PIECE_BYTES}  # noqa: S101 - three readings of the same bytes
CODE_BYTES: Final = 10
HEAD_BYTES: Final = _HEADER.itemsize
SLOT_BYTES: Final = _SLOT.itemsize

_POSTGRES_EPOCH_S: Final = 946_684_800
_NEVER: Final = 1 << 62
_WHENCE_BITS: Final = 8 * state.WHENCE_BYTES
_VISITOR_BITS: Final = 8 * state.VISITOR_BYTES
_FLAGS: Final = np.zeros(len(Kind), dtype=np.uint8)
_FLAGS[Kind.STAFF] = state.FLAG_STAFF
_FLAGS[Kind.PROVEN] = state.FLAG_PROVEN

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """States in the order of their codes; `codes` are `epoch << COUNTER_BITS | counter`."""

    codes: Ints
    packed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slots:
    """Sorted by owner (the number of the code), first minute and visitor, and cut."""

    owner: Ints
    rank: Ints
    packed: Bytes


def fold(block: bytes, *, slots_max: int) -> Folded:
    """Of each code the earliest `slots_max` visitors."""
    scans = np.frombuffer(block, _SCAN_PIECE)
    kind = scans["kind"]
    code = scans["epoch"].astype(np.int64) << COUNTER_BITS | scans["counter"].astype(np.int64)
    begins = np.flatnonzero(np.concatenate(([True], code[1:] != code[:-1])))
    owner = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(code))))
    seen_s, confirmed_s = _seconds(scans["first"]), _seconds(scans["last"])
    header = _header(block, kind, begins, seen_s, confirmed_s)
    slots = _slots(block, kind, owner, confirmed_s // 60, slots_max=slots_max)
    proofs = _proofs(scans, kind, owner, confirmed_s // 60, codes=len(begins))
    return Folded(codes=code[begins], packed=_joined(header, proofs, slots))


def _seconds(sent: npt.NDArray[Any]) -> Ints:
    """As `state.seconds`: what lies before 2020 is its first second."""
    since = sent.astype(np.int64) // 1_000_000 + (_POSTGRES_EPOCH_S - state.EPOCH_S)
    return np.maximum(since, 0)


def _header(block: bytes, kind: Bytes, begins: Ints, seen_s: Ints, confirmed_s: Ints) -> npt.NDArray[Any]:
    flags = _FLAGS[kind]
    first, last = np.minimum(seen_s, confirmed_s), np.maximum(seen_s, confirmed_s)
    heads = kind == Kind.HEAD
    if heads.any():
        read = np.frombuffer(block, _HEAD_PIECE)[heads]
        flags[heads], first[heads], last[heads] = read["flags"], read["first"], read["last"]
        slots = kind == Kind.SLOT
        first[slots], last[slots] = _NEVER, 0
    header = np.empty(len(begins), _HEADER)
    header["flags"] = np.bitwise_or.reduceat(flags, begins)
    header["first"] = np.minimum.reduceat(first, begins)
    header["last"] = np.maximum.reduceat(last, begins)
    return header


def _slots(block: bytes, kind: Bytes, owner: Ints, minute: Ints, *, slots_max: int) -> _Slots:
    new, known = kind == Kind.CONFIRMED, kind == Kind.SLOT
    scans = np.frombuffer(block, _SCAN_PIECE)[new]
    whose, visitor, whence = owner[new], scans["visitor"].astype(np.int64), _whence(scans)
    first = last = minute[new]
    if known.any():
        read = np.frombuffer(block, _SLOT_PIECE)[known]
        whose = np.concatenate((whose, owner[known]))
        visitor = np.concatenate((visitor, read["visitor"].astype(np.int64)))
        whence = np.concatenate((whence, _whence(read)))
        first = np.concatenate((first, read["first_high"].astype(np.int64) << 16 | read["first_low"]))
        last = np.concatenate((last, read["last_high"].astype(np.int64) << 16 | read["last_low"]))
    if not len(whose):
        return _Slots(owner=whose, rank=whose, packed=np.empty((0, SLOT_BYTES), np.uint8))
    # One slot for each visitor of a code: the first minute, and where the latest came from; of two in one minute the larger.
    order = np.lexsort((visitor, whose))
    whose, visitor = whose[order], visitor[order]
    begins = np.flatnonzero(np.concatenate(([True], (whose[1:] != whose[:-1]) | (visitor[1:] != visitor[:-1]))))
    latest = np.maximum.reduceat((last[order] << _WHENCE_BITS) | whence[order], begins)
    first = np.minimum.reduceat(first[order], begins)
    whose, visitor = whose[begins], visitor[begins]
    order = np.lexsort((first << _VISITOR_BITS | visitor, whose))
    rank = np.arange(len(whose)) - np.searchsorted(whose, whose)
    order = order[rank < slots_max]
    return _Slots(
        owner=whose[order],
        rank=rank[rank < slots_max],
        packed=_packed_slots(visitor[order], first[order], latest[order]),
    )


def _whence(read: npt.NDArray[Any]) -> Ints:
    high: Ints = read["whence_high"].astype(np.int64)
    return high << 32 | read["whence_low"].astype(np.int64)


def _packed_slots(visitor: Ints, first: Ints, latest: Ints) -> Bytes:
    packed = np.empty(len(visitor), _SLOT)
    whence, last = latest & ((1 << _WHENCE_BITS) - 1), latest >> _WHENCE_BITS
    packed["visitor"] = visitor
    packed["whence_high"], packed["whence_low"] = whence >> 32, whence & 0xFFFFFFFF
    packed["first_high"], packed["first_low"] = first >> 16, first & 0xFFFF
    packed["last_high"], packed["last_low"] = last >> 16, last & 0xFFFF
    return packed.view(np.uint8).reshape(-1, SLOT_BYTES)


def _proofs(scans: npt.NDArray[Any], kind: Bytes, owner: Ints, minute: Ints, *, codes: int) -> npt.NDArray[Any]:
    """The latest right PIN of each code; of two in one minute the larger visitor."""
    proven = kind == Kind.PROVEN
    latest = np.zeros(codes, dtype=np.int64)
    np.maximum.at(latest, owner[proven], minute[proven] << _VISITOR_BITS | scans["visitor"][proven].astype(np.int64))
    packed = np.empty(codes, _PROOF)
    packed["visitor"] = latest & ((1 << _VISITOR_BITS) - 1)
    packed["high"], packed["low"] = latest >> (_VISITOR_BITS + 16), latest >> _VISITOR_BITS & 0xFFFF
    return packed


def _joined(header: npt.NDArray[Any], proofs: npt.NDArray[Any], slots: _Slots) -> tuple[bytes, ...]:
    codes = len(header)
    proven = (header["flags"] & state.FLAG_PROVEN) != 0
    slots_at = HEAD_BYTES + _PROOF.itemsize * proven.astype(np.int64)
    ends = np.cumsum(slots_at + SLOT_BYTES * np.bincount(slots.owner, minlength=codes))
    begins = np.concatenate(([0], ends[:-1]))
    out = np.empty(int(ends[-1]), np.uint8)
    out[begins[:, None] + np.arange(HEAD_BYTES)] = header.view(np.uint8).reshape(-1, HEAD_BYTES)
    if proven.any():
        proof_bytes = proofs[proven].view(np.uint8).reshape(-1, _PROOF.itemsize)
        out[begins[proven][:, None] + np.arange(HEAD_BYTES, HEAD_BYTES + _PROOF.itemsize)] = proof_bytes
    at = begins[slots.owner] + slots_at[slots.owner] + SLOT_BYTES * slots.rank
    out[at[:, None] + np.arange(SLOT_BYTES)] = slots.packed
    return tuple(_cut(out.tobytes(), begins.tolist(), ends.tolist()))


def _cut(whole: bytes, begins: list[int], ends: list[int]) -> Iterator[bytes]:
    return (whole[begin:end] for begin, end in zip(begins, ends, strict=True))
