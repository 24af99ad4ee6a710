"""Code orders: the list, and the form for a new one with what it will make."""

from collections.abc import Mapping
from decimal import Decimal

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from codegen import digital_link, orders, products, ranges, symbols
from codegen.cipher import SERIAL_LENGTH
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.listing import HEADER
from codegen.orders import LOT_LENGTH_MAX, QUANTITY_MAX, CodeOrder, RequestDiffers
from codegen.symbols import QUIET_ZONE
from kit import chance
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk, labels
from web.console.forms import DeskForm, blame, blaming, count_field, needed, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import language, lazy, number

# Kinds that a marketer orders by hand. Canaries are drawn by the system into the files of one recipient.
KINDS = (Kind.ITEM_OUTER, Kind.ITEM_INNER, Kind.CASE, Kind.PALLET, Kind.SPARE)
MODULE_MM = Decimal("0.4")
BYTES_PER_MB = 1_000_000
_SERIAL_LIKE = "0" * SERIAL_LENGTH
_FIELDS = {"order_quantity": "quantity", "lot_malformed": "lot", "short_host_shared": "profile", "product_unknown": "gtin"}


class OrderForm(DeskForm):
    """`request_id` is drawn when the form is shown: sent twice, it is still one order."""

    request_id = HiddenField(validators=[needed()])
    gtin = SelectField(lazy("Product"))
    quantity = count_field(
        lazy("How many"),
        description=lazy("From 1 to 1,000,000,000. An order is for one lot; order again at any time."),
    )
    lot = StringField(
        lazy("Lot"),
        [needed(), Length(max=100)],
        description=lazy("The production batch: up to 20 letters, digits, '.', '_' or '-'."),
        render_kw={"autocomplete": "off", "maxlength": LOT_LENGTH_MAX},
    )
    kind = SelectField(
        lazy("Printed on"),
        choices=options({kind.value: labels.KINDS[kind] for kind in KINDS}),
        description=lazy(
            "An inside code is under a cap or in a pack and seen only after opening; an outside code is seen in the shop."
        ),
    )
    profile = RadioField(
        lazy("How the address is written"),
        choices=options(
            {
                Profile.GS1.value: lazy("GS1 Digital Link: names the product too, so that tills and other apps can read it"),
                Profile.SHORT.value: lazy("Short: a smaller symbol for tiny marks such as bottle caps"),
            }
        ),
        default=Profile.GS1.value,
    )
    activate = BooleanField(
        lazy("Activate at once"),
        description=lazy("Otherwise scans say 'not released' until you activate the codes, best when the goods leave the plant."),
    )
    submit = SubmitField(lazy("Order codes"))


def product_names() -> Mapping[str, str]:
    """By GTIN, in the reader's language."""
    return {
        product.gtin: (product.name_zh if language() == "zh" else "") or product.name
        for product in products.listing(db(), tenant_id=desk.tenant_id())
    }


def product_options() -> list[SelectChoice]:
    return options({gtin: f"{name} · {gtin}" for gtin, name in product_names().items()})


@blueprint.route("/orders/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_new() -> Response | str | tuple[str, int]:
    form = _form()
    if not form.validate_on_submit():
        return _shown(form)
    with blaming(form, _FIELDS, otherwise="lot"):
        try:
            order = _placed(form)
        except RequestDiffers:
            form.request_id.data = chance.token()
            blame(
                form,
                "lot",
                _("This form was sent before with other data, and that order is placed. To order these too, send it again."),
            )
            return _shown(form)
        if form.activate.data:
            ranges.activate(db(), tenant_id=desk.tenant_id(), order_id=order.id, now=desk.now(), actor=desk.actor())
        flash(_("%(quantity)s codes ordered for lot %(lot)s.", quantity=number(order.quantity), lot=order.lot), "success")
        return redirect(url_for("console.orders_one", order_id=order.id))
    return _shown(form)


def _placed(form: OrderForm) -> CodeOrder:
    return orders.place(
        db(),
        tenant_id=desk.tenant_id(),
        gtin=form.gtin.data,
        quantity=form.quantity.data,
        lot=form.lot.data,
        kind=Kind(form.kind.data),
        profile=Profile(form.profile.data),
        request_id=f"console:{form.request_id.data}",
        now=desk.now(),
        actor=desk.actor(),
    )


@blueprint.get("/orders/new/forecast")
@admits(*CONSOLE_ROLES)
def orders_new_forecast() -> str:
    """What the half-filled form would make: a piece of the page, renewed as people type."""
    form = _form(request.args)
    form.validate()
    return render_template("console/order_forecast.html", **_forecast(form))


def _form(typed: Mapping[str, str] | None = None) -> OrderForm:
    form = OrderForm(typed) if typed is not None else OrderForm(gtin=request.args.get("gtin"))
    form.gtin.choices = product_options()
    form.request_id.data = form.request_id.data or chance.token()
    return form


def _shown(form: OrderForm) -> tuple[str, int]:
    return render_template("console/order_new.html", form=form, **_forecast(form)), 422 if form.errors else 200


def _forecast(form: OrderForm) -> dict[str, object]:
    """The order in figures, as far as the fields say: sizes of the file and of the printed symbol."""
    quantity = form.quantity.data or 0
    gtin = Gtin(str(form.gtin.data))
    profile = Profile(form.profile.data) if form.profile.data in set(Profile) else Profile.GS1
    names = product_names()
    if not 1 <= quantity <= QUANTITY_MAX or gtin not in names:
        return {"forecast": None}
    uri = digital_link.build(desk.brand().scan_origin, gtin, _SERIAL_LIKE, profile)
    version = symbols.version(uri)
    modules = 17 + 4 * version
    line_bytes = len(f"{uri},{_SERIAL_LIKE},{gtin},{form.lot.data or ''},{form.kind.data},,\n")
    return {
        "forecast": {
            "quantity": quantity,
            "product": names[gtin],
            "lot": form.lot.data or "…",
            "active": form.activate.data,
            "uri": uri,
            "version": version,
            "modules": modules,
            "symbol_mm": modules * MODULE_MM,
            "whole_mm": (modules + 2 * QUIET_ZONE) * MODULE_MM,
            "module_mm": MODULE_MM,
            "file_mb": (len(HEADER) + quantity * line_bytes) / BYTES_PER_MB,
        }
    }
