"""Limits on how often somebody may try, counted in Redis so that every process counts together.

Promises: a name of any length and content takes the same few bytes there, and nobody who reads Redis finds addresses in it.
When Redis is away the answer is Unavailable: a limit that nobody counts is no limit.
"""

import hashlib
from typing import ClassVar

from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from kit.clock import Clock
from kit.refusals import TooMany, Unavailable

KEY_PREFIX = "throttle"
NAME_BYTES = 16


class TriedTooOften(TooMany):
    code: ClassVar[str] = "tried_too_often"
    says: ClassVar[str] = "Too many tries. Wait {retry_after_s} seconds and try again."


class Throttle:
    """`take("sign_in", email, at_most="5/15 minutes")` counts a try, or refuses it with the seconds to wait."""

    def __init__(self, redis_url: str, clock: Clock) -> None:
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(RedisStorage(redis_url, key_prefix=KEY_PREFIX))

    def take(self, action: str, whom: str, *, at_most: str) -> None:
        item, name = parse(at_most), _name(whom)
        try:
            allowed = self._limiter.hit(item, action, name)
        except RedisError as gone:
            raise Unavailable("The queue server does not answer.") from gone
        if not allowed:
            raise self._refusal(item, action, name)

    def check(self, action: str, whom: str, *, at_most: str) -> None:
        """Refuses without counting."""
        item, name = parse(at_most), _name(whom)
        try:
            allowed = self._limiter.test(item, action, name)
        except RedisError as gone:
            raise Unavailable("The queue server does not answer.") from gone
        if not allowed:
            raise self._refusal(item, action, name)

    def _refusal(self, item: RateLimitItem, action: str, name: str) -> TriedTooOften:
        window = self._limiter.get_window_stats(item, action, name)
        wait_s = int(window.reset_time - self._clock.now().timestamp()) + 1
        return TriedTooOften(retry_after_s=max(1, min(item.get_expiry(), wait_s)))


def _name(whom: str) -> str:
    return hashlib.blake2b(whom.encode("utf-8", "surrogatepass"), digest_size=NAME_BYTES).hexdigest()
