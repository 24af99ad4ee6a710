"""What rows of an order are: how many codes of which kind, and in which states, before somebody decides about them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from msgspec.structs import replace

from codegen.kinds import Kind
from codegen.lifecycle.intervals import Stretches
from codegen.lifecycle.package_runs import Run
from codegen.lifecycle.ranges import CodeState, OrderStates
from codegen.orders import CodeOrder


def by_kind(order: CodeOrder, runs: Iterable[Run]) -> Mapping[Kind, int]:
    """How many codes of each kind, the outermost last; kinds without any are left out."""
    runs = list(runs)
    if order.packaging is None:
        return {order.kind: sum(last - first + 1 for first, last in runs)}
    found = {
        block.kind: sum(max(0, min(last - 1, block.last) - max(first - 1, block.first) + 1) for first, last in runs)
        for block in order.packaging.blocks
    }
    return {kind: codes for kind, codes in found.items() if codes}


def by_state(order: CodeOrder, states: OrderStates, runs: Sequence[Run]) -> Mapping[CodeState, int]:
    """How many codes are in each state; states without any are left out. `runs` are rows, sorted and apart."""
    totals: dict[CodeState, int] = {}
    for first, last in runs:
        counters = {"first": order.first_counter + first - 1, "last": order.first_counter + last - 1}
        clipped = OrderStates(**{state.value: _clipped(stretches, **counters) for state, stretches in states.worst_first()})
        counts = clipped.counts(last - first + 1)
        for one in fields(counts):
            state = CodeState(one.name)
            totals[state] = totals.get(state, 0) + getattr(counts, one.name)
    return {state: codes for state, codes in totals.items() if codes}


def _clipped(stretches: Stretches, *, first: int, last: int) -> Stretches:
    return tuple(
        replace(one, first=max(one.first, first), last=min(one.last, last))
        for one in stretches
        if one.first <= last and first <= one.last
    )
