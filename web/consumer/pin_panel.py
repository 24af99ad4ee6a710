"""The field "scratch and enter" on the page of a code that has a PIN, and what came of what was entered.

Promises: shown only where the order's codes have PINs and to the browser that scanned; what the address of the page says of a try is shown as
words and times of ours, never as text of its own. The PIN itself is sent to the edge, and comes back in nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from flask import request

from codegen.code_facts import CodeFacts
from scanservice.verdicts import Verdict
from web.consumer.visits import Holder, Visit

LEFT_MAX = 9
# A far time in an address somebody made up is no time at all.
UNTIL_AHEAD_S_MAX = 3 * 24 * 3600
_WITHOUT = frozenset({Verdict.COUNTERFEIT, Verdict.VOID, Verdict.INACTIVE})


class Stand(StrEnum):
    """How far it has come."""

    ASK = "ask"
    RIGHT = "right"
    WRONG = "wrong"
    MALFORMED = "malformed"
    LOCKED = "locked"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPanel:
    """`left` wrong tries come without a wait; `until` None: the next may come now."""

    stand: Stand
    left: int | None = None
    until: datetime | None = None


def look(visit: Visit, facts: CodeFacts | None, *, now: datetime) -> PinPanel | None:
    """None: there is no PIN to ask for."""
    ticket = visit.ticket
    if facts is None or visit.holder is not Holder.OWN or ticket.verdict in _WITHOUT:
        return None
    if not facts.order.proofs.asks_pin(facts.kind):
        return None
    if any(reason.code == "pin_right_at" for reason in ticket.reasons):
        return PinPanel(stand=Stand.RIGHT)
    said = request.args.get("pin", "")
    stand = Stand(said) if said in {Stand.WRONG, Stand.MALFORMED, Stand.LOCKED, Stand.BUSY} else Stand.ASK
    left, until_s = request.args.get("left", type=int), request.args.get("until", type=int)
    ahead_s = 0 if until_s is None else until_s - int(now.timestamp())
    return PinPanel(
        stand=stand,
        left=left if left is not None and 0 <= left <= LEFT_MAX else None,
        until=datetime.fromtimestamp(until_s, UTC) if until_s is not None and 0 < ahead_s <= UNTIL_AHEAD_S_MAX else None,
    )
