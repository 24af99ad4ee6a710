"""Decisions about the codes of an order: which rows, what goes along with them, why; looked at once more, then done.

Promises: nothing is changed before the page has said how many codes of which kind it concerns and what they are now; what is for ever
asks for the lot, typed. Sent twice, a decision is one: the second finds everything so already.
"""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import Length

from codegen import orders
from codegen.audit import REASON_LENGTH_MAX
from codegen.lifecycle import package_runs, ranges, run_counts
from codegen.lifecycle.package_runs import Run
from codegen.lifecycle.ranges import CodeState, OrderStates
from codegen.orders import CodeOrder
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes import order_words
from web.console.codes.order_page import DECIDED, headed
from web.console.codes.order_words import DEEDS
from web.console.forms import DeskForm, blame, blaming, count_field, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy, number

ALL, ROWS = "all", "rows"
_FIELDS = {"reason_too_long": "reason", "rows_outside_order": "last", "range_voided": "which"}


class DecisionForm(DeskForm):
    """Rows are counted from 1, as in the lines of the order's file."""

    which = RadioField(
        lazy("Which codes"),
        choices=options({ALL: lazy("All codes of this order"), ROWS: lazy("Rows, from and to")}),
        default=ROWS,
    )
    first = count_field(lazy("From row"), needs=False)
    last = count_field(lazy("To row"), needs=False)
    along = BooleanField(
        lazy("With everything that belongs to them"),
        description=lazy(
            "Both codes of an item, what is inside a case or pallet, and cases and pallets that lie wholly among the rows."
        ),
        default=True,
    )
    reason = StringField(lazy("Reason"), [Length(max=REASON_LENGTH_MAX)])
    lot = StringField(lazy("Type the lot to confirm"), [Length(max=100)], render_kw={"autocomplete": "off"})


@blueprint.route("/orders/<uuid:order_id>/decide/<state>", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_decide(order_id: UUID, state: str) -> Response | str | tuple[str, int]:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    if state not in set(CodeState) or CodeState(state) not in DEEDS:
        raise NotFound
    wanted = CodeState(state)
    if wanted not in DECIDED[order.stage]:
        flash(_("This cannot be decided while the order is a draft, or when it is closed."), "warning")
        return redirect(url_for("console.orders_one", order_id=order_id))
    form = DecisionForm()
    runs = _runs(order, form, wanted) if form.validate_on_submit() else None
    if runs is None or not _leaves_a_choice(order, form, wanted, runs):
        return _asked(order, form, wanted)
    if "do" not in request.form or not _confirmed(order, form, wanted):
        return _asked(order, form, wanted, runs)
    with blaming(form, _FIELDS, otherwise="which"):
        changed = ranges.decide_runs(
            db(),
            wanted,
            tenant_id=desk.tenant_id(),
            order_id=order.id,
            runs=runs,
            reason=form.reason.data,
            now=desk.now(),
            actor=desk.actor(),
        )
        _announce(wanted, changed)
        return redirect(url_for("console.orders_one", order_id=order_id))
    return _asked(order, form, wanted)


def _runs(order: CodeOrder, form: DecisionForm, wanted: CodeState) -> list[Run] | None:
    """The rows that are meant, or None with the fault beside its field."""
    missing = [name for name in ("first", "last") if form.which.data != ALL and form[name].data is None]
    if DEEDS[wanted].needs_reason and not form.reason.data.strip():
        missing.append("reason")
    for name in missing:
        blame(form, name, _("Please fill this in."))
    if missing:
        return None
    if form.which.data == ALL:
        return [(1, order.quantity)]
    first, last = form.first.data, form.last.data
    with blaming(form, _FIELDS, otherwise="last"):
        ranges.checked_rows(first=first, last=last, quantity=order.quantity)
        return package_runs.along(order.packaging if form.along.data else None, first=first, last=last)
    return None


def _leaves_a_choice(order: CodeOrder, form: DecisionForm, wanted: CodeState, runs: list[Run]) -> bool:
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order.id)
    if wanted is CodeState.VOID or set(run_counts.by_state(order, states, runs)) != {CodeState.VOID}:
        return True
    blame(form, "which", _("All of these codes are void, and void is for ever."))
    return False


def _confirmed(order: CodeOrder, form: DecisionForm, wanted: CodeState) -> bool:
    if not DEEDS[wanted].for_ever or form.lot.data.strip() == order.lot:
        return True
    blame(form, "lot", _("This is not the lot of this order, which is %(lot)s.", lot=order.lot))
    return False


def _announce(state: CodeState, changed: int) -> None:
    if changed:
        flash(_("%(decision)s: done for %(codes)s codes.", decision=DEEDS[state].name, codes=number(changed)), "success")
    else:
        flash(_("%(decision)s: these codes were so already. Nothing was changed.", decision=DEEDS[state].name), "info")


def _asked(order: CodeOrder, form: DecisionForm, wanted: CodeState, runs: list[Run] | None = None) -> tuple[str, int]:
    """The question, or with `runs` what it comes to, to be confirmed."""
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order.id)
    form.reason.description = DEEDS[wanted].reason_help
    form.last.description = order_words.rows_of(order)
    review = None if runs is None else _review(order, states, runs)
    page = render_template(
        "console/order_decide.html",
        order=order,
        form=form,
        deed=DEEDS[wanted],
        state=wanted,
        review=review,
        **headed(order, states),
    )
    return page, 422 if form.errors else 200


def _review(order: CodeOrder, states: OrderStates, runs: list[Run]) -> dict[str, object]:
    return {
        "runs": runs,
        "codes": package_runs.codes(runs),
        "by_kind": run_counts.by_kind(order, runs),
        "by_state": run_counts.by_state(order, states, runs),
    }
