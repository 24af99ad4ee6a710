"""Print packages: those of an order, all of the brand, one with its progress, manifest, downloads and their log.

Promises: a file is handed out by a deliberate press of a button, counted with who and from where, and never above its limit; the manifest is a
file of its own, to be sent another way.
"""

import io
from uuid import UUID

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from codegen import digital_link, orders
from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH
from codegen.labels import library, previews
from codegen.labels.words import LabelWords
from codegen.orders import CodeOrder
from codegen.print_packages import downloads, package_lists, package_queue, packages
from codegen.print_packages.file_designs import Format
from codegen.print_packages.guarding import recipients
from codegen.print_packages.packages import Printing
from kit.refusals import Malformed
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk, labels
from web.console.forms import DIGITS_MAX, blaming
from web.console.printing import label_samples
from web.console.printing.package_form import FORM_FIELDS, PackageForm, ask, format_name, prepared, product_called
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy, number

STATES = {
    "queued": lazy("Waiting"),
    "running": lazy("Being written"),
    "ready": lazy("Ready"),
    "failed": lazy("Failed"),
}


class RequestIdMalformed(Malformed):
    code = "request_id_malformed"
    says = "This form is damaged. Load the page again."


@blueprint.get("/packages", endpoint="packages")
@admits(*CONSOLE_ROLES)
def packages_list() -> str:
    tenant_id = desk.tenant_id()
    page = package_lists.page(db(), tenant_id=tenant_id, cursor=request.args.get("after"))
    return render_template(
        "console/printing/packages.html",
        page=page,
        orders={one.order_id: orders.find(db(), one.order_id, tenant_id=tenant_id) for one in page.packages},
        fetched=package_lists.fetched(db(), [one.id for one in page.packages], tenant_id=tenant_id),
        is_first="after" not in request.args,
    )


