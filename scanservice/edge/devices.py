"""Who reports scans by `/v1/scans`: anybody as a consumer, and who brings an API key as what the key says.

Promises: only a key's holder is believed about a role, about the address of a phone for which it asks, and about the time at which
a device without a connection read the code; how late and how wrong such a clock was is marked. Each edge counts a key's scans, and those
of an address without one, for itself. Refused: unknown and revoked keys, scopes that the key lacks, codes of another brand than the key's, and times that no clock
explains.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from kit.refusals import Forbidden, Invalid, TooMany
from scanservice import api_keys, visitors
from scanservice.api_keys import ApiKey, KeyRefused, Scope
from scanservice.catalogue import Catalogue
from scanservice.edge.http import Request
from scanservice.edge.throttling import Buckets
from scanservice.verdicts import Reason, Role
from scanservice.visitors import Address

# A device that was away longer than this has lost its scans' use: nobody judges by them any more.
LATE_MAX: Final = timedelta(days=30)
AHEAD_MAX: Final = timedelta(minutes=5)
# A clock that is further off is broken, and its times say nothing.
SKEW_MAX: Final = timedelta(days=1)
# Less is what networks and batches take.
MARKED_S_MIN: Final = 60
BURST_MIN: Final = 1000
# From one address. Whoever reports for many has a key.
SCANS_PER_S_WITHOUT_KEY: Final = 5.0
KEYS_KEPT: Final = 1 << 12
# The longest of IPv6, with IPv4 at its end and a zone.
ADDRESS_CHARS_MAX: Final = 64


class KeyNeeded(KeyRefused):
    code: ClassVar[str] = "key_needed"
    says: ClassVar[str] = "Only an API key may say this: {members}."


class KeyOfAnother(Forbidden):
    code: ClassVar[str] = "key_of_another"
    says: ClassVar[str] = "This API key belongs to another brand than the code."


class TimeOutside(Invalid):
    code: ClassVar[str] = "time_outside"
    says: ClassVar[str] = (
        "A scan's own time lies at most {late_days} days back and {ahead_min} minutes ahead, and has an offset from UTC."
    )


class ClockBroken(Invalid):
    code: ClassVar[str] = "clock_broken"
    says: ClassVar[str] = "The device's clock is more than {hours} hours off. Set it, and send the scans again."


class AddressMalformed(Invalid):
    code: ClassVar[str] = "address_malformed"
    says: ClassVar[str] = "`ip` is no IP address."


class VisitorMissing(Invalid):
    code: ClassVar[str] = "visitor_missing"
    says: ClassVar[str] = "An app names its user by `visitor_id`: else all its users would be one visitor."


class KeyBusy(TooMany):
    code: ClassVar[str] = "key_busy"
    says: ClassVar[str] = "This API key reports at most {scans_per_s} scans a second. Try again in {retry_after_s} seconds."


class AddressBusy(TooMany):
    code: ClassVar[str] = "address_busy"
    says: ClassVar[str] = (
        "Too many scans were reported from this address without an API key. Try again in {retry_after_s} seconds, or use a key."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a report says of itself beyond the code."""

    role: Role
    visitor_id: str
    ip: str
    scanned_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Whoever sent a request. `clock_off` is how far its clock is behind ours."""

    key: ApiKey | None
    clock_off: timedelta = timedelta()

    def serves(self, tenant_id: int) -> None:
        if self.key is not None and self.key.tenant_id != tenant_id:
            raise KeyOfAnother

    def allow(self, claims: Claims) -> None:
        if self.key is None:
            told = [
                name
                for name, is_told in (
                    ("role", claims.role is not Role.CONSUMER),
                    ("ip", bool(claims.ip)),
                    ("scanned_at", claims.scanned_at is not None),
                )
                if is_told
            ]
            if told:
                raise KeyNeeded(members=", ".join(told))
            return
        self.key.require(api_keys.scope_of(claims.role))
        if claims.scanned_at is not None:
            self.key.require(Scope.OFFLINE)
        if claims.role is Role.CONSUMER and not claims.visitor_id:
            raise VisitorMissing

    def address(self, claims: Claims, sender: Address) -> Address:
        """The phone's own, where it can be known: a server that reports for its users is no household of theirs."""
        if self.key is None:
            return sender
        if not claims.ip:
            return visitors.NOWHERE
        # What was read is remembered, so that nobody may send a long one.
        named = visitors.address(claims.ip) if len(claims.ip) <= ADDRESS_CHARS_MAX else visitors.NOWHERE
        if not named.packed:
            raise AddressMalformed
        return named

    def visitor_id(self, claims: Claims) -> str:
        """Staff and shops may leave it out: the key's name is enough of a person."""
        if self.key is None or claims.visitor_id:
            return claims.visitor_id
        return f"key {self.key.id}"

    def scanned_at(self, claims: Claims, *, now: datetime) -> tuple[datetime, tuple[Reason, ...]]:
        """When the code was read by our clock, and what of it is to be marked."""
        if claims.scanned_at is None:
            return now, ()
        if claims.scanned_at.tzinfo is None:
            raise _outside()
        # The limits are moved, and the time only within them: at the ends of the calendar it cannot be.
        if not now - LATE_MAX - self.clock_off <= claims.scanned_at <= now + AHEAD_MAX - self.clock_off:
            raise _outside()
        at = claims.scanned_at + self.clock_off
        late_s, skew_s = int((now - at).total_seconds()), int(self.clock_off.total_seconds())
        marks = [Reason("reported_late_s", late_s)] if late_s >= MARKED_S_MIN else []
        if abs(skew_s) >= MARKED_S_MIN:
            marks.append(Reason("clock_skew_s", skew_s))
        return min(at, now), tuple(marks)


