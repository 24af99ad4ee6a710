"""Chance as an argument: the only place that makes random sources."""

import random  # noqa: TID251 - the one place
import secrets


def seeded(seed: int | str) -> random.Random:
    """A repeatable source, for demos and tests. Never for secrets."""
    return random.Random(seed)  # noqa: S311


def digits(count: int) -> str:
    """`count` decimal digits that nobody can guess."""
    return f"{secrets.randbelow(10**count):0{count}d}"


def token(size_bytes: int = 16) -> str:
    """A base64url word of `size_bytes` unguessable bytes."""
    return secrets.token_urlsafe(size_bytes)
