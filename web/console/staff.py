"""Staff accounts, for owners alone: who may sign in, in which role.

Promises: a new password is drawn here, shown once to the owner and kept nowhere; the last owner cannot be shut out.
"""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import EmailField, SelectField, StringField, SubmitField
from wtforms.validators import Length

from kit import chance
from kit.refusals import Conflict
from supplychain import distributors
from web import accounts
from web.accounts import EMAIL_CHARS_MAX, Role, StaffMember
from web.app import db
from web.console import desk
from web.console.forms import DeskForm, blame, blaming, needed, options
from web.console.routes import blueprint
from web.signed_in import admits, staff
from web.wording import gettext as _
from web.wording import lazy

NAME_CHARS_MAX = 100
PASSWORD_BYTES = 12
ROLES = {
    Role.OWNER: lazy("Owner: everything, staff too"),
    Role.MARKETER: lazy("Marketer: codes, campaigns, consumers"),
    Role.DISTRIBUTOR: lazy("Distributor: the portal with their own goods"),
}
ROLE_NAMES = {
    Role.OWNER: lazy("Owner"),
    Role.MARKETER: lazy("Marketer"),
    Role.DISTRIBUTOR: lazy("Distributor"),
    Role.INSPECTOR: lazy("Inspector"),
    Role.LINE: lazy("Production line"),
}


class OwnAccount(Conflict):
    code = "own_account"
    says = "You cannot do this to your own account."


class StaffForm(DeskForm):
    email = EmailField(
        lazy("E-mail"),
        [needed(), Length(max=EMAIL_CHARS_MAX)],
        render_kw={"autocomplete": "off"},
        description=lazy("They sign in with it."),
    )
    name = StringField(lazy("Name"), [needed(), Length(max=NAME_CHARS_MAX)], render_kw={"autocomplete": "off"})
    role = SelectField(
        lazy("Role"), choices=options({role.value: said for role, said in ROLES.items()}), default=Role.MARKETER.value
    )
    distributor_id = SelectField(lazy("Distributor"), description=lazy("Only for the role of distributor."))
    submit = SubmitField(lazy("Open account"))


@blueprint.get("/staff", endpoint="staff")
@admits(Role.OWNER)
def staff_list() -> str:
    return render_template(
        "console/staff.html",
        everyone=accounts.everyone(db(), tenant_id=desk.tenant_id()),
        role_names=ROLE_NAMES,
        distributor_names=_distributor_names(),
    )


@blueprint.route("/staff/new", methods=["GET", "POST"])
@admits(Role.OWNER)
def staff_new() -> str | tuple[str, int]:
    form = StaffForm()
    form.distributor_id.choices = options({"": "–"} | {one: f"{name} · {one}" for one, name in _distributor_names().items()})
    if form.validate_on_submit():
        role = Role(form.role.data)
        if role is Role.DISTRIBUTOR and not form.distributor_id.data:
            blame(form, "distributor_id", _("Choose whose goods they may see."))
        else:
            password = chance.token(PASSWORD_BYTES)
            with blaming(form, {"role_reserved": "role"}, otherwise="email"):
                member = accounts.add(
                    db(),
                    tenant_id=desk.tenant_id(),
                    email=form.email.data,
                    name=form.name.data,
                    role=role,
                    password=password,
                    distributor_id=form.distributor_id.data or None,
                    now=desk.now(),
                )
                return render_template("console/staff_password.html", member=member, password=password, is_new=True)
    return render_template("console/staff_new.html", form=form), 422 if form.errors else 200


@blueprint.post("/staff/<uuid:staff_id>/password")
@admits(Role.OWNER)
def staff_password(staff_id: UUID) -> str:
    member = _somebody_else(staff_id)
    password = chance.token(PASSWORD_BYTES)
    accounts.change_password(db(), tenant_id=desk.tenant_id(), staff_id=staff_id, password=password)
    return render_template("console/staff_password.html", member=member, password=password, is_new=False)


@blueprint.post("/staff/<uuid:staff_id>/disable")
@admits(Role.OWNER)
def staff_disable(staff_id: UUID) -> Response:
    member = _somebody_else(staff_id)
    accounts.disable(db(), tenant_id=desk.tenant_id(), staff_id=staff_id, now=desk.now())
    flash(_("%(name)s can no longer sign in, and was signed out everywhere.", name=member.name), "success")
    return redirect(url_for("console.staff"))


@blueprint.post("/staff/<uuid:staff_id>/enable")
@admits(Role.OWNER)
def staff_enable(staff_id: UUID) -> Response:
    member = _somebody_else(staff_id)
    accounts.enable(db(), tenant_id=desk.tenant_id(), staff_id=staff_id)
    flash(_("%(name)s can sign in again.", name=member.name), "success")
    return redirect(url_for("console.staff"))


def _somebody_else(staff_id: UUID) -> StaffMember:
    if staff_id == staff().id:
        raise OwnAccount
    return accounts.find(db(), tenant_id=desk.tenant_id(), staff_id=staff_id)


def _distributor_names() -> dict[str, str]:
    return {one.distributor_id: one.name for one in distributors.everybody(db(), tenant_id=desk.tenant_id())}