def _outside() -> TimeOutside:
    return TimeOutside(late_days=LATE_MAX.days, ahead_min=int(AHEAD_MAX.total_seconds() // 60))


class Devices:
    """Finds the key of a request, and counts what it reports."""

    def __init__(self) -> None:
        self._without_key = Buckets(burst=BURST_MIN, refill_per_s=SCANS_PER_S_WITHOUT_KEY, refusal=AddressBusy)
        self._tokens: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def of(self, request: Request, catalogue: Catalogue, *, sent_at: datetime | None, now: datetime) -> Device:
        """`sent_at` is the device's own time when it sent the request: the difference to ours corrects its scans' times."""
        secret = api_keys.bearer(request.headers.get(b"authorization"))
        if secret is None:
            return Device(key=None)
        key = catalogue.api_keys.get(api_keys.digest(secret))
        if key is None:
            raise KeyRefused
        if sent_at is None:
            return Device(key=key)
        if sent_at.tzinfo is None:
            raise _outside()
        off = now - sent_at
        if abs(off) > SKEW_MAX:
            raise ClockBroken(hours=int(SKEW_MAX.total_seconds() // 3600))
        return Device(key=key, clock_off=off)

    def count(self, device: Device, scans: int, *, address: Address, now: datetime) -> None:
        """Takes a token for each scan; a whole batch is refused, or none of it. `address`: who sent it."""
        now_s = now.timestamp()
        if device.key is None:
            # A scan id is remembered for an hour, and a single code has a single partition of the log. This machine itself is nobody's address.
            if address.block:
                self._without_key.take(address.share, now_s=now_s, count=scans)
            return
        burst = max(BURST_MIN, device.key.scans_per_s)
        tokens, since_s = self._tokens.pop(device.key.id, (float(burst), now_s))
        tokens = min(burst, tokens + max(0.0, now_s - since_s) * device.key.scans_per_s)
        enough = tokens >= scans
        self._tokens[device.key.id] = (tokens - scans if enough else tokens, now_s)
        if len(self._tokens) > KEYS_KEPT:
            self._tokens.popitem(last=False)
        if not enough:
            retry_after_s = int((scans - tokens) / device.key.scans_per_s) + 1
            raise KeyBusy(scans_per_s=device.key.scans_per_s, retry_after_s=retry_after_s)
