"""The packed state: its layout, its size, and that no order of scans matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanservice.hot import state
from scanservice.hot.state import Mode, Proof, Slot, State, StateMalformed, Touch

NOW_S = state.seconds(1_795_305_600)
HOME = b"\x01\x02\x03\x00\x00"

touches = st.builds(
    Touch,
    mode=st.sampled_from(Mode),
    at_s=st.integers(min_value=NOW_S, max_value=NOW_S + 600),
    visitor=st.sampled_from([bytes([n]) * 4 for n in (0, 1, 2, 3, 4, 5, 6, 7, 127, 128, 255)]),
    whence=st.sampled_from([bytes(5), HOME, b"\x01\x02\x03\x00\x07", b"\xff" * 5]),
)


def confirmed(visitor: bytes, *, at_s: int, whence: bytes = HOME) -> Touch:
    return Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=visitor, whence=whence)


def test_one_confirmed_scan_takes_24_bytes() -> None:
    once = state.touch(None, confirmed(b"anna", at_s=NOW_S))
    assert len(state.pack(once)) == 24
    assert state.unpack(state.pack(once)) == once
    assert once.slots == (Slot(visitor=b"anna", whence=HOME, first_min=NOW_S // 60, last_min=NOW_S // 60),)


def test_a_scan_that_was_only_seen_leaves_times_and_no_visitor() -> None:
    seen = state.touch(None, Touch(mode=Mode.SEEN, at_s=NOW_S, visitor=b"anna", whence=HOME))
    assert seen == State(flags=0, first_s=NOW_S, last_s=NOW_S)
    assert len(state.pack(seen)) == 9


def test_a_staff_scan_leaves_a_mark_and_no_visitor() -> None:
    staff = state.touch(None, Touch(mode=Mode.STAFF, at_s=NOW_S, visitor=b"anna", whence=HOME))
    assert staff.flags == state.FLAG_STAFF
    assert staff.slots == ()


def test_the_same_visitor_again_widens_the_slot_and_moves_to_the_new_network() -> None:
    twice = state.fold([confirmed(b"anna", at_s=NOW_S), confirmed(b"anna", at_s=NOW_S + 120, whence=b"abc\x00\x00")])
    assert twice is not None
    assert twice.slots == (Slot(visitor=b"anna", whence=b"abc\x00\x00", first_min=NOW_S // 60, last_min=NOW_S // 60 + 2),)


def test_the_earliest_visitors_are_kept_when_a_seventh_comes() -> None:
    scans = [confirmed(bytes([n]) * 4, at_s=NOW_S + 60 * n) for n in range(state.VISITORS_MAX + 3)]
    full = state.fold([*scans, Touch(mode=Mode.PROVEN, at_s=NOW_S, visitor=b"anna", whence=HOME)])
    assert full is not None
    assert [slot.visitor for slot in full.slots] == [bytes([n]) * 4 for n in range(state.VISITORS_MAX)]
    assert len(state.pack(full)) == state.BYTES_MAX


def test_a_clock_before_2020_counts_as_the_first_second() -> None:
    assert state.seconds(0) == 0
    assert state.unix_s(state.seconds(1_795_305_600)) == 1_795_305_600


@pytest.mark.parametrize("packed", [b"", b"12345678", b"1234567890", bytes(state.BYTES_MAX + 13)])
def test_another_layout_is_refused(packed: bytes) -> None:
    with pytest.raises(StateMalformed):
        state.unpack(packed)


def test_the_last_who_showed_the_pin_is_remembered_beside_the_visitors() -> None:
    anna, bert = (
        Touch(mode=Mode.PROVEN, at_s=NOW_S + at_s, visitor=who, whence=HOME) for who, at_s in ((b"anna", 0), (b"bert", 90))
    )
    proven = state.fold([confirmed(b"anna", at_s=NOW_S), bert, anna])
    assert proven is not None
    assert proven.flags == state.FLAG_PROVEN
    assert proven.proof == Proof(visitor=b"bert", at_min=NOW_S // 60 + 1)
    assert len(state.pack(proven)) == 31
    assert state.unpack(state.pack(proven)) == proven
    with pytest.raises(StateMalformed):
        state.unpack(bytes([state.FLAG_PROVEN]) + bytes(8))


@given(st.lists(touches, max_size=6))
def test_scans_of_few_visitors_give_one_state_in_any_order(scans: list[Touch]) -> None:
    shuffled = sorted(scans, key=lambda scan: (scan.visitor, scan.mode, -scan.at_s, scan.whence))
    one_by_one: State | None = None
    for scan in scans:
        one_by_one = state.touch(one_by_one, scan)
    assert state.fold(shuffled) == state.fold(scans) == one_by_one


@given(st.lists(touches, max_size=30))
def test_live_scans_in_the_order_of_time_leave_what_a_rebuild_computes(scans: list[Touch]) -> None:
    in_time = sorted(scans, key=lambda scan: scan.at_s)
    live: State | None = None
    for scan in in_time:
        live = state.touch(live, scan)
    assert live == state.fold(reversed(in_time))
