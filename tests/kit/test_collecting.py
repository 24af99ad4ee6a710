import gc
from collections.abc import Iterator

import pytest

from kit import collecting


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


def test_nothing_is_collected_between_the_start_and_the_end_of_loading() -> None:
    collecting.put_off()
    assert not gc.isenabled()
    collecting.settle()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == collecting.OBJECTS
    assert gc.get_freeze_count()
