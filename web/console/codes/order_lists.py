"""Decisions about single codes, given as a list: pasted, scanned into the field, or as a file. Void them, or bind blank ones to a product.

Promises: the list is read whole and looked at before anything is done; a line that is no code of the brand refuses all of it, with its number.
Refuses lists that are longer than a form carries: those are for the command line, or rows of an order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length

from codegen import orders
from codegen.audit import REASON_LENGTH_MAX
from codegen.code_lists import serial_lists
from codegen.code_lists.serial_lists import Listed
from codegen.lifecycle import bindings, kill_switch, package_runs, ranges
from codegen.lifecycle.bindings import Scene, Target
from codegen.orders import CodeOrder
from kit.refusals import Invalid
from web.accounts import CONSOLE_ROLES
from web.app import FORM_BYTES_MAX, db, parts
from web.console import desk
from web.console.codes import order_words
from web.console.codes.order_page import headed
from web.console.codes.orders import product_options
from web.console.forms import DeskForm, blame, blaming, count_field, needed, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy, number

LISTED_MAX = 20_000
LINE_LENGTH_MAX = 2_000
FILE_BYTES_MAX = 4 << 20
ROWS, LIST = "rows", "list"
SCENES = {
    Scene.VERIFY: lazy("Check: is it genuine? Earns no points"),
    Scene.REWARD: lazy("Reward: check, and collect what campaigns offer"),
    Scene.TRACE: lazy("Trace: where it was made and which way it came. Earns no points"),
}
_LISTED = {"reason_too_long": "reason", "lot_malformed": "lot", "product_unknown": "gtin", "rows_outside_order": "last"}


class ListTooLong(Invalid):
    code = "list_too_long"
    says = "This page takes {listed_max} codes at most. Split the list, or give rows of an order."


class ListForm(DeskForm):
    serials = TextAreaField(
        lazy("Codes"),
        description=lazy(
            "One serial or address a line, as a hand scanner writes them. Capitals, spaces and hyphens do not matter."
        ),
        render_kw={"rows": 8, "class": "code", "spellcheck": "false", "autocomplete": "off"},
    )
    file = FileField(
        lazy("Or a file of them"), description=lazy("Plain text, one a line."), render_kw={"accept": ".txt,.csv,text/plain"}
    )


class VoidListForm(ListForm):
    reason = StringField(
        lazy("Reason"),
        [needed(), Length(max=REASON_LENGTH_MAX)],
        description=lazy("For example: misprinted, stolen, destroyed."),
    )
    count = count_field(lazy("Type the number of codes to confirm"), needs=False)


class BindForm(ListForm):
    which = RadioField(
        lazy("Which codes"),
        choices=options({ROWS: lazy("Rows, from and to"), LIST: lazy("A list of scanned codes")}),
        default=ROWS,
    )
    first = count_field(lazy("From row"), needs=False)
    last = count_field(lazy("To row"), needs=False)
    gtin = SelectField(lazy("Product"))
    lot = StringField(
        lazy("Lot"),
        [needed(), Length(max=100)],
        description=lazy("The production batch that the labels stick on."),
        render_kw={"autocomplete": "off"},
    )
    scene = RadioField(
        lazy("What scanning is for"),
        choices=options({scene.value: name for scene, name in SCENES.items()}),
        default=Scene.REWARD.value,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What of a list belongs to one order."""

    order: CodeOrder
    codes: int


@blueprint.url_value_preprocessor
def _room_for_lists(endpoint: str | None, _values: object) -> None:
    """Before anybody reads the form: the second look sends a whole file back as text, more than other forms may hold."""
    if endpoint in {"console.orders_void_list", "console.orders_bind"}:
        request.max_form_memory_size = FORM_BYTES_MAX


