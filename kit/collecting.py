"""Python's cyclic garbage collector in processes that hold thousands of live objects at once, none of them garbage.

Promise: still collected is what makes cycles, only later. `put_off` is called first of all, before a process imports what it is made of, and
`settle` once, when it has loaded what it keeps for good; `settle` alone does too.
"""

import gc

# Python's own 700 has such a process look through its live objects again and again: a seventh of an edge's time, a third of an ingester's.
OBJECTS = 50_000


def put_off() -> None:
    """Collects nothing until `settle`: a start makes hundreds of thousands of objects that stay, and was looking through them a fifth of its time."""
    gc.disable()


def settle() -> None:
    """Sets aside what there is now, so that no collection looks at it again, and collects seldom from here on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()
