"""Canaries: where they stand, how many, and that another package has them elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.print_packages.guarding import canaries

KEY = bytes(range(16))


@given(st.integers(1, 5000), st.binary(max_size=40))
def test_places_are_distinct_rows_of_the_file_and_the_same_at_every_look(rows: int, purpose: bytes) -> None:
    wanted = min(rows, 40)
    found = canaries.places(KEY, purpose=purpose, rows=rows, canaries=wanted)
    assert len(set(found)) == wanted
    assert all(0 <= place < rows for place in found)
    assert found == canaries.places(KEY, purpose=purpose, rows=rows, canaries=wanted)


def test_all_places_together_are_a_permutation() -> None:
    for rows in (1, 2, 3, 64, 65, 1000):
        assert sorted(canaries.places(KEY, purpose=b"", rows=rows, canaries=rows)) == list(range(rows))


def test_another_recipient_or_key_has_them_elsewhere() -> None:
    mine = canaries.places(KEY, purpose=b"a", rows=10**6, canaries=1000)
    theirs = canaries.places(KEY, purpose=b"b", rows=10**6, canaries=1000)
    assert len(set(mine) & set(theirs)) < 20
    assert len(set(mine) & set(canaries.places(KEY[::-1], purpose=b"a", rows=10**6, canaries=1000))) < 20


def test_they_are_spread_over_the_whole_file() -> None:
    found = canaries.places(KEY, purpose=b"a", rows=10**9, canaries=1000)
    tenths = [sum(place * 10 // 10**9 == tenth for place in found) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 150


def test_limits() -> None:
    assert [canaries.usual(codes) for codes in (1, 2, 100, 10_000, 10**8)] == [1, 2, 2, 10, 1000]
    for codes, wanted in ((10, 11), (10**6, 1001), (10, -1)):
        with pytest.raises(canaries.CanariesOutOfLimits):
            canaries.checked(wanted, codes=codes)
    with pytest.raises(ValueError, match="do not fit"):
        canaries.places(KEY, purpose=b"", rows=3, canaries=4)