@blueprint.route("/codes/void", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_void_list() -> Response | str | tuple[str, int]:
    form = VoidListForm()
    if not form.validate_on_submit():
        return _void_page(form)
    with blaming(form, _LISTED, otherwise="serials"):
        lines = _lines(form)
        listed = serial_lists.read(db(), lines, tenant_id=desk.tenant_id(), kek=parts().settings.kek_bytes)
        codes = sum(map(len, listed.counters.values()))
        if "do" not in request.form:
            return _void_page(form, lines, listed)
        if form.count.data != codes:
            blame(form, "count", _("The list holds %(codes)s codes. Type this number.", codes=number(codes)))
            return _void_page(form, lines, listed)
        killed = kill_switch.kill(
            db(),
            lines,
            tenant_id=desk.tenant_id(),
            reason=form.reason.data,
            kek=parts().settings.kek_bytes,
            now=desk.now(),
            actor=desk.actor(),
        )
        flash(
            _(
                "%(codes)s codes of %(orders)s orders are void, %(fresh)s of them since now.",
                codes=number(codes),
                orders=number(killed.orders),
                fresh=number(killed.voided),
            ),
            "success",
        )
        return redirect(url_for("console.orders"))
    return _void_page(form)


@blueprint.route("/orders/<uuid:order_id>/bind", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def orders_bind(order_id: UUID) -> Response | str | tuple[str, int]:
    """Says what blank codes stand on. The list may hold codes of other blank orders too."""
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    if not order.blank:
        flash(_("These codes were ordered for a product: there is nothing to bind."), "info")
        return redirect(url_for("console.orders_one", order_id=order_id))
    form = BindForm()
    form.gtin.choices = product_options()
    if not form.validate_on_submit() or not _said_which(form):
        return _bind_page(order, form)
    with blaming(form, _LISTED, otherwise="serials" if form.which.data == LIST else "last"):
        lines = _lines(form) if form.which.data == LIST else []
        if "do" not in request.form:
            return _bind_page(order, form, lines, _shares_to_bind(order, form, lines))
        bound = _bind(order, form, lines)
        flash(
            _(
                "%(codes)s codes are bound to %(gtin)s, lot %(lot)s.",
                codes=number(bound),
                gtin=form.gtin.data,
                lot=form.lot.data.strip(),
            )
            if bound
            else _("These codes were bound so already. Nothing was changed."),
            "success" if bound else "info",
        )
        return redirect(url_for("console.orders_one", order_id=order_id))
    return _bind_page(order, form)


def _said_which(form: BindForm) -> bool:
    if form.which.data == LIST:
        return True
    missing = [name for name in ("first", "last") if form[name].data is None]
    for name in missing:
        blame(form, name, _("Please fill this in."))
    return not missing


def _bind(order: CodeOrder, form: BindForm, lines: Sequence[str]) -> int:
    target = Target(gtin=form.gtin.data, lot=form.lot.data.strip(), scene=Scene(form.scene.data))
    if form.which.data == LIST:
        kek = parts().settings.kek_bytes
        return bindings.bind_listed(db(), target, lines, tenant_id=desk.tenant_id(), kek=kek, now=desk.now(), actor=desk.actor())
    return bindings.bind(
        db(),
        target,
        tenant_id=desk.tenant_id(),
        order_id=order.id,
        first=form.first.data,
        last=form.last.data,
        now=desk.now(),
        actor=desk.actor(),
    )


def _shares_to_bind(order: CodeOrder, form: BindForm, lines: Sequence[str]) -> list[Share]:
    """Looks the wish up, as the binding will; a lot that cannot be is refused now, not after the second look."""
    orders.check_lot(form.lot.data.strip())
    if form.which.data == LIST:
        return _shares(serial_lists.read(db(), lines, tenant_id=desk.tenant_id(), kek=parts().settings.kek_bytes))
    run = ranges.checked_rows(first=form.first.data, last=form.last.data, quantity=order.quantity)
    return [Share(order=order, codes=package_runs.codes([run]))]


def _shares(listed: Listed) -> list[Share]:
    return [
        Share(order=orders.find(db(), order_id, tenant_id=desk.tenant_id()), codes=len(counters))
        for order_id, counters in listed.counters.items()
    ]


def _lines(form: ListForm) -> list[str]:
    """The codes of the field and of the file, one a line, without empty ones at the end."""
    text = form.serials.data
    uploaded: FileStorage | None = form.file.data
    if uploaded is not None and uploaded.filename:
        raw = uploaded.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ListTooLong(listed_max=LISTED_MAX)
        text = (
            raw.decode("utf-8-sig", errors="replace")
            if not text.strip()
            else f"{text}\n{raw.decode('utf-8-sig', errors='replace')}"
        )
    lines = [line[:LINE_LENGTH_MAX] for line in text.rstrip().splitlines()]
    if sum(1 for line in lines if line.strip()) > LISTED_MAX:
        raise ListTooLong(listed_max=LISTED_MAX)
    return lines


def _void_page(form: VoidListForm, lines: Sequence[str] = (), listed: Listed | None = None) -> tuple[str, int]:
    page = render_template(
        "console/order_void_list.html",
        form=form,
        lines=lines,
        shares=None if listed is None else _shares(listed),
    )
    return page, 422 if form.errors else 200


def _bind_page(
    order: CodeOrder, form: BindForm, lines: Sequence[str] = (), shares: Sequence[Share] | None = None
) -> tuple[str, int]:
    states = ranges.states_of(db(), tenant_id=desk.tenant_id(), order_id=order.id)
    form.last.description = order_words.rows_of(order)
    page = render_template(
        "console/order_bind.html", order=order, form=form, lines=lines, shares=shares, scenes=SCENES, **headed(order, states)
    )
    return page, 422 if form.errors else 200
