"""What leaves an order for a printer: files of codes, at once when short and by a background job when long, and single symbols.

Promises: a file or symbol is given only to staff of its brand, and a long file is streamed from disk.
"""

import io
from uuid import UUID

from flask import redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from codegen import marking, orders, url_signatures
from codegen.code_lists import exports, listing
from codegen.keys import keyring
from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder
from codegen.symbology import symbol_files
from kit.refusals import Conflict, Malformed
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.routes import blueprint
from web.signed_in import admits

DOWNLOAD_ROWS_MAX = 10_000
PNG_PIXELS_PER_MODULE = 16


class DownloadTooLong(Conflict):
    code = "download_too_long"
    says = "Orders of more than {rows_max} codes are prepared as a file first."


class ExportIdMalformed(Malformed):
    code = "export_id_malformed"
    says = "This form is damaged. Load the page again."


def address_of(order: CodeOrder, row: int) -> str:
    """What is printed in a row of an order."""
    row, _ = checked_rows(first=row, last=row, quantity=order.quantity)
    cipher = keyring.cipher(db(), tenant_id=desk.tenant_id(), epoch=order.epoch, kek=parts().settings.kek_bytes)
    serial = cipher.serial_of(order.first_counter + row - 1)
    return url_signatures.addresses_of(order, cipher, origin=desk.brand().scan_origin).of_serial(serial)


@blueprint.get("/orders/<uuid:order_id>/codes.csv")
@admits(*CONSOLE_ROLES)
def orders_download(order_id: UUID) -> Response:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    orders.require_issued(order)
    if order.quantity > DOWNLOAD_ROWS_MAX:
        raise DownloadTooLong(rows_max=DOWNLOAD_ROWS_MAX)
    out = io.BytesIO()
    cipher = keyring.cipher(db(), tenant_id=desk.tenant_id(), epoch=order.epoch, kek=parts().settings.kek_bytes)
    listing.write(order, cipher, origin=desk.brand().scan_origin, out=out, progress=lambda _rows: None)
    out.seek(0)
    return send_file(out, mimetype="text/csv", as_attachment=True, download_name=f"codes-{order.lot}-{str(order.id)[-12:]}.csv")


@blueprint.post("/orders/<uuid:order_id>/exports")
@admits(*CONSOLE_ROLES)
def orders_export(order_id: UUID) -> Response:
    """The id of the file comes with the form, so that a form sent twice asks for one file."""
    try:
        export_id = UUID(request.form.get("export_id", ""))
    except ValueError as error:
        raise ExportIdMalformed from error
    exports.request(db(), tenant_id=desk.tenant_id(), export_id=export_id, order_id=order_id, now=desk.now(), actor=desk.actor())
    return redirect(url_for("console.orders_one", order_id=order_id, _anchor="files"))


@blueprint.post("/exports/<uuid:export_id>/retry")
@admits(*CONSOLE_ROLES)
def orders_export_retry(export_id: UUID) -> Response:
    export = exports.retry(db(), tenant_id=desk.tenant_id(), export_id=export_id, now=desk.now())
    return redirect(url_for("console.orders_one", order_id=export.order_id, _anchor="files"))


@blueprint.get("/exports/<uuid:export_id>")
@admits(*CONSOLE_ROLES)
def orders_export_progress(export_id: UUID) -> str:
    """A piece of the page, renewed until the file is there."""
    return render_template("console/export.html", export=exports.find(db(), export_id, tenant_id=desk.tenant_id()))


@blueprint.get("/exports/<uuid:export_id>/file")
@admits(*CONSOLE_ROLES)
def orders_export_file(export_id: UUID) -> Response:
    export = exports.find(db(), export_id, tenant_id=desk.tenant_id())
    path = exports.file_of(db(), export_id, tenant_id=desk.tenant_id(), objects_dir=parts().settings.objects_dir)
    return send_file(path.resolve(), mimetype="text/csv", as_attachment=True, download_name=export.file_name)


@blueprint.get("/orders/<uuid:order_id>/symbols/<int:row>.svg")
@admits(*CONSOLE_ROLES)
def orders_symbol_svg(order_id: UUID, row: int) -> Response:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    rows, side = _drawn(order, row)
    return _symbol(order, row, next(symbol_files.svgs(rows, side=side)).encode(), kind="svg", mimetype="image/svg+xml")


@blueprint.get("/orders/<uuid:order_id>/symbols/<int:row>.png")
@admits(*CONSOLE_ROLES)
def orders_symbol_png(order_id: UUID, row: int) -> Response:
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    rows, side = _drawn(order, row)
    picture = next(symbol_files.pngs(rows, side=side, pixels_per_module=PNG_PIXELS_PER_MODULE))
    return _symbol(order, row, picture, kind="png", mimetype="image/png")


def _drawn(order: CodeOrder, row: int) -> tuple[symbol_files.Rows, int]:
    """The mark of one row as the order's files have it: its symbology, level and mask. Nothing of a draft is drawn."""
    orders.require_issued(order)
    row, _ = checked_rows(first=row, last=row, quantity=order.quantity)
    origin = desk.brand().scan_origin
    cipher = keyring.cipher(db(), tenant_id=desk.tenant_id(), epoch=order.epoch, kek=parts().settings.kek_bytes)
    mark = marking.decided(db(), order, cipher, tenant_id=desk.tenant_id(), origin=origin, now=desk.now(), actor=desk.actor())
    press = marking.press_of(order, cipher, origin=origin, spec=mark.spec, mask=mark.mask)
    return press.draw(marking.listed(order, cipher, origin=origin, first=row, count=1).texts), press.side


def _symbol(order: CodeOrder, row: int, picture: bytes, *, kind: str, mimetype: str) -> Response:
    return send_file(
        io.BytesIO(picture),
        mimetype=mimetype,
        as_attachment="download" in request.args,
        download_name=f"code-{order.lot}-{row}.{kind}",
    )
