"""One code order: where it stands in its life, what its codes are, the next step, and every decision that its stage allows."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, SubmitField
from wtforms.validators import Length

from codegen import orders, products
from codegen.audit import REASON_LENGTH_MAX
from codegen.code_lists import exports
from codegen.lifecycle import bindings, order_life, ranges
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState, OrderStates
from codegen.orders import CodeOrder, Stage
from codegen.products import Product
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes.order_files import DOWNLOAD_ROWS_MAX
from web.console.codes.order_words import DEEDS, TABS
from web.console.codes.state_bars import bar
from web.console.forms import DeskForm
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

# What may be decided about the codes of an order in each stage, in the order in which people come to it.
DECIDED = {
    Stage.DRAFT: (),
    Stage.ISSUED: tuple(DEEDS),
    Stage.CLOSED: (CodeState.FROZEN, CodeState.UNFROZEN, CodeState.RECALLED, CodeState.VOID),
}
_NEXT = {Life.ISSUED: CodeState.PRINTED, Life.PRINTED: CodeState.ACTIVE}
TOKENS_SHOWN = 8


class CloseForm(DeskForm):
    reason = StringField(
        lazy("Note"), [Length(max=REASON_LENGTH_MAX)], description=lazy("Kept in the history, for example who asked for it.")
    )
    submit = SubmitField(lazy("Close the order"))


@blueprint.get("/orders/<uuid:order_id>")
@admits(*CONSOLE_ROLES)
def orders_one(order_id: UUID) -> str:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order.id)
    life = order_life.of(order, states)
    counts = states.counts(order.quantity)
    bound = bindings.of_orders(db(), tenant_id=desk.tenant_id(), order_ids=[order.id]).get(order.id, ()) if order.blank else ()
    return render_template(
        "console/order.html",
        order=order,
        **headed(order, states),
        counts=counts,
        segments=bar(counts),
        decisions=list(reversed(ranges.history(db(), tenant_id=desk.tenant_id(), order_id=order.id))),
        deeds=_open_deeds(order, states),
        next_step=_NEXT.get(life),
        bound=bound,
        bound_codes=sum(one.stretch.count for one in bound),
        product_names={one.gtin: one for one in products.listing(db(), tenant_id=desk.tenant_id())} if bound else {},
        exports=exports.of_order(db(), order.id, tenant_id=desk.tenant_id()),
        new_export_id=desk.new_id(),
        downloads_at_once=order.quantity <= DOWNLOAD_ROWS_MAX,
        rows_at_once_max=DOWNLOAD_ROWS_MAX,
        shown_max=TOKENS_SHOWN,
    )


@blueprint.post("/orders/<uuid:order_id>/issue")
@admits(*CONSOLE_ROLES)
def orders_issue(order_id: UUID) -> Response:
    order_life.issue(db(), order_id, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    flash(_("The order is issued: its codes can be printed now."), "success")
    return redirect(url_for("console.orders_one", order_id=order_id))


@blueprint.route("/orders/<uuid:order_id>/close", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_close(order_id: UUID) -> Response | str | tuple[str, int]:
    """Closes an order; of a draft this is throwing it away."""
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    form = CloseForm()
    if order.stage is Stage.CLOSED:
        flash(_("This order is closed already."), "info")
        return redirect(url_for("console.orders_one", order_id=order_id))
    if form.validate_on_submit():
        order_life.close(db(), order_id, tenant_id=desk.tenant_id(), reason=form.reason.data, now=desk.now(), actor=desk.actor())
        thrown = order.stage is Stage.DRAFT
        flash(_("The draft is thrown away.") if thrown else _("The order is closed."), "success")
        return redirect(url_for("console.orders" if thrown else "console.orders_one", order_id=None if thrown else order_id))
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order.id)
    page = render_template("console/order_close.html", order=order, form=form, **headed(order, states))
    return page, 422 if form.errors else 200


def headed(order: CodeOrder, states: OrderStates) -> dict[str, object]:
    """What the head of each page about an order shows."""
    return {"product": product_of(order), "life": order_life.of(order, states), "order_tabs": TABS}


def product_of(order: CodeOrder) -> Product | None:
    return products.find(db(), tenant_id=desk.tenant_id(), gtin=order.gtin) if order.gtin else None


def _open_deeds(order: CodeOrder, states: OrderStates) -> list[CodeState]:
    """Decisions that would change something: nobody is offered to unfreeze what is not frozen."""
    pointless = {CodeState.UNFROZEN} if not states.frozen else set()
    counts = states.counts(order.quantity)
    if counts.void == order.quantity:
        return []
    if counts.inactive == 0:
        pointless.add(CodeState.PRINTED)
    if counts.inactive == counts.printed == 0:
        pointless.add(CodeState.ACTIVE)
    return [state for state in DECIDED[order.stage] if state not in pointless]
