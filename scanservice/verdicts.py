"""The verdict over one scan: a pure function of what the catalogue says of the code and what is remembered of it.

Promise: the edge and the ingester judge with this one function, so the answer and the record agree. A verdict says who
scanned before (you, your household, a shop, strangers), and every reason carries its value; a buyer is never punished for
what others did after them. Refused: to judge on a location, or on a bare number of scans.

Order of judgement (the first that fits): counterfeit, void, recalled, inactive, expired, consumed; then by k, the number of
distinct confirmed visitors who are neither this visitor nor of its household:
- this visitor, or its household, confirmed it before: genuine_again, unless the strangers who had been there before them were
  evidence enough of copies: who was warned once is not soothed by scanning again;
- k = 0 and no shop or staff scanned it: genuine_first;
- k > 0, and the evidence of copies (scanservice.evidence) is as strong as the product's threshold: suspect;
- else genuine_seen.
A PIN from under the scratch-off layer stands above the count: whoever entered it right holds the item, and is not warned of its copies.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from scanservice import evidence
from scanservice.evidence import Weighed, Weights
from scanservice.hot import state
from scanservice.hot.state import Mode, Proof, Slot, State

HOUSEHOLD_DAYS: Final = 7
MINUTES_KEPT: Final = 1 << 14
_HOUSEHOLD_MIN: Final = HOUSEHOLD_DAYS * 24 * 60


class Verdict(StrEnum):
    COUNTERFEIT = "counterfeit"
    VOID = "void"
    RECALLED = "recalled"
    INACTIVE = "inactive"
    EXPIRED = "expired"
    CONSUMED = "consumed"
    GENUINE_FIRST = "genuine_first"
    GENUINE_AGAIN = "genuine_again"
    GENUINE_SEEN = "genuine_seen"
    SUSPECT = "suspect"


class Standing(StrEnum):
    """What the catalogue says of a code, whoever scanned it."""

    BAD_SERIAL = "bad_serial"
    WRONG_GTIN = "wrong_gtin"
    NO_RANGE = "no_range"
    VOID = "void"
    RECALLED = "recalled"
    EPOCH_REVOKED = "epoch_revoked"
    INACTIVE = "inactive"
    FROZEN = "frozen"
    UNBOUND = "unbound"
    EXPIRED = "expired"
    ACTIVE = "active"


class Role(StrEnum):
    CONSUMER = "consumer"
    SHOP = "shop"
    STAFF = "staff"


class Signature(StrEnum):
    """What the public signature behind `?s=` says of the address that was scanned. NONE: there was none, or the order has none."""

    NONE = ""
    RIGHT = "right"
    WRONG = "wrong"


class Reason(NamedTuple):
    """A stable code with its value: a time in ISO 8601 UTC, a number, or the words of whoever decided."""

    code: str
    value: str | int | None = None


NO_MARKS: Final[tuple[Reason, ...]] = ()


class Judgement(msgspec.Struct, frozen=True, gc=False):
    verdict: Verdict
    reasons: tuple[Reason, ...]


_BY_STANDING: Final = {
    Standing.BAD_SERIAL: Verdict.COUNTERFEIT,
    Standing.WRONG_GTIN: Verdict.COUNTERFEIT,
    Standing.VOID: Verdict.VOID,
    Standing.RECALLED: Verdict.RECALLED,
    Standing.NO_RANGE: Verdict.INACTIVE,
    Standing.EPOCH_REVOKED: Verdict.VOID,
    Standing.INACTIVE: Verdict.INACTIVE,
    Standing.FROZEN: Verdict.INACTIVE,
    Standing.UNBOUND: Verdict.INACTIVE,
    Standing.EXPIRED: Verdict.EXPIRED,
}
_OUTWEIGHED: Final = frozenset({Verdict.SUSPECT, Verdict.GENUINE_SEEN})
_COUNTING: Final = frozenset({Standing.ACTIVE, Standing.EXPIRED})
UNCOUNTED: Final = frozenset({Verdict.COUNTERFEIT, Verdict.VOID, Verdict.RECALLED, Verdict.INACTIVE})


def mode(standing: Standing, role: Role, *, confirmed: bool) -> Mode:
    """How a scan enters the state.

    Whoever scans a code that is not on the market (not released, void, recalled) leaves no slot: else the warehouse that
    tried it before its release would later be the buyer's stranger.
    """
    if not confirmed or standing not in _COUNTING:
        return Mode.SEEN
    return Mode.CONFIRMED if role is Role.CONSUMER else Mode.STAFF


def recorded_mode(verdict: str, role: str, *, confirmed: bool) -> Mode:
    """The same decision, made from what the record kept. `UNCOUNTED` are exactly the verdicts of standings that do not count."""
    if not confirmed or verdict in UNCOUNTED:
        return Mode.SEEN
    return Mode.CONFIRMED if role == Role.CONSUMER else Mode.STAFF


def judge(
    *,
    standing: Standing,
    standing_reason: str = "",
    before: State | None,
    visitor: bytes,
    whence: bytes,
    role: Role,
    at_s: int,
    weights: Weights = evidence.USUAL,
) -> Judgement:
    """`visitor` and `whence` in the state's own length, `at_s` in seconds since 2020-01-01Z (scanservice.hot.state)."""
    if before is None or standing in _BY_STANDING:
        return unseen(standing, standing_reason)
    if before.flags & state.FLAG_CONSUMED:
        return Judgement(Verdict.CONSUMED, (Reason("consumed"), *_company(before.slots)))
    staff_before = bool(before.flags & state.FLAG_STAFF)
    if not before.slots and not staff_before and before.proof is None:
        return _FIRST
    who = visitor if role is Role.CONSUMER else b""
    judged = _judge_company(
        before.slots, visitor=who, whence=whence, at_min=at_s // 60, staff_before=staff_before, weights=weights
    )
    return (
        judged if before.proof is None else _proven(judged, before, before.proof, visitor=who, whence=whence, at_min=at_s // 60)
    )


def unseen(standing: Standing, standing_reason: str = "") -> Judgement:
    """Where nobody has scanned the code before."""
    decided = _BY_STANDING.get(standing)
    return _FIRST if decided is None else Judgement(decided, (Reason(standing.value, standing_reason or None),))


def marked(judgement: Judgement, signature: Signature, marks: tuple[Reason, ...] = ()) -> Judgement:
    """What the signature in the scanned address and a device's clock add: never another verdict, as the serial alone says who made it."""
    if signature is Signature.NONE:
        return judgement if not marks else Judgement(judgement.verdict, judgement.reasons + marks)
    return Judgement(judgement.verdict, (*judgement.reasons, Reason(f"signature_{signature.value}"), *marks))


def signature_in(reasons: Sequence[Reason]) -> Signature:
    """The mark that these reasons carry: the page's ticket hands it on to whatever is judged next."""
    codes = {reason.code for reason in reasons}
    return next((one for one in (Signature.WRONG, Signature.RIGHT) if f"signature_{one.value}" in codes), Signature.NONE)


_FIRST: Final = Judgement(Verdict.GENUINE_FIRST, (Reason("nobody_before"),))


def _judge_company(
    slots: Sequence[Slot], *, visitor: bytes, whence: bytes, at_min: int, staff_before: bool, weights: Weights
) -> Judgement:
    mine: Slot | None = None
    household: list[Slot] = []
    strangers: list[Slot] = []
    for slot in slots:
        if slot.visitor == visitor:
            mine = slot
        elif _shares_household(slot, whence=whence, at_min=at_min):
            household.append(slot)
        else:
            strangers.append(slot)
    reasons = list(_company(slots))
    if mine is not None:
        reasons.append(Reason("mine_first_at", _iso(mine.first_min)))
        reasons.append(Reason("mine_last_at", _iso(mine.last_min)))
    if household:
        reasons.append(Reason("household_last_at", _iso(max(slot.last_min for slot in household))))
    ours = household if mine is None else [mine, *household]
    counted = strangers
    if ours:
        since = min(slot.first_min for slot in ours)
        # Only strangers of an earlier minute: of two in the same minute nobody knows who was first, and the buyer is believed.
        counted = [slot for slot in strangers if slot.first_min < since]
    suspect = False
    if strangers:
        weighed = evidence.weigh(counted, whence=whence, at_min=at_min, rate_pm=weights.stranger_rate_pm)
        suspect = bool(counted) and weighed.score_db >= weights.suspect_at_db
        reasons.append(Reason("strangers", len(strangers)))
        reasons.extend(_told(weighed))
    if staff_before:
        reasons.append(Reason("staff_before"))
    return Judgement(_verdict(suspect=suspect, ours=bool(ours), met=bool(strangers) or staff_before), tuple(reasons))


def _proven(judged: Judgement, before: State, proof: Proof, *, visitor: bytes, whence: bytes, at_min: int) -> Judgement:
    """Who holds the item knows its PIN; a copy of the address does not.

    Whoever showed it last holds a genuine item, however many copies of its code are scanned elsewhere. Everybody else is told that another
    one did, and is not the first; what that makes of their own item only its PIN can say, so nobody is warned for it.
    """
    at = _iso(proof.at_min)
    if proof.visitor == visitor:
        outweighed = judged.verdict in _OUTWEIGHED
        reasons = (
            *judged.reasons,
            Reason("pin_right_at", at),
            *([Reason("outweighs", judged.verdict.value)] if outweighed else []),
        )
        return Judgement(Verdict.GENUINE_AGAIN if outweighed else judged.verdict, reasons)
    holder = next((slot for slot in before.slots if slot.visitor == proof.visitor), None)
    home = holder is not None and _shares_household(holder, whence=whence, at_min=at_min)
    verdict = Verdict.GENUINE_SEEN if judged.verdict is Verdict.GENUINE_FIRST else judged.verdict
    return Judgement(verdict, (*judged.reasons, Reason("pin_right_at_home" if home else "pin_right_elsewhere", at)))


def _told(weighed: Weighed) -> Iterator[Reason]:
    if weighed.unreachable:
        yield Reason("too_far_apart", weighed.unreachable)
    if weighed.together:
        yield Reason("together", weighed.together)
    if weighed.regions > 1:
        yield Reason("regions", weighed.regions)
    yield Reason("copies_odds_db", round(weighed.score_db))


def _verdict(*, suspect: bool, ours: bool, met: bool) -> Verdict:
    if suspect:
        return Verdict.SUSPECT
    if ours:
        return Verdict.GENUINE_AGAIN
    return Verdict.GENUINE_SEEN if met else Verdict.GENUINE_FIRST


def _shares_household(slot: Slot, *, whence: bytes, at_min: int) -> bool:
    network = whence[: state.NETWORK_BYTES]
    return slot.whence[: state.NETWORK_BYTES] == network != state.NETWORK_NONE and abs(at_min - slot.last_min) <= _HOUSEHOLD_MIN


def _company(slots: Sequence[Slot]) -> tuple[Reason, ...]:
    return (Reason("first_confirmed_at", _iso(slots[0].first_min)),) if slots else ()


@lru_cache(maxsize=MINUTES_KEPT)
def _iso(minute: int) -> str:
    return datetime.fromtimestamp(state.unix_s(minute * 60), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
