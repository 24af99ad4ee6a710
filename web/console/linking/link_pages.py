"""Links of a product, its lots and items: the list, adding, changing, removing with a way back, and what a phone would get.

Promises: a link that was looked at is changed as it was looked at, or not at all; a removal can be undone from the page that it leads to.
"""

from itertools import groupby
from urllib.parse import urlsplit
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from codegen import products
from codegen.products import Product
from codegen.resolver_links import link_drafts, link_hosts, link_items, link_targets, link_vocabularies, links
from codegen.resolver_links.links import PAGE_MAX, LinkChanged, LinkRecord, LinkUnknown
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.forms import blame, blaming
from web.console.linking import link_form, link_labels
from web.console.linking.link_form import FIELDS, LinkForm
from web.console.linking.link_preview import preview
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _


@blueprint.get("/links", endpoint="links")
@admits(*CONSOLE_ROLES)
def links_list() -> str:
    return render_template(
        "console/linking/products.html",
        products=products.listing(db(), tenant_id=desk.tenant_id()),
        counts=links.counts(db(), tenant_id=desk.tenant_id()),
        hosts=link_hosts.listing(db(), tenant_id=desk.tenant_id()),
    )


@blueprint.get("/links/<gtin>")
@admits(*CONSOLE_ROLES)
def links_of(gtin: str) -> str:
    product = _product(gtin)
    records = links.listing(db(), tenant_id=desk.tenant_id(), gtin=product.gtin)
    hosts = link_hosts.listing(db(), tenant_id=desk.tenant_id())
    vocabularies = link_vocabularies.listing(db(), tenant_id=desk.tenant_id())
    return render_template(
        "console/linking/links.html",
        product=product,
        levels=[(anchor, list(rows)) for anchor, rows in groupby(records, key=lambda record: record.anchor)],
        is_whole=len(records) < PAGE_MAX,
        hosts=hosts,
        vocabularies=vocabularies,
        phase=lambda record: _phase(record, hosts),
        removed=_removed(),
        preview=preview(product),
        usual_types={f"gs1:{name}": label for name, label in link_labels.TYPES.items()},
    )


@blueprint.route("/links/<gtin>/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def links_new(gtin: str) -> Response | str | tuple[str, int]:
    product = _product(gtin)
    given = {name: request.args.get(name, "") for name in ("lot", "serial")}
    form = _form(LinkForm(data={"link_id": str(desk.new_id()), "media_type": "text/html", "passes_query": True, **given}))
    if form.validate_on_submit():
        with blaming(form, FIELDS, otherwise="href"):
            link_id = _id(form.link_id.data)
            anchor = link_drafts.checked_anchor(gtin=product.gtin, lot=form.lot.data.strip(), serial=form.serial.data.strip())
            link_items.require_made(db(), anchor, tenant_id=desk.tenant_id(), kek=parts().settings.kek_bytes)
            links.add(
                db(),
                anchor,
                link_form.draft(form, known=None),
                link_id=link_id,
                tenant_id=desk.tenant_id(),
                now=desk.now(),
                actor=desk.actor(),
            )
            flash(_("The link is there. Phones get it within seconds."), "success")
            return redirect(url_for("console.links_of", gtin=product.gtin))
    return _shown(form, product, record=None)


@blueprint.route("/links/<gtin>/<uuid:link_id>", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def links_edit(gtin: str, link_id: UUID) -> Response | str | tuple[str, int]:
    product = _product(gtin)
    record = _record(product, link_id)
    if record.removed_at is not None:
        raise LinkUnknown
    vocabularies = link_vocabularies.listing(db(), tenant_id=desk.tenant_id())
    form = _form(LinkForm(data=link_form.typed(record, vocabularies)))
    link_form.with_media_type(form, record.link.media_type)
    del form.lot, form.serial
    if form.validate_on_submit():
        with blaming(form, FIELDS, otherwise="href"):
            links.change(
                db(),
                link_id,
                link_form.draft(form, known=record),
                revision=_revision(form),
                tenant_id=desk.tenant_id(),
                now=desk.now(),
                actor=desk.actor(),
            )
            flash(_("Saved. Phones get it within seconds."), "success")
            return redirect(url_for("console.links_of", gtin=product.gtin))
    return _shown(form, product, record=record)


@blueprint.post("/links/<gtin>/<uuid:link_id>/remove")
@admits(*CONSOLE_ROLES)
def links_remove(gtin: str, link_id: UUID) -> Response:
    product = _product(gtin)
    _record(product, link_id)
    links.remove(db(), link_id, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    return redirect(url_for("console.links_of", gtin=product.gtin, removed=link_id))


@blueprint.post("/links/<gtin>/<uuid:link_id>/restore")
@admits(*CONSOLE_ROLES)
def links_restore(gtin: str, link_id: UUID) -> Response:
    product = _product(gtin)
    _record(product, link_id)
    links.restore(db(), link_id, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    flash(_("The link is back."), "success")
    return redirect(url_for("console.links_of", gtin=product.gtin))


def _product(gtin: str) -> Product:
    return products.find(db(), tenant_id=desk.tenant_id(), gtin=gtin)


def _record(product: Product, link_id: UUID) -> LinkRecord:
    record = links.find(db(), link_id, tenant_id=desk.tenant_id())
    if record.anchor.gtin != product.gtin:
        raise LinkUnknown
    return record


def _removed() -> LinkRecord | None:
    """The link that was just removed, for the way back."""
    try:
        record = links.find(db(), UUID(request.args.get("removed", "")), tenant_id=desk.tenant_id())
    except (ValueError, LinkUnknown):
        return None
    return record if record.removed_at is not None else None


def _form(form: LinkForm) -> LinkForm:
    form.link_type.choices = link_form.type_choices(link_vocabularies.listing(db(), tenant_id=desk.tenant_id()))
    return form


def _shown(form: LinkForm, product: Product, *, record: LinkRecord | None) -> tuple[str, int]:
    page = render_template(
        "console/linking/edit.html",
        form=form,
        product=product,
        record=record,
        anchor=None if record is None else record.anchor,
        hosts=link_hosts.listing(db(), tenant_id=desk.tenant_id()),
        vocabularies=link_vocabularies.listing(db(), tenant_id=desk.tenant_id()),
    )
    return page, 422 if form.errors else 200


def _id(text: str) -> UUID:
    """A hidden field that is no id was not written by this page."""
    try:
        return UUID(text)
    except ValueError:
        return desk.new_id()


def _revision(form: LinkForm) -> int:
    text = form.revision.data
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - no link is changed so often
        blame(form, "href", _("This form is damaged. Load the page again."))
        raise LinkChanged
    return int(text)


def _phase(record: LinkRecord, hosts: list[str]) -> str:
    """Why phones do not get a link that is there; empty when they do."""
    link = record.link
    if not link_targets.is_allowed(urlsplit(link.href).hostname or "", hosts):
        return _("Its host is not allowed any more")
    if link.valid_from is not None and desk.now() < link.valid_from:
        return _("Not yet")
    if link.valid_until is not None and desk.now() >= link.valid_until:
        return _("Over")
    return ""
