"""Python's cyclic garbage collector in processes that hold thousands of live objects at once, none of them garbage.

Promise: still collected is what makes cycles, only later. Called once, when a process has loaded what it keeps for good.
"""

import gc

# Python's own 700 has such a process look through its live objects again and again: a seventh of an edge's time, a third of an ingester's.
OBJECTS = 50_000


def settle() -> None:
    """Sets aside what there is now, so that no collection looks at it again, and collects seldom from here on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)
