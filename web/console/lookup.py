"""Everything about one code, typed by hand or scanned: is it ours, which order, what was decided, where it went, who scanned it."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from codegen import explain, orders
from codegen.cipher import COUNTER_MAX, EPOCH_MAX
from codegen.explain import Explanation
from codegen.keys import keyring
from codegen.typed_codes import TEXT_LENGTH_MAX
from scanservice import queries
from supplychain import distributors, shipments
from supplychain.shipments import LotShipment
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk, labels
from web.console.order_files import address_of
from web.console.routes import blueprint
from web.signed_in import admits

ROW_DIGITS_MAX = 10


@blueprint.get("/codes", endpoint="lookup")
@admits(*CONSOLE_ROLES)
def look_up() -> str:
    typed = request.args.get("code", "").strip()[:TEXT_LENGTH_MAX]
    if not typed:
        return render_template("console/lookup.html", typed="", found=None)
    found = explain.explain(db(), tenant_id=desk.tenant_id(), text=typed, kek=parts().settings.kek_bytes)
    return render_template(
        "console/lookup.html",
        typed=typed,
        found=found,
        title=labels.FINDINGS[found.finding],
        meaning=labels.MEANINGS[found.finding],
        **_journey(found),
    )


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


def _journey(found: Explanation) -> dict[str, object]:
    """What other packages know of the code: its shipments and its scans."""
    if found.epoch is None or found.counter is None:
        return {"path": (), "scans": (), "address": ""}
    names = {one.distributor_id: one.name for one in distributors.everybody(db(), tenant_id=desk.tenant_id())}
    path: tuple[LotShipment, ...] = ()
    address = ""
    if found.order is not None and found.row is not None:
        path = shipments.path_of(db(), tenant_id=desk.tenant_id(), lot=found.order.lot, epoch=found.epoch, counter=found.counter)
        address = address_of(found.order, found.row)
    scans = queries.scans_of_code(db(), tenant_id=desk.tenant_id(), epoch=found.epoch, counter=found.counter)
    return {"path": path, "distributor_names": names, "scans": scans, "address": address}
