"""Stretches: the earliest decision stays, counts are right, against sets of single counters."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from codegen.lifecycle import intervals
from codegen.lifecycle.intervals import Stretch
from codegen.lifecycle.ranges import CodeState, OrderStates
from tests.codegen.conftest import NOW

SPAN = 40


def stretch(first: int, last: int, reason: str = "") -> Stretch:
    return Stretch(first=first, last=last, reason=reason, decided_by="alice", decided_at=NOW)


ends = st.tuples(st.integers(0, SPAN - 1), st.integers(0, SPAN - 1)).map(lambda pair: (min(pair), max(pair)))
decisions = st.lists(ends, max_size=8).map(
    lambda pairs: [stretch(first, last, reason=str(place)) for place, (first, last) in enumerate(pairs)]
)


@given(decisions)
def test_each_counter_keeps_its_earliest_decision(given_decisions: list[Stretch]) -> None:
    kept = intervals.disjoint(given_decisions)
    for n in range(SPAN):
        earliest = next((one for one in given_decisions if one.first <= n <= one.last), None)
        found = intervals.at(kept, n)
        assert (found and found.reason) == (earliest and earliest.reason)
    assert all(one.last < following.first for one, following in itertools.pairwise(kept))


@given(decisions, ends)
def test_coverage_is_that_of_the_single_counters(given_decisions: list[Stretch], wanted: tuple[int, int]) -> None:
    covered = {n for one in given_decisions for n in range(one.first, one.last + 1)}
    kept = intervals.disjoint(given_decisions)
    assert intervals.covers(kept, first=wanted[0], last=wanted[1]) == (set(range(wanted[0], wanted[1] + 1)) <= covered)


@given(decisions, decisions, decisions)
def test_states_and_counts_agree_with_every_single_counter(
    active: list[Stretch], recalled: list[Stretch], void: list[Stretch]
) -> None:
    states = OrderStates(active=intervals.disjoint(active), recalled=intervals.disjoint(recalled), void=intervals.disjoint(void))
    each = [states.at(n)[0] for n in range(SPAN)]
    counts = states.counts(SPAN)
    assert [each.count(state) for state in (CodeState.INACTIVE, CodeState.ACTIVE, CodeState.RECALLED, CodeState.VOID)] == [
        counts.inactive,
        counts.active,
        counts.recalled,
        counts.void,
    ]
