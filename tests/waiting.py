"""Waiting for what another process does: on the condition itself, never for a fixed while."""

import time
from collections.abc import Callable
from typing import TypeVar

LOOK_EVERY_S = 0.01
GIVE_UP_AFTER_S = 120.0  # far beyond any honest wait, so that a slow machine fails nothing

T = TypeVar("T")


def until(condition: Callable[[], T], what: str) -> T:
    """The first true answer of `condition`."""
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        time.sleep(LOOK_EVERY_S)
    return answer
