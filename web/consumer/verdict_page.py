"""`/s/<ticket>`: what the scan of one item says. The edge sends every browser here.

Promises: shows a verdict only with a ticket of ours that is fresh; a browser that brings another visitor's cookie learns nothing of
that scan; no fact of the page needs JavaScript. Where goods may be sold is never shown.
"""

from dataclasses import dataclass

from flask import render_template
from werkzeug.wrappers import Response

from codegen import code_facts, products
from codegen.code_facts import CodeFacts
from codegen.products import Product, ProductUnknown
from scanservice.tickets import Stage
from scanservice.verdicts import Verdict
from web.app import db, parts
from web.consumer import item_path, pin_panel, places, rewards, verdict_words
from web.consumer.frame import blueprint, signed_in
from web.consumer.visits import Holder, TicketOfOther, Visit, open_visit
from web.wording import language

# Codes that we never made are not shown beside a product: that would lend them its name.
_WITHOUT_PRODUCT = frozenset({Verdict.COUNTERFEIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A product in the language of the page."""

    name: str
    gtin: str
    description: str


@blueprint.get("/s/<ticket>")
def verdict(ticket: str) -> Response | str:
    visit = open_visit(ticket)
    if visit.ticket.stage == Stage.PREVIEW:
        return _preview(visit)
    if visit.holder is Holder.OTHER:
        raise TicketOfOther
    now = parts().clock.now()
    member = signed_in(tenant_id=visit.tenant_id)
    consumer_id = None if member is None else member.consumer_id
    own = visit.holder is Holder.OWN
    facts = _facts(visit)
    return render_template(
        "consumer/verdict.html",
        visit=visit,
        brand=visit.brand,
        own=own,
        member=member,
        told=verdict_words.tell(visit.ticket.verdict, visit.ticket.reasons, now=now, zone=visit.zone),
        product=_product(visit),
        path=item_path.trace(db(), visit, facts),
        pin=pin_panel.look(visit, facts, now=now),
        reward=rewards.look(db(), visit, facts, consumer_id=consumer_id, now=now) if own else None,
        place_wanted=own and not places.refused(db(), member),
        zone=visit.zone.key,
    )


def _preview(visit: Visit) -> str:
    """What a messenger or a browser that fetched ahead is shown: no verdict, and the way to one where the ticket knows it."""
    told = verdict_words.tell(None, (), now=parts().clock.now(), zone=visit.zone)
    serial, gtin = visit.ticket.serial, visit.ticket.gtin
    address = ""
    if serial:
        address = f"/01/{gtin}/21/{serial}" if gtin else f"/{serial}"
    return render_template(
        "consumer/preview.html", visit=visit, brand=visit.brand, told=told, product=_product(visit), address=address
    )


def _facts(visit: Visit) -> CodeFacts | None:
    if visit.code is None or visit.ticket.order_id is None:
        return None
    epoch, counter = visit.code
    return code_facts.of(db(), tenant_id=visit.tenant_id, epoch=epoch, counter=counter)


def _product(visit: Visit) -> Shown | None:
    ticket = visit.ticket
    if ticket.verdict in _WITHOUT_PRODUCT or not ticket.gtin:
        return None
    try:
        found: Product = products.find(db(), tenant_id=visit.tenant_id, gtin=ticket.gtin)
    except ProductUnknown:
        return None
    name = found.name_zh if language() == "zh" and found.name_zh else found.name
    return Shown(name=name, gtin=found.gtin, description=found.description)
