"""What the brand knows of an item's way, as a buyer may see it.

Promises: facts alone, each with its day; partners are named by their kind and never by name or territory, and what the buyer did
themself is told only to their own browser. Refuses to guess: a code of which nothing is known has an empty path.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from codegen import orders
from codegen.lifecycle import ranges
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


def trace(session: Session, visit: Visit) -> tuple[Step, ...]:
    """Steps of the item, earliest first."""
    if visit.code is None or visit.ticket.order_id is None:
        return ()
    steps = [*_made(session, visit), *_shipped(session, visit), *_own(visit)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _made(session: Session, visit: Visit) -> Iterable[Step]:
    epoch, counter = visit.code or (0, 0)
    order = orders.at(session, tenant_id=visit.tenant_id, epoch=epoch, counter=counter)
    if order is None:
        return
    yield Step(at=order.created_at, said=_("Code issued for lot %(lot)s", lot=visit.ticket.lot or order.lot))
    told: set[CodeState] = set()
    words = {
        CodeState.ACTIVE: _("Released for sale"),
        CodeState.RECALLED: _("Recalled by the brand"),
        CodeState.VOID: _("Code declared void"),
    }
    for decision in ranges.history(session, tenant_id=visit.tenant_id, order_id=order.id):
        if decision.state in words and decision.state not in told and decision.stretch.first <= counter <= decision.stretch.last:
            told.add(decision.state)
            yield Step(at=decision.stretch.decided_at, said=words[decision.state])


def _shipped(session: Session, visit: Visit) -> Iterable[Step]:
    epoch, counter = visit.code or (0, 0)
    path = shipments.path_of(session, tenant_id=visit.tenant_id, lot=visit.ticket.lot, epoch=epoch, counter=counter)
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
