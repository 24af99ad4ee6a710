"""The list of code orders: the newest first, with what became of their codes, and filters that stay in the address."""

from flask import render_template, request

from codegen import order_search
from codegen.kinds import Kind
from codegen.lifecycle import order_life, ranges
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState
from codegen.order_search import TEXT_LENGTH_MAX, TROUBLES, Wanted
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes.orders import KINDS, product_names
from web.console.codes.state_bars import bar
from web.console.routes import blueprint
from web.signed_in import admits

FILTERS = ("text", "gtin", "lot", "kind", "state")
BLANK = "blank"


@blueprint.get("/orders", endpoint="orders")
@admits(*CONSOLE_ROLES)
def orders_list() -> str:
    asked = {name: said for name in FILTERS if (said := request.args.get(name, "").strip()[:TEXT_LENGTH_MAX])}
    page = order_search.page(db(), tenant_id=desk.tenant_id(), wanted=wanted(asked), cursor=request.args.get("after"))
    states = ranges.states(db(), tenant_id=desk.tenant_id(), order_ids=[order.id for order in page.orders])
    decided = {order.id: states.get(order.id, ranges.UNDECIDED) for order in page.orders}
    return render_template(
        "console/orders.html",
        page=page,
        asked=asked,
        bars={order.id: bar(decided[order.id].counts(order.quantity)) for order in page.orders},
        lives={order.id: order_life.of(order, decided[order.id]) for order in page.orders},
        names=product_names(),
        kinds=KINDS,
        troubles=TROUBLES,
        is_first="after" not in request.args,
    )


def wanted(asked: dict[str, str]) -> Wanted:
    """What is no filter is none: an address typed by hand is no reason for a refusal. Pure."""
    state, kind, gtin = asked.get("state", ""), asked.get("kind", ""), asked.get("gtin", "")
    return Wanted(
        text=asked.get("text", ""),
        gtin="" if gtin == BLANK else gtin or None,
        lot=asked.get("lot", ""),
        kind=Kind(kind) if kind in {one.value for one in KINDS} else None,
        life=Life(state) if state in set(Life) else None,
        trouble=CodeState(state) if state in {one.value for one in TROUBLES} else None,
    )
