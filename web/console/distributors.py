"""Distributors: who they are, where they may sell, what was shipped to them."""

import re

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField, SubmitField, TextAreaField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from supplychain import distributors, geography, shipments
from supplychain.distributors import ID_LENGTH_MAX, NAME_LENGTH_MAX, Distributor, DistributorUnknown
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.forms import DeskForm, blame, blaming, needed, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import language, lazy

LOTS_SHOWN_MAX = 200
DIVISIONS_TYPED_MAX = 20_000
_BETWEEN = re.compile(r"[\s;,；，、]+")


class TerritoryForm(DeskForm):
    """Provinces are ticked, anything finer is typed as codes."""

    name = StringField(lazy("Name"), [needed(), Length(max=NAME_LENGTH_MAX)])
    provinces = SelectMultipleField(
        lazy("Provinces they may sell in"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    divisions = TextAreaField(
        lazy("Other divisions, by code"),
        [Length(max=DIVISIONS_TYPED_MAX)],
        description=lazy(
            "Cities and counties by six digits of GB/T 2260 (330100 is Hangzhou), other countries by ISO 3166-2 (VN-HN), "
            "with spaces or semicolons between."
        ),
        render_kw={"rows": 2, "class": "code"},
    )
    submit = SubmitField(lazy("Save"))


class DistributorForm(TerritoryForm):
    distributor_id = StringField(
        lazy("Id"),
        [needed(), Length(max=ID_LENGTH_MAX)],
        description=lazy("As in your own systems and files, for example D001. It cannot be changed later."),
        render_kw={"autocomplete": "off"},
    )


@blueprint.get("/distributors", endpoint="distributors")
@admits(*CONSOLE_ROLES)
def distributors_list() -> str:
    return render_template("console/distributors.html", everybody=distributors.everybody(db(), tenant_id=desk.tenant_id()))


@blueprint.route("/distributors/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def distributors_new() -> Response | str | tuple[str, int]:
    form = _form(DistributorForm())
    if form.validate_on_submit():
        distributor_id = form.distributor_id.data.strip()
        if _is_there(distributor_id):
            blame(form, "distributor_id", _("There is a distributor with this id already."))
        elif _saved(form, distributor_id):
            flash(_("%(name)s is added.", name=form.name.data), "success")
            return redirect(url_for("console.distributors_one", distributor_id=distributor_id))
    return render_template("console/distributor_new.html", form=form), 422 if form.errors else 200


@blueprint.route("/distributors/<path:distributor_id>", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def distributors_one(distributor_id: str) -> Response | str | tuple[str, int]:
    known = distributors.find(db(), distributor_id, tenant_id=desk.tenant_id())
    provinces = set(geography.provinces())
    form = _form(
        TerritoryForm(
            data={
                "name": known.name,
                "provinces": [division for division in known.divisions if division in provinces],
                "divisions": "; ".join(division for division in known.divisions if division not in provinces),
            }
        )
    )
    if form.validate_on_submit() and _saved(form, distributor_id):
        flash(_("Saved."), "success")
        return redirect(url_for("console.distributors_one", distributor_id=distributor_id))
    return render_template(
        "console/distributor.html",
        distributor=known,
        form=form,
        lots=shipments.lots_of(db(), distributor_id, tenant_id=desk.tenant_id(), limit=LOTS_SHOWN_MAX),
        lots_max=LOTS_SHOWN_MAX,
    ), 422 if form.errors else 200


def _form(form: TerritoryForm) -> TerritoryForm:
    form.provinces.choices = options({code: geography.name(code, language=language()) for code in geography.provinces()})
    return form


def _is_there(distributor_id: str) -> bool:
    try:
        distributors.find(db(), distributor_id, tenant_id=desk.tenant_id())
    except DistributorUnknown:
        return False
    return True


def _saved(form: TerritoryForm, distributor_id: str) -> bool:
    typed = [division.upper() for division in _BETWEEN.split(form.divisions.data.strip()) if division]
    unknown = [division for division in typed if not geography.known(division)]
    if unknown:
        blame(form, "divisions", _("No division has the code %(codes)s.", codes=", ".join(unknown)))
        return False
    with blaming(form, {}, otherwise="name"):
        wanted: Distributor = distributors.checked(
            distributor_id=distributor_id, name=form.name.data, divisions=[*(form.provinces.data or ()), *typed]
        )
        distributors.put(db(), wanted, tenant_id=desk.tenant_id(), now=desk.now())
        return True
    return False
