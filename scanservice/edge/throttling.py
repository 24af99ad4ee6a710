"""Token buckets: for each address that asks for codes we never made (a person mistypes a few, a forger tries thousands), or reports scans.

Promises: memory is bounded, and the address longest silent is forgotten first. Each edge counts for itself, so with n edges an
address has at most n times as much. Refused past the bucket: 429 with the seconds until the next try.
"""

from collections import OrderedDict
from typing import ClassVar, Final

from kit.refusals import TooMany

BURST: Final = 30
REFILL_PER_S: Final = 0.5
ADDRESSES_MAX: Final = 1 << 16


class TooManyInvalid(TooMany):
    code: ClassVar[str] = "too_many_invalid"
    says: ClassVar[str] = "Too many codes that do not exist from this address. Try again in {retry_after_s} seconds."


class Buckets:
    """Keys are packed address blocks (an IPv6 customer has a whole /56), or visitors where no address is known."""

    def __init__(
        self,
        *,
        burst: int = BURST,
        refill_per_s: float = REFILL_PER_S,
        addresses_max: int = ADDRESSES_MAX,
        refusal: type[TooMany] = TooManyInvalid,
    ) -> None:
        self._refusal = refusal
        self._burst = burst
        self._refill_per_s = refill_per_s
        self._addresses_max = addresses_max
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def take(self, key: bytes, *, now_s: float, count: int = 1) -> None:
        """All of `count`, or none."""
        tokens, since_s = self._buckets.pop(key, (float(self._burst), now_s))
        # Devices name the times of their scans: an earlier one must not set the clock back, or each pair of scans fills the bucket.
        now_s = max(now_s, since_s)
        tokens = min(self._burst, tokens + (now_s - since_s) * self._refill_per_s)
        if tokens < count:
            self._buckets[key] = (tokens, now_s)
            self.refused += 1
            raise self._refusal(retry_after_s=int((count - tokens) / self._refill_per_s) + 1)
        self._buckets[key] = (tokens - count, now_s)
        if len(self._buckets) > self._addresses_max:
            self._buckets.popitem(last=False)
