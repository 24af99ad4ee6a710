"""Chance as an argument: the only place that makes random sources."""

import os
import random  # noqa: TID251 - the one place
import secrets
from collections.abc import Callable

DRAWN_AT_ONCE = 256


def seeded(seed: int | str) -> random.Random:
    """A repeatable source, for demos and tests. Never for secrets."""
    return random.Random(seed)  # noqa: S311


def digits(count: int) -> str:
    """`count` decimal digits that nobody can guess."""
    return f"{secrets.randbelow(10**count):0{count}d}"


def token(size_bytes: int = 16) -> str:
    """A base64url word of `size_bytes` unguessable bytes."""
    return secrets.token_urlsafe(size_bytes)


class Drawn:
    """Pieces of chance that nobody can guess, `size_bytes` long and drawn for many at once: to ask the system for each takes longer than using it.

    Threads never share a piece, because taking one off is a single step; a forked child draws its own.
    """

    def __init__(self, size_bytes: int, shape: Callable[[bytes], bytes]) -> None:
        """`shape` makes of a piece what is taken off."""
        self._size_bytes = size_bytes
        self._shape = shape
        self._pieces: list[bytes] = []
        os.register_at_fork(after_in_child=self._pieces.clear)

    def take(self) -> bytes:
        try:
            return self._pieces.pop()
        except IndexError:
            return self._draw()

    def _draw(self) -> bytes:
        size = self._size_bytes
        many = os.urandom(size * DRAWN_AT_ONCE)
        one, *others = (self._shape(many[at : at + size]) for at in range(0, len(many), size))
        self._pieces.extend(others)
        return one
