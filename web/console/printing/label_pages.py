"""Label templates: the list with a picture of each, and the editor with a preview that follows the form.

Promises: what is shown is what will be printed; a preview keeps nothing; a form sent twice saves once.
"""

import base64
from uuid import UUID

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from codegen.labels import library, logos
from codegen.labels.built_in import BUILT_IN
from codegen.labels.logos import UPLOAD_BYTES_MAX, Logo
from codegen.labels.templates import NAME_LENGTH_MAX, LabelTemplate, Shape
from kit.refusals import Malformed, Refusal
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes.orders import product_names
from web.console.forms import options
from web.console.printing import label_samples
from web.console.printing.label_form import DPI, DPI_USUAL, LabelForm, fill, spare, template_of
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import explained
from web.wording import gettext as _

PREVIEW_NAME = "preview"  # while a template has no name yet


class TemplateIdMalformed(Malformed):
    code = "template_id_malformed"
    says = "This form is damaged. Load the page again."


@blueprint.get("/labels", endpoint="labels")
@admits(*CONSOLE_ROLES)
def labels_list() -> str:
    return render_template(
        "console/printing/labels.html", own=library.listing(db(), tenant_id=desk.tenant_id()), built_in=BUILT_IN.values()
    )


@blueprint.get("/labels/picture")
@admits(*CONSOLE_ROLES)
def labels_picture() -> FlaskResponse:
    """One label or, with `sheet`, one sheet of the template `name`."""
    template = library.find(db(), tenant_id=desk.tenant_id(), name=request.args.get("name", ""))
    shown = label_samples.sample()
    draw = label_samples.sheet_picture if "sheet" in request.args else label_samples.label_picture
    return FlaskResponse(draw(template, shown), mimetype="image/svg+xml")


@blueprint.route("/labels/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def labels_new() -> Response | str | tuple[str, int]:
    form = _form()
    if request.method == "GET":
        start = library.find(db(), tenant_id=desk.tenant_id(), name=request.args.get("copy") or next(iter(BUILT_IN)))
        fill(form, start)
        form.name.data = _("Copy of %(name)s", name=start.name)[:NAME_LENGTH_MAX] if "copy" in request.args else ""
        form.template_id.data = str(desk.new_id())
    if form.submit.data and form.validate_on_submit():
        saved = _saved(form, template_id=_id(form.template_id.data), changes=False)
        if saved is not None:
            return _done(saved)
    return _shown(form, kept=None)


@blueprint.route("/labels/<uuid:template_id>", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def labels_edit(template_id: UUID) -> Response | str | tuple[str, int]:
    kept = library.kept(db(), template_id, tenant_id=desk.tenant_id())
    form = _form()
    if request.method == "GET":
        fill(form, kept.template)
        form.revision.data, form.template_id.data = kept.revision, str(template_id)
    if form.submit.data and form.validate_on_submit():
        saved = _saved(form, template_id=template_id, changes=True)
        if saved is not None:
            return _done(saved)
    return _shown(form, kept=kept)


@blueprint.post("/labels/<uuid:template_id>/remove")
@admits(*CONSOLE_ROLES)
def labels_remove(template_id: UUID) -> Response:
    library.remove(db(), template_id, tenant_id=desk.tenant_id())
    flash(_("The label template is gone. Packages that were made with it stay as they are."), "success")
    return redirect(url_for("console.labels"))


@blueprint.post("/labels/preview")
@admits(*CONSOLE_ROLES)
def labels_preview() -> str:
    """What the half-filled form would print: a piece of the page, renewed as people type."""
    form = _form()
    form.name.data = form.name.data or PREVIEW_NAME
    form.validate()
    return render_template("console/printing/label_preview.html", **_preview(form))


def _form() -> LabelForm:
    form = LabelForm()
    form.sample_gtin.choices = options({gtin: f"{name} · {gtin}" for gtin, name in product_names().items()})
    return form


def _shown(form: LabelForm, *, kept: library.KeptTemplate | None) -> tuple[str, int]:
    preview = _preview(form)
    spare(form)
    status = 422 if form.submit.data else 200
    return render_template("console/printing/label_edit.html", form=form, kept=kept, **preview), status


def _preview(form: LabelForm) -> dict[str, object]:
    """Pictures and facts, or what speaks against them."""
    is_shaped = form.shape.data in set(Shape)
    if not is_shaped or any(field.errors for field in form if field.name not in {"name", "submit", "more"}):
        return {"label": None, "problem": _("Correct the marked fields to see the label.")}
    gtin = str(form.sample_gtin.data or "")
    dpi = form.sample_dpi.data if form.sample_dpi.data in DPI else DPI_USUAL
    try:
        logo = _uploaded(form)
        name = None if form.logo_removed.data else logo.name if logo is not None else form.logo.data
        template = template_of_named(form, logo=name)
        shown = label_samples.sample(gtin=gtin, dpi=dpi)
        label = label_samples.label_picture(template, shown, logo=logo)
        sheet = label_samples.sheet_picture(template, shown, logo=logo) if template.page.labels > 1 else None
        facts = label_samples.symbol_facts(template, shown)
    except Refusal as refusal:
        return {"label": None, "problem": explained(refusal)}
    return {
        "label": _address(label),
        "sheet": None if sheet is None else _address(sheet),
        "template": template,
        "facts": facts,
        "problem": None,
    }


def template_of_named(form: LabelForm, *, logo: str | None) -> LabelTemplate:
    """The template of a form whose name may be missing yet."""
    form.name.data = (form.name.data or "").strip() or PREVIEW_NAME
    try:
        return template_of(form, logo=logo)
    finally:
        if form.name.data == PREVIEW_NAME:
            form.name.data = ""


def _saved(form: LabelForm, *, template_id: UUID, changes: bool) -> LabelTemplate | None:
    """None: the form says why not."""
    savepoint = db().begin_nested()
    try:
        logo = _uploaded(form)
        name = None if form.logo_removed.data else form.logo.data
        if logo is not None and not form.logo_removed.data:
            name = library.keep_logo(db(), logo.png, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor()).name
        template = template_of(form, logo=name)
        # A product of the brand has to fit, or the first order would be the one to find out.
        label_samples.label_picture(template, label_samples.sample(gtin=str(form.sample_gtin.data or "")))
        tenant_id, now, actor = desk.tenant_id(), desk.now(), desk.actor()
        if changes:
            revision = form.revision.data or 0
            library.change(db(), template, tenant_id=tenant_id, template_id=template_id, revision=revision, now=now, actor=actor)
        else:
            library.add(db(), template, tenant_id=tenant_id, template_id=template_id, now=now, actor=actor)
    except Refusal as refusal:
        savepoint.rollback()
        form.blame(refusal)
        return None
    savepoint.commit()
    return template


def _uploaded(form: LabelForm) -> Logo | None:
    sent = form.upload.data
    if sent is None or not getattr(sent, "filename", ""):
        return None
    sent.stream.seek(0)
    upload = sent.stream.read(UPLOAD_BYTES_MAX + 1)
    return logos.read(upload)


def _done(template: LabelTemplate) -> Response:
    flash(_("Label template %(name)s is saved.", name=template.name), "success")
    return redirect(url_for("console.labels"))


def _id(typed: str | None) -> UUID:
    try:
        return UUID(typed or "")
    except ValueError as error:
        raise TemplateIdMalformed from error


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
