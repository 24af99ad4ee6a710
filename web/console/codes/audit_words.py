"""The lines of the audit in words: what was done, and to which codes."""

from collections.abc import Mapping
from typing import Any

from codegen.audit import Action, Line
from web.console.routes import blueprint
from web.wording import gettext as _
from web.wording import lazy, number

ACTIONS = {
    Action.ORDER_PLACED: lazy("Order placed"),
    Action.ORDER_ISSUED: lazy("Order issued"),
    Action.ORDER_CLOSED: lazy("Order closed"),
    Action.ORDER_MARKED: lazy("Mark changed"),
    Action.ORDER_REENTERED: lazy("Order entered again after a restored backup"),
    Action.RANGE_PRINTED: lazy("Marked as printed"),
    Action.RANGE_ACTIVATED: lazy("Activated"),
    Action.RANGE_FROZEN: lazy("Frozen"),
    Action.RANGE_UNFROZEN: lazy("Unfrozen"),
    Action.RANGE_RECALLED: lazy("Recalled"),
    Action.RANGE_VOIDED: lazy("Voided"),
    Action.RANGE_BOUND: lazy("Bound to a product"),
    Action.EPOCH_OPENED: lazy("Key epoch opened"),
    Action.EPOCH_REVOKED: lazy("Key epoch revoked"),
    Action.EPOCHS_REWRAPPED: lazy("Keys wrapped anew"),
    Action.EPOCHS_EXPORTED: lazy("Keys exported"),
    Action.EPOCHS_IMPORTED: lazy("Keys imported"),
    Action.WARNING_CHANGED: lazy("Warnings of copies changed"),
    Action.LINK_ADDED: lazy("Link added"),
    Action.LINK_CHANGED: lazy("Link changed"),
    Action.LINK_REMOVED: lazy("Link removed"),
    Action.LINK_HOST_ALLOWED: lazy("Links may lead to a host"),
    Action.LINK_HOST_DISALLOWED: lazy("Links may not lead to a host any more"),
    Action.LINK_VOCABULARY_DEFINED: lazy("Link vocabulary added"),
    Action.LINK_VOCABULARY_FORGOTTEN: lazy("Link vocabulary forgotten"),
    Action.API_KEY_MADE: lazy("API key made"),
    Action.API_KEY_REVOKED: lazy("API key revoked"),
}
STRETCHES_SHOWN = 3
_OF_LINKS = ("gtin", "lot", "serial", "href", "host", "prefix", "namespace")
_TONES = {
    Action.RANGE_ACTIVATED: "good",
    Action.RANGE_FROZEN: "warn",
    Action.RANGE_RECALLED: "warn",
    Action.RANGE_VOIDED: "bad",
    Action.EPOCH_REVOKED: "bad",
}


@blueprint.app_template_filter("action_name")
def action_name(action: Action) -> str:
    """An action that this page does not know yet is shown by its stable word."""
    return str(ACTIONS.get(action, action.value))


@blueprint.app_template_filter("action_tone")
def action_tone(action: Action) -> str:
    return _TONES.get(action, "")


@blueprint.app_template_filter("told")
def told(line: Line) -> str:
    """What a line says beyond its action: which codes, which lot, which epoch."""
    facts = line.facts
    said = [_rows(facts)] if "rows" in facts else []
    if line.action is Action.ORDER_PLACED and "quantity" in facts:
        said.append(_("%(codes)s codes, lot %(lot)s", codes=number(facts["quantity"]), lot=facts.get("lot", "")))
    if line.action is Action.RANGE_BOUND:
        said.append(_("to %(gtin)s, lot %(lot)s", gtin=facts.get("gtin", ""), lot=facts.get("lot", "")))
    if line.action is Action.ORDER_CLOSED and facts.get("was") == "draft":
        said.append(_("a draft was thrown away"))
    if line.action.startswith("link"):
        # The facts of a link, a host or a vocabulary are words of their own: which goods, and where it leads.
        said.append(" · ".join(str(facts[name]) for name in _OF_LINKS if facts.get(name)))
    if line.action in {Action.API_KEY_MADE, Action.API_KEY_REVOKED}:
        said.append(str(facts["name"]))
    if line.order_id is None and line.epoch is not None:
        said.append(_("epoch %(epoch)s", epoch=line.epoch))
    return "; ".join(said)


def _rows(facts: Mapping[str, Any]) -> str:
    rows = facts["rows"]
    shown = ", ".join(
        number(first) if first == last else f"{number(first)} – {number(last)}" for first, last in rows[:STRETCHES_SHOWN]
    )
    more = " …" if len(rows) > STRETCHES_SHOWN else ""
    return _("%(codes)s codes: rows %(rows)s", codes=number(facts.get("codes", 0)), rows=shown + more)
