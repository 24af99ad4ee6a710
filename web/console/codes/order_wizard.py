"""Ordering codes: the form with its live preview, a second look at the whole, and then one order, however often the button is pressed."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from codegen import orders
from codegen.kinds import Kind, Profile
from codegen.lifecycle import ranges
from codegen.marks import MarkRequestDiffers
from codegen.orders import CodeOrder, RequestDiffers, Stage
from kit import chance
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes import order_form, order_preview
from web.console.codes.order_form import OrderForm
from web.console.forms import blame, blaming
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import number

ORDER, DRAFT = "order", "draft"
_FIELDS = {
    "order_quantity": "quantity",
    "ratio_unfit": "quantity",
    "ratio_malformed": "items_per_case",
    "pallets_without_cases": "items_per_case",
    "packaging_of_items": "kind",
    "lot_malformed": "lot",
    "short_host_shared": "profile",
    "blank_not_short": "profile",
    "product_unknown": "gtin",
    "mark_malformed": "module_mm",
    "mark_without_gtin": "symbology",
    "mark_signed": "symbology",
}


@blueprint.route("/orders/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_new() -> Response | str | tuple[str, int]:
    form = order_form.prepared(gtin=request.args.get("gtin"))
    wish = request.form.get("do", "")
    if wish == "edit" or not form.validate_on_submit():
        return _shown(form)
    with blaming(form, _FIELDS, otherwise="lot"):
        if wish not in {ORDER, DRAFT}:
            _rehearse(form)
            return render_template("console/order_review.html", **order_preview.preview(form))
        try:
            order = _placed(form, stage=Stage.DRAFT if wish == DRAFT else Stage.ISSUED)
        except (RequestDiffers, MarkRequestDiffers):
            form.request_id.data = chance.token()
            blame(
                form,
                "lot",
                _("This form was sent before with other data, and that order is placed. To order these too, send it again."),
            )
            return _shown(form)
        return _done(form, order)
    return _shown(form)


@blueprint.get("/orders/new/preview")
@admits(*CONSOLE_ROLES)
def orders_new_preview() -> str:
    """A piece of the page, renewed as people type."""
    form = order_form.prepared(MultiDict(request.args))
    form.validate()
    return render_template("console/order_preview.html", **order_preview.preview(form))


def _rehearse(form: OrderForm) -> None:
    """Places the order and takes it back, so that what would be refused is said before the second look."""
    with db().begin_nested() as rehearsal:
        _placed(form, stage=Stage.DRAFT, request_id=f"rehearsal:{chance.token()}")
        rehearsal.rollback()


def _placed(form: OrderForm, *, stage: Stage, request_id: str | None = None) -> CodeOrder:
    return orders.place(
        db(),
        tenant_id=desk.tenant_id(),
        gtin=form.product(),
        quantity=form.quantity.data,
        lot=form.lot.data.strip(),
        kind=Kind(form.kind.data),
        profile=Profile(form.profile.data),
        **form.packed(),
        proofs=form.proofs(),
        mark=form.mark(),
        stage=stage,
        request_id=request_id or f"console:{form.request_id.data}",
        now=desk.now(),
        actor=desk.actor(),
    )


def _done(form: OrderForm, order: CodeOrder) -> Response:
    said = {"quantity": number(order.quantity), "lot": order.lot}
    if order.stage is Stage.DRAFT:
        flash(_("A draft of %(quantity)s codes for lot %(lot)s. Nothing is printed before you issue it.", **said), "success")
        return redirect(url_for("console.orders_one", order_id=order.id))
    if form.activate.data:
        ranges.activate(db(), tenant_id=desk.tenant_id(), order_id=order.id, now=desk.now(), actor=desk.actor())
    flash(_("%(quantity)s codes ordered for lot %(lot)s.", **said), "success")
    if form.printer.data:
        given = {"recipient": form.printer.data, "parts_of": form.parts_of.data, "label": form.label.data or None}
        return redirect(url_for("console.packages_of_order", order_id=order.id, **given))
    return redirect(url_for("console.orders_one", order_id=order.id))


def _shown(form: OrderForm) -> tuple[str, int]:
    return render_template("console/order_new.html", **order_preview.preview(form)), 422 if form.errors else 200
