"""Who decided what about codes and keys, when and why: one list for the brand, and one for each order. It can only be read."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from flask import render_template, request

from codegen import audit, orders
from codegen.audit import Action, Wanted
from codegen.lifecycle import ranges
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes import audit_words
from web.console.codes.order_page import headed
from web.console.routes import blueprint
from web.signed_in import admits

TEXT_LENGTH_MAX = 100
DIGITS_MAX = 18
GROUPS = ("order", "range", "epoch")


@blueprint.get("/audit", endpoint="audit")
@admits(*CONSOLE_ROLES)
def audit_page() -> str:
    asked = {name: request.args.get(name, "").strip()[:TEXT_LENGTH_MAX] for name in ("action", "text", "since", "until")}
    before = request.args.get("after", "")
    is_first = not (before.isascii() and before.isdigit() and len(before) <= DIGITS_MAX)
    page = audit.page(db(), tenant_id=desk.tenant_id(), wanted=_wanted(asked), before=None if is_first else int(before))
    order_ids = {line.order_id for line in page.lines if line.order_id is not None}
    return render_template(
        "console/audit.html",
        page=page,
        asked={name: said for name, said in asked.items() if said},
        actions=audit_words.ACTIONS,
        lots={order_id: orders.find(db(), order_id, tenant_id=desk.tenant_id()).lot for order_id in order_ids},
        is_first=is_first,
    )


@blueprint.get("/orders/<uuid:order_id>/history")
@admits(*CONSOLE_ROLES)
def orders_history(order_id: UUID) -> str:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    lines = audit.of_order(db(), order_id, tenant_id=desk.tenant_id())
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order_id)
    return render_template("console/order_history.html", order=order, lines=tuple(reversed(lines)), **headed(order, states))


def _wanted(asked: dict[str, str]) -> Wanted:
    """What is no filter is none: an address typed by hand is no reason for a refusal."""
    word = asked["action"]
    if word in set(Action):
        actions = frozenset({Action(word)})
    else:
        actions = frozenset(action for action in Action if word in GROUPS and action.value.startswith(word))
    since, until = _day(asked["since"]), _day(asked["until"])
    return Wanted(
        actions=actions,
        text=asked["text"],
        since=None if since is None else _midnight(since),
        until=None if until is None else _midnight(until + timedelta(days=1)),
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found <= date(2199, 12, 31) else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), desk.zone())
