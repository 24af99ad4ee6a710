"""States folded by the thousand are those that `state.fold` makes one by one, whatever was folded before."""

from collections.abc import Iterable, Sequence
from struct import Struct

from hypothesis import given
from hypothesis import strategies as st

from scanservice.hot import state
from scanservice.hot.state import Mode, Touch
from scanservice.ingest import folding, kept_states
from scanservice.ingest.folding import Folded, Kind
from tests.scanservice.test_state import NOW_S, touches

CODE = Struct(">hqB")
SCAN = Struct(">qq4s5s")
SINCE_2000_S = state.EPOCH_S - 946_684_800
KIND = {Mode.SEEN: Kind.SEEN, Mode.CONFIRMED: Kind.CONFIRMED, Mode.STAFF: Kind.STAFF, Mode.PROVEN: Kind.PROVEN}

histories = st.dictionaries(
    st.tuples(st.integers(0, 30), st.integers(0, (1 << 40) - 1)),
    st.lists(touches, min_size=1, max_size=30),
    min_size=1,
    max_size=6,
)

# Mostly confirmed, by more visitors than a state keeps, so that cutting too early shows.
crowds = st.lists(
    st.builds(
        Touch,
        mode=st.sampled_from([Mode.SEEN, Mode.STAFF, *[Mode.CONFIRMED] * 9]),
        at_s=st.integers(min_value=NOW_S, max_value=NOW_S + 6000),
        visitor=st.integers(0, 14).map(lambda number: bytes([number]) * 4),
        whence=st.sampled_from([bytes(5), b"\x01\x02\x03\x00\x07"]),
    ),
    min_size=20,
    max_size=60,
)


def pieces(code: tuple[int, int], scans: Iterable[Touch], packed: bytes = b"") -> bytes:
    """What PostgreSQL would send of a code: its scans, and a state that was folded earlier."""
    made = []
    for scan in scans:
        at = (scan.at_s + SINCE_2000_S) * 1_000_000 + 999_999
        made.append(CODE.pack(*code, KIND[scan.mode]) + SCAN.pack(at, at, scan.visitor, scan.whence))
    if packed:
        made.append(CODE.pack(*code, Kind.HEAD) + packed[:9] + bytes(16))
        made += [CODE.pack(*code, Kind.SLOT) + packed[at : at + 15] + bytes(10) for at in range(9, len(packed), 15)]
    return b"".join(made)


def states(folded: Folded) -> dict[tuple[int, int], bytes]:
    codes = [(code >> 40, code & (1 << 40) - 1) for code in folded.codes.tolist()]
    return dict(zip(codes, folded.packed, strict=True))


def expected(scans: Iterable[Touch]) -> bytes:
    folded = state.fold(scans)
    assert folded is not None
    return state.pack(folded)


@given(histories)
def test_many_codes_at_once_have_the_bytes_of_one_by_one(history: dict[tuple[int, int], list[Touch]]) -> None:
    block = b"".join(pieces(code, history[code]) for code in sorted(history))
    assert states(folding.fold(block, slots_max=state.VISITORS_MAX)) == {code: expected(history[code]) for code in history}


@given(crowds, st.data())
def test_folding_month_by_month_in_any_order_is_folding_all_at_once(scans: list[Touch], data: st.DataObject) -> None:
    months = [data.draw(st.integers(0, 3)) for _ in scans]
    kept = b""
    for month in data.draw(st.permutations(range(3))):
        of_month = [scan for scan, its in zip(scans, months, strict=True) if its == month]
        # Twice, as after a month that was folded and got a late scan.
        for _ in range(2):
            kept = fold_one(of_month, kept, slots_max=kept_states.SLOTS_MAX) if of_month or kept else b""
    left = [scan for scan, its in zip(scans, months, strict=True) if its == 3]
    assert fold_one(left, kept, slots_max=state.VISITORS_MAX) == expected(scans)


def test_two_halves_cut_to_six_visitors_lack_what_one_of_them_did_last() -> None:
    """Why more are kept than Redis keeps: in the second half, six others come before Anna."""
    others = [Touch(mode=Mode.CONFIRMED, at_s=6000 + n, visitor=bytes([n]) * 4, whence=bytes(5)) for n in range(6)]
    anna = [Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=b"anna", whence=bytes(5)) for at_s in (60, 9000)]
    first, second = (state.unpack(expected(half)) for half in (anna[:1], [*others, anna[1]]))
    assert state.pack(state.merge(first, second)) != expected([*anna, *others])
    kept = fold_one([*others, anna[1]], b"", slots_max=kept_states.SLOTS_MAX)
    assert fold_one(anna[:1], kept, slots_max=state.VISITORS_MAX) == expected([*anna, *others])


def test_what_a_scan_met_of_a_kept_state_is_what_was_there_by_then() -> None:
    scans = [
        Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=bytes([at_s % 251]) * 4, whence=bytes(5)) for at_s in (600, 1200, 1800)
    ]
    kept = state.fold(scans)
    assert kept is not None
    assert kept_states.met(kept, at_s=5000) == kept
    assert kept_states.met(kept, at_s=599) is None
    assert kept_states.met(kept, at_s=1300) == state.merge(
        state.single(scans[0]),
        state.merge(state.single(scans[1]), state.single(Touch(mode=Mode.SEEN, at_s=1300, visitor=b"", whence=b""))),
    )


def fold_one(scans: Sequence[Touch], packed: bytes, *, slots_max: int) -> bytes:
    (folded,) = folding.fold(pieces((0, 7), scans, packed), slots_max=slots_max).packed
    return folded
