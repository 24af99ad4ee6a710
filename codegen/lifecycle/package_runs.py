"""What goes along with rows of a packed order: their other codes, what is inside them, and the cases and pallets that they fill.

Promises: of the rows that were given every row stays; down, whatever is inside a given case or pallet, and the inner code of each item; up,
a case or pallet alone when everything inside it is among the rows, so that a case half of whose items are void stays valid. Without packaging
rows are what they are. Rows are counted from 1. Pure: packaging is arithmetic, and so is this, whatever the quantity.
"""

from collections.abc import Iterable
from itertools import pairwise

from codegen.kinds import Kind
from codegen.packaging import Block, Packaging

Run = tuple[int, int]

_DOWN = (Kind.PALLET, Kind.CASE, Kind.ITEM_OUTER, Kind.ITEM_INNER)


def along(packaging: Packaging | None, *, first: int, last: int) -> list[Run]:
    """Runs of rows, sorted and apart, that hold rows `first` to `last` and everything that goes along with them."""
    if packaging is None:
        return [(first, last)]
    blocks = {block.kind: block for block in packaging.blocks}
    # Within a block: (first, last) places counted from the block's own beginning.
    held = {kind: _within(block, first=first - 1, last=last - 1) for kind, block in blocks.items()}
    if Kind.ITEM_INNER in blocks:
        # Both codes of an item are one item.
        held[Kind.ITEM_OUTER] = held[Kind.ITEM_INNER] = _merged([*held[Kind.ITEM_OUTER], *held[Kind.ITEM_INNER]])
    packed = [kind for kind in _DOWN if kind in blocks and kind is not Kind.ITEM_INNER]
    ratios = {upper: blocks[lower].per_parent for upper, lower in pairwise(packed)}
    for upper, lower in pairwise(packed):
        inside = [(top * ratios[upper], end * ratios[upper] + ratios[upper] - 1) for top, end in held[upper]]
        held[lower] = _merged([*held[lower], *inside])
    for lower, upper in pairwise(packed[::-1]):
        held[upper] = _merged([*held[upper], *_filled(held[lower], per_parent=ratios[upper])])
    if Kind.ITEM_INNER in blocks:
        held[Kind.ITEM_INNER] = held[Kind.ITEM_OUTER]
    rows = [(block.first + top + 1, block.first + end + 1) for kind, block in blocks.items() for top, end in held[kind]]
    return _merged(rows)


def codes(runs: Iterable[Run]) -> int:
    return sum(last - first + 1 for first, last in runs)


def _within(block: Block, *, first: int, last: int) -> list[Run]:
    top, end = max(first, block.first), min(last, block.last)
    return [(top - block.first, end - block.first)] if top <= end else []


def _filled(runs: Iterable[Run], *, per_parent: int) -> list[Run]:
    """The parents that are whole inside the runs."""
    found = ((-(-first // per_parent), (last + 1) // per_parent - 1) for first, last in runs)
    return [(first, last) for first, last in found if first <= last]


def _merged(runs: Iterable[Run]) -> list[Run]:
    """Sorted; what overlaps or touches is one."""
    found: list[Run] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
