"""What the brand knows of an item's way, as a buyer may see it.

Promises: facts alone, each with its day; partners are named by their kind and never by name or territory, and what the buyer did
themself is told only to their own browser. Refuses to guess: a code of which nothing is known has an empty path.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from codegen.code_facts import CodeFacts
from codegen.lifecycle.ranges import CodeState
from supplychain import shipments
from web.consumer.visits import Holder, Visit
from web.wording import gettext as _

# A lot that is shipped in many parts would fill the page; the latest are what a buyer can place.
SHIPMENTS_SHOWN_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: datetime
    said: str
    mine: bool = False


def trace(session: Session, visit: Visit, facts: CodeFacts | None) -> tuple[Step, ...]:
    """Steps of the item, earliest first."""
    if facts is None:
        return ()
    steps = [*_made(visit, facts), *_shipped(session, visit, facts), *_own(visit)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _made(visit: Visit, facts: CodeFacts) -> Iterable[Step]:
    yield Step(at=facts.order.created_at, said=_("Code issued for lot %(lot)s", lot=visit.ticket.lot or facts.lot))
    told: set[CodeState] = set()
    words = {
        CodeState.ACTIVE: _("Released for sale"),
        CodeState.RECALLED: _("Recalled by the brand"),
        CodeState.VOID: _("Code declared void"),
    }
    for decision in facts.decisions:
        if decision.state in words and decision.state not in told:
            told.add(decision.state)
            yield Step(at=decision.stretch.decided_at, said=words[decision.state])


def _shipped(session: Session, visit: Visit, facts: CodeFacts) -> Iterable[Step]:
    path = shipments.path_of(session, facts.order, facts.counter, tenant_id=visit.tenant_id, lot=visit.ticket.lot)
    for shipment in path[-SHIPMENTS_SHOWN_MAX:]:
        yield Step(at=shipment.shipped_at, said=_("Shipped to a distribution partner of the brand"))


def _own(visit: Visit) -> Iterable[Step]:
    if visit.holder is not Holder.OWN:
        return
    known = {reason.code: reason.value for reason in visit.ticket.reasons}
    first = known.get("mine_first_at")
    if first is not None:
        yield Step(at=datetime.fromisoformat(str(first)), said=_("First checked by you"), mine=True)
    yield Step(at=visit.checked_at, said=_("Your check now"), mine=True)
