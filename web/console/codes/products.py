"""Products: what codes are ordered for."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import Length

from codegen import products
from codegen.brands import NAME_LENGTH_MAX
from codegen.products import DESCRIPTION_LENGTH_MAX
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.forms import DeskForm, blaming, needed
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

GTIN_TYPED_MAX = 20


class ProductForm(DeskForm):
    gtin = StringField(
        lazy("GTIN"),
        [needed(), Length(max=GTIN_TYPED_MAX)],
        description=lazy("The number under the bar code: 8, 12, 13 or 14 digits, the last one a check digit."),
        render_kw={"inputmode": "numeric", "autocomplete": "off", "autofocus": True},
    )
    name = StringField(lazy("Name in English"), [needed(), Length(max=NAME_LENGTH_MAX)])
    name_zh = StringField(
        lazy("Name in Chinese"), [Length(max=NAME_LENGTH_MAX)], description=lazy("Shown to consumers who read Chinese.")
    )
    description = TextAreaField(
        lazy("Description"),
        [Length(max=DESCRIPTION_LENGTH_MAX)],
        description=lazy("One or two sentences on the page that consumers see after a scan."),
        render_kw={"rows": 3},
    )
    submit = SubmitField(lazy("Add product"))


@blueprint.get("/products")
@admits(*CONSOLE_ROLES)
def products_list() -> str:
    return render_template("console/products.html", products=products.listing(db(), tenant_id=desk.tenant_id()))


@blueprint.route("/products/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def products_list_new() -> Response | str | tuple[str, int]:
    form = ProductForm()
    if not form.validate_on_submit():
        status = 422 if form.errors else 200
        return render_template("console/product_new.html", form=form, brand=desk.brand()), status
    with blaming(form, {"name_malformed": "name", "description_too_long": "description"}, otherwise="gtin"):
        added = products.add(
            db(),
            tenant_id=desk.tenant_id(),
            gtin="".join(form.gtin.data.split()),
            name=form.name.data,
            name_zh=form.name_zh.data,
            description=form.description.data,
            now=desk.now(),
        )
        flash(_("%(name)s is here. Next: order codes for it.", name=added.name), "success")
        return redirect(url_for("console.products_list"))
    return render_template("console/product_new.html", form=form, brand=desk.brand()), 422
