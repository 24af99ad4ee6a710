"""The bar that shows how many codes of an order are in which state. Pure: widths in thousandths of the bar."""

from dataclasses import dataclass

from codegen.lifecycle.ranges import CodeState, StateCounts

WIDTH = 1000
# However few codes a state has, a marketer must see that there are some.
WIDTH_MIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    state: CodeState
    count: int
    x: int
    width: int


def bar(counts: StateCounts) -> tuple[Segment, ...]:
    """Segments that fill the bar from left to right: active, frozen, recalled, void, printed, inactive; none for a state without codes."""
    present = [
        (state, count)
        for state, count in (
            (CodeState.ACTIVE, counts.active),
            (CodeState.FROZEN, counts.frozen),
            (CodeState.RECALLED, counts.recalled),
            (CodeState.VOID, counts.void),
            (CodeState.PRINTED, counts.printed),
            (CodeState.INACTIVE, counts.inactive),
        )
        if count
    ]
    total = sum(count for _, count in present)
    widths = [max(WIDTH_MIN, count * WIDTH // total) for _, count in present]
    widths[widths.index(max(widths))] += WIDTH - sum(widths)
    segments = []
    x = 0
    for (state, count), width in zip(present, widths, strict=True):
        segments.append(Segment(state=state, count=count, x=x, width=width))
        x += width
    return tuple(segments)