@blueprint.route("/orders/<uuid:order_id>/packages", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def packages_of_order(order_id: UUID) -> Response | str | tuple[str, int]:
    """The packages of an order, and the form for more."""
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    form = prepared(order)
    if request.method == "GET":
        _fill_in(form)
    elif form.validate_on_submit():
        _check_id(form)
        with blaming(form, FORM_FIELDS, otherwise="first"):
            asked = ask(form, order)
            if len(asked) == 1:
                return redirect(url_for("console.packages_one", package_id=asked[0].id))
            flash(_("%(count)s packages are being made.", count=number(len(asked))), "success")
            return redirect(url_for("console.packages_of_order", order_id=order_id))
    return _order_page(order, form), 422 if form.errors else 200


@blueprint.get("/orders/<uuid:order_id>/packages/label")
@admits(*CONSOLE_ROLES)
def packages_label(order_id: UUID) -> FlaskResponse:
    """What the label of this order looks like in the template `name`: with its own product and lot, and a serial that is none."""
    order = orders.find(db(), order_id, tenant_id=desk.tenant_id())
    template = library.find(db(), tenant_id=desk.tenant_id(), name=request.args.get("name", ""))
    uri = digital_link.build(desk.brand().scan_origin, order.gtin, label_samples.SERIAL, order.profile)
    if order.proofs.signed:
        uri += SIGNATURE_KEY + "0" * SIGNATURE_LENGTH
    words = LabelWords(product=product_called(order), gtin=order.gtin, lot=order.lot, kind=str(labels.KINDS[order.kind]))
    logo = library.logo_of(db(), template, tenant_id=desk.tenant_id())
    svg = previews.label_svg(template, uri=uri, mark=label_samples.mark_of(order), texts=words, logo=logo, rows=order.quantity)
    return FlaskResponse(svg, mimetype="image/svg+xml")


@blueprint.get("/packages/<uuid:package_id>")
@admits(*CONSOLE_ROLES)
def packages_one(package_id: UUID) -> str:
    package = packages.find(db(), package_id, tenant_id=desk.tenant_id())
    return render_template(
        "console/printing/package.html",
        package=package,
        order=orders.find(db(), package.order_id, tenant_id=desk.tenant_id()),
        printer=recipients.find(db(), tenant_id=desk.tenant_id(), name=package.recipient),
        log=downloads.listing(db(), package_id, tenant_id=desk.tenant_id()),
    )


@blueprint.get("/packages/<uuid:package_id>/progress")
@admits(*CONSOLE_ROLES)
def packages_progress(package_id: UUID) -> str:
    """A piece of the page, renewed until the file is there."""
    return render_template(
        "console/printing/package_progress.html",
        package=packages.find(db(), package_id, tenant_id=desk.tenant_id()),
        log=downloads.listing(db(), package_id, tenant_id=desk.tenant_id()),
    )


@blueprint.post("/packages/<uuid:package_id>/file")
@admits(*CONSOLE_ROLES)
def packages_file(package_id: UUID) -> Response:
    """Each time is written down, so no link leads here that a browser would follow on its own."""
    package = packages.find(db(), package_id, tenant_id=desk.tenant_id())
    path = downloads.take(
        db(),
        package_id,
        tenant_id=desk.tenant_id(),
        objects_dir=parts().settings.objects_dir,
        address=request.remote_addr or "",
        now=desk.now(),
        actor=desk.actor(),
    )
    return send_file(path.resolve(), mimetype="application/octet-stream", as_attachment=True, download_name=package.file_name)


@blueprint.get("/packages/<uuid:package_id>/manifest")
@admits(*CONSOLE_ROLES)
def packages_manifest(package_id: UUID) -> Response:
    raw = packages.manifest_of(db(), package_id, tenant_id=desk.tenant_id())
    return send_file(
        io.BytesIO(raw), mimetype="application/json", as_attachment=True, download_name=f"manifest-{str(package_id)[-12:]}.json"
    )


@blueprint.post("/packages/<uuid:package_id>/retry")
@admits(*CONSOLE_ROLES)
def packages_retry(package_id: UUID) -> Response:
    packages.retry(db(), tenant_id=desk.tenant_id(), package_id=package_id, now=desk.now())
    package_queue.put(db(), package_id, tenant_id=desk.tenant_id(), now=desk.now())
    return redirect(url_for("console.packages_one", package_id=package_id))


@blueprint.context_processor
def _package_names() -> dict[str, object]:
    return {"package_states": STATES, "format_name": format_name}


def _fill_in(form: PackageForm) -> None:
    """From an earlier package that is to be printed once more, or from the page that led here: a printer's, or an order's."""
    for field in (form.recipient, form.label):
        if request.args.get(field.name) in {one.value for one in field.choices}:
            field.data = request.args[field.name]
    parts_of = request.args.get("parts_of", "")
    if parts_of.isascii() and parts_of.isdigit() and len(parts_of) <= DIGITS_MAX:
        form.parts_of.data = int(parts_of)
    again = request.args.get("reprint")
    if again:
        try:
            package = packages.find(db(), UUID(again), tenant_id=desk.tenant_id())
        except ValueError as error:
            raise RequestIdMalformed from error
        form.recipient.data, form.first.data, form.last.data = package.recipient, package.first, package.last
        form.reprint.data, form.canaries.data = True, package.canaries
        if package.format is not Format.ROWS:
            form.format.data = package.format.value


def _check_id(form: PackageForm) -> None:
    try:
        UUID(form.request_id.data)
    except ValueError as error:
        raise RequestIdMalformed from error


def _order_page(order: CodeOrder, form: PackageForm) -> str:
    found = packages.of_order(db(), order.id, tenant_id=desk.tenant_id())
    return render_template(
        "console/printing/order_packages.html",
        order=order,
        form=form,
        packages=found,
        fetched=package_lists.fetched(db(), [one.id for one in found], tenant_id=desk.tenant_id()),
        reprints=Printing.REPRINT,
    )
