"""One code order: its facts, the states of its rows and who decided them, and the two decisions: activate, void."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, SubmitField
from wtforms.validators import Length

from codegen import exports, intervals, orders, products, ranges
from codegen.audit import REASON_LENGTH_MAX
from codegen.orders import CodeOrder
from codegen.ranges import RangeChange
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk, labels
from web.console.forms import DeskForm, blame, blaming, count_field, needed
from web.console.order_files import DOWNLOAD_ROWS_MAX
from web.console.routes import blueprint
from web.console.state_bars import bar
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy, number


class ActivateForm(DeskForm):
    """Rows of an order, counted from 1 as in the lines of its file."""

    first = count_field(lazy("From row"))
    last = count_field(lazy("To row"))
    reason = StringField(
        lazy("Note"), [Length(max=REASON_LENGTH_MAX)], description=lazy("Kept in the history, for example a delivery note.")
    )
    submit = SubmitField(lazy("Activate these codes"))


class VoidForm(DeskForm):
    first = count_field(lazy("From row"))
    last = count_field(lazy("To row"))
    reason = StringField(
        lazy("Reason"), [needed(), Length(max=REASON_LENGTH_MAX)], description=lazy("For example: misprinted, stolen, destroyed.")
    )
    lot = StringField(
        lazy("Type the lot to confirm"),
        [needed()],
        description=lazy("Void is for ever: nobody can make these codes valid again."),
        render_kw={"autocomplete": "off"},
    )
    submit = SubmitField(lazy("Void these codes"))


@blueprint.route("/orders/<uuid:order_id>", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_one(order_id: UUID) -> Response | str | tuple[str, int]:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    activating = ActivateForm(prefix="activate", data={"first": 1, "last": order.quantity})
    # What cannot be undone is not filled in beforehand.
    voiding = VoidForm(prefix="void")
    change = None
    if activating.submit.data and activating.validate_on_submit():
        change = _activate(order, activating)
    elif voiding.submit.data and voiding.validate_on_submit():
        change = _void(order, voiding)
    if change is not None:
        _announce(change)
        return redirect(url_for("console.orders_one", order_id=order_id))
    status = 422 if activating.errors or voiding.errors else 200
    return _page(order, activating=activating, voiding=voiding), status


def _activate(order: CodeOrder, form: ActivateForm) -> RangeChange | None:
    decided = ranges.states(db(), tenant_id=desk.tenant_id(), order_ids=[order.id]).get(order.id, ranges.UNDECIDED)
    first, last = (order.first_counter + row - 1 for row in (form.first.data, form.last.data))
    if first <= last and intervals.covers(decided.void, first=first, last=last):
        blame(form, "last", _("All of these codes are void, and void is for ever."))
        return None
    with blaming(form, {"reason_too_long": "reason"}, otherwise="last"):
        return ranges.activate(
            db(),
            tenant_id=desk.tenant_id(),
            order_id=order.id,
            first=form.first.data,
            last=form.last.data,
            reason=form.reason.data,
            now=desk.now(),
            actor=desk.actor(),
        )
    return None


def _void(order: CodeOrder, form: VoidForm) -> RangeChange | None:
    if form.lot.data.strip() != order.lot:
        blame(form, "lot", _("This is not the lot of this order, which is %(lot)s.", lot=order.lot))
        return None
    with blaming(form, {"reason_too_long": "reason"}, otherwise="last"):
        return ranges.void(
            db(),
            tenant_id=desk.tenant_id(),
            order_id=order.id,
            first=form.first.data,
            last=form.last.data,
            reason=form.reason.data,
            now=desk.now(),
            actor=desk.actor(),
        )
    return None


def _announce(change: RangeChange) -> None:
    rows = {"first": number(change.first), "last": number(change.last), "state": labels.STATES[change.state]}
    if change.changed:
        flash(_("Rows %(first)s to %(last)s: %(state)s.", **rows), "success")
    else:
        flash(_("Rows %(first)s to %(last)s were %(state)s already. Nothing was changed.", **rows), "info")


def _page(order: CodeOrder, *, activating: ActivateForm, voiding: VoidForm) -> str:
    counts = ranges.counts(db(), tenant_id=desk.tenant_id(), orders=[order])[order.id]
    return render_template(
        "console/order.html",
        order=order,
        product=products.find(db(), tenant_id=desk.tenant_id(), gtin=order.gtin) if order.gtin else None,
        counts=counts,
        segments=bar(counts),
        history=list(reversed(ranges.history(db(), tenant_id=desk.tenant_id(), order_id=order.id))),
        exports=exports.of_order(db(), order.id, tenant_id=desk.tenant_id()),
        new_export_id=desk.new_id(),
        downloads_at_once=order.quantity <= DOWNLOAD_ROWS_MAX,
        rows_at_once_max=DOWNLOAD_ROWS_MAX,
        activating=activating,
        voiding=voiding,
    )
