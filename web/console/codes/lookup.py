"""Everything about one code, typed by hand or scanned: how it was read, is it ours, which order, what was decided, who held it on paper,
what it is packed in, where it went, who scanned it.

A look-up is no scan: it changes nothing, and the buyer who scans first is still the first.
"""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from codegen import explain, orders, typed_codes
from codegen.cipher import COUNTER_MAX, EPOCH_MAX
from codegen.explain import Explanation, Finding
from codegen.keys import keyring
from codegen.orders import Stage
from codegen.print_packages import leaks, packages
from codegen.symbology import photos
from codegen.typed_codes import TEXT_LENGTH_MAX, Reading
from kit.refusals import Malformed, Refusal
from scanservice import pin_history, queries
from supplychain import distributors, shipments
from supplychain.shipments import LotShipment
from web import wording
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk, labels
from web.console.codes import lookup_steps
from web.console.codes.lookup_steps import Step
from web.console.codes.order_files import address_of
from web.console.codes.orders import product_names
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _

ROW_DIGITS_MAX = 10
CHILDREN_MAX = 48


@blueprint.get("/codes", endpoint="lookup")
@admits(*CONSOLE_ROLES)
def look_up() -> str:
    typed = request.args.get("code", "").strip()[:TEXT_LENGTH_MAX]
    if not typed:
        return render_template("console/lookup.html", typed="", found=None, fault="")
    found = explain.explain(db(), tenant_id=desk.tenant_id(), text=typed, kek=parts().settings.kek_bytes)
    return render_template(
        "console/lookup.html",
        typed=typed,
        found=found,
        fault="",
        title=labels.FINDINGS[found.finding],
        meaning=labels.MEANINGS[found.finding],
        steps=_steps(typed, found),
        **_journey(found),
        **_family(found),
    )


@blueprint.post("/codes/picture")
@admits(*CONSOLE_ROLES)
def lookup_picture() -> Response | tuple[str, int]:
    """A photo of a label, from the camera of a phone or from a file. It is read and not kept."""
    photo = request.files.get("photo")
    raw = photo.read(photos.PHOTO_BYTES_MAX + 1) if photo is not None else b""
    try:
        shown = photos.codes(raw) if raw else ()
    except Refusal as refused:
        return render_template("console/lookup.html", typed="", found=None, fault=wording.explained(refused)), refused.status
    if not shown:
        fault = _(
            "No code was found in the picture. Hold the camera closer, with the whole symbol and its white edge in the light."
        )
        return render_template("console/lookup.html", typed="", found=None, fault=fault), 422
    return redirect(url_for("console.lookup", code=shown[0][:TEXT_LENGTH_MAX]), 303)


@blueprint.get("/orders/<uuid:order_id>/code")
@admits(*CONSOLE_ROLES)
def orders_code(order_id: UUID) -> Response:
    """The look-up of the code in one row of an order."""
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    typed = request.args.get("row", "")[:ROW_DIGITS_MAX]
    row = int(typed) if typed.isascii() and typed.isdigit() else 0
    return redirect(url_for("console.lookup", code=address_of(order, row)))


@blueprint.get("/codes/<int:epoch>/<int:counter>")
@admits(*CONSOLE_ROLES)
def lookup_counter(epoch: int, counter: int) -> Response:
    """The look-up of a code that another page knows by its number."""
    if epoch > EPOCH_MAX or counter > COUNTER_MAX:
        raise NotFound
    cipher = keyring.cipher(db(), tenant_id=desk.tenant_id(), epoch=epoch, kek=parts().settings.kek_bytes)
    return redirect(url_for("console.lookup", code=cipher.serial_of(counter)))


def _steps(typed: str, found: Explanation) -> list[Step]:
    try:
        reading: Reading = typed_codes.closely(typed)
    except Malformed as refused:
        return lookup_steps.of_refusal(typed, refused)
    epochs = keyring.entries(db(), tenant_id=desk.tenant_id())
    return lookup_steps.of(found, reading, products=product_names(), epochs=epochs)


def _journey(found: Explanation) -> dict[str, object]:
    """What other packages know of the code: who held it, its shipments and its scans."""
    if found.epoch is None or found.counter is None:
        return {"path": (), "scans": (), "pin_tries": (), "address": "", "given": (), "leak": None}
    tenant_id = desk.tenant_id()
    names = {one.distributor_id: one.name for one in distributors.everybody(db(), tenant_id=tenant_id)}
    path: tuple[LotShipment, ...] = ()
    address = ""
    if found.order is not None and found.row is not None:
        lot = found.order.lot if found.bound is None else found.bound.lot
        path = shipments.path_of(db(), found.order, found.counter, tenant_id=tenant_id, lot=lot)
        address = "" if found.order.stage is Stage.DRAFT else address_of(found.order, found.row)
    scans = queries.scans_of_code(db(), tenant_id=tenant_id, epoch=found.epoch, counter=found.counter)
    pin_tries = pin_history.of_code(db(), tenant_id=tenant_id, epoch=found.epoch, counter=found.counter)
    given = packages.covering(db(), tenant_id=tenant_id, epoch=found.epoch, counter=found.counter)
    leak = (
        leaks.judged(kind=found.kind, state=found.state, given=given)
        if scans and found.kind is not None and found.state is not None
        else None
    )
    return {
        "path": path,
        "distributor_names": names,
        "scans": scans,
        "pin_tries": pin_tries,
        "address": address,
        "given": given,
        "leak": leak,
    }


def _family(found: Explanation) -> dict[str, object]:
    """The first of what is inside, each with its own look-up; the tree above it is in the explanation."""
    if found.order is None or found.counter is None or found.finding is Finding.UNREADABLE:
        return {"children": ()}
    inside = found.order.children_of(found.counter)
    return {
        "children": [
            {"counter": counter, "row": found.order.row_of(counter), "kind": found.order.kind_of(counter)}
            for counter in inside[:CHILDREN_MAX]
        ]
    }
