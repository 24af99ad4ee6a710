import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import ids

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS)
def test_an_id_holds_its_instant_to_the_millisecond(now: datetime) -> None:
    made = ids.uuid7(now)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert abs(ids.instant_of(made) - now) <= timedelta(milliseconds=1)


@given(INSTANTS)
def test_later_ids_sort_after_earlier_ones(now: datetime) -> None:
    assert ids.uuid7(now) < ids.uuid7(now + timedelta(milliseconds=2))


def test_ids_of_one_instant_differ() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert len({ids.uuid7(now) for _ in range(1000)}) == 1000


def test_a_forked_child_draws_chance_of_its_own() -> None:
    program = (
        "import os; from kit import ids; ids.uuid7_at(0); child = os.fork(); child and os.waitpid(child, 0);"
        " print(ids.uuid7_at(0), flush=True)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(said)) == 2


def test_other_versions_hold_no_instant() -> None:
    with pytest.raises(ValueError, match="no UUID version 7"):
        ids.instant_of(uuid4())


def test_the_layout_is_that_of_rfc_9562() -> None:
    """Appendix A.6 of the RFC gives this id for Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00."""
    example = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert ids.instant_of(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
