"""Rows and what goes along with them: inner codes, contents, and the packages that they fill."""

import numpy as np
import pytest

from codegen.lifecycle import package_runs
from codegen.packaging import Packaging

# 24 items with inner codes, 6 cases of 4, 3 pallets of 2: rows 1-24 outer, 25-48 inner, 49-54 cases, 55-57 pallets.
PACKED = Packaging(items=24, inner=True, items_per_case=4, cases_per_pallet=2)


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        ((1, 3), [(1, 3), (25, 27)]),  # a part of a case: its inner codes, not the case
        ((1, 4), [(1, 4), (25, 28), (49, 49)]),  # a whole case
        ((3, 8), [(3, 8), (27, 32), (50, 50)]),  # the case that is whole among them
        ((1, 8), [(1, 8), (25, 32), (49, 50), (55, 55)]),  # and the pallet of the two
        ((50, 50), [(5, 8), (29, 32), (50, 50)]),  # a case takes what is inside
        ((49, 50), [(1, 8), (25, 32), (49, 50), (55, 55)]),
        ((57, 57), [(17, 24), (41, 48), (53, 54), (57, 57)]),  # a pallet too
        ((25, 26), [(1, 2), (25, 26)]),  # the inner code is the item's
        ((24, 25), [(1, 1), (24, 25), (48, 48)]),  # over a border of kinds
        ((1, 57), [(1, 57)]),
    ],
)
def test_rows_take_along_what_belongs_to_them(rows: tuple[int, int], runs: list[tuple[int, int]]) -> None:
    assert package_runs.along(PACKED, first=rows[0], last=rows[1]) == runs


def test_rows_of_a_plain_order_are_what_they_are() -> None:
    assert package_runs.along(None, first=3, last=9) == [(3, 9)]
    assert package_runs.codes([(3, 9), (11, 11)]) == 8


def test_a_billion_items_are_arithmetic() -> None:
    huge = Packaging(items=960_000_000, items_per_case=24, cases_per_pallet=40)
    assert package_runs.along(huge, first=1, last=960_000_000) == [(1, huge.codes)]


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_a_walk_through_the_tree(seed: int) -> None:
    chance = np.random.default_rng(seed)
    packaging = Packaging(
        items=48,
        inner=bool(chance.integers(2)),
        items_per_case=(4, 6)[chance.integers(2)],
        cases_per_pallet=(None, 2, 4)[chance.integers(3)],
    )
    first, last = sorted(int(row) for row in chance.integers(1, packaging.codes, size=2, endpoint=True))
    held = set(range(first - 1, last))
    while True:
        down = {child for place in held for child in packaging.children_of(place)}
        twins = {twin for place in held if (twin := packaging.twin_of(place)) is not None}
        up = {
            parent
            for place in held
            if (parent := packaging.parent_of(place)) is not None and set(packaging.children_of(parent)) <= held
        }
        more = held | down | twins | up
        if more == held:
            break
        held = more
    runs = package_runs.along(packaging, first=first, last=last)
    assert {row - 1 for top, end in runs for row in range(top, end + 1)} == held
