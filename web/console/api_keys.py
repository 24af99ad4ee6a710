"""API keys, for owners: by which apps and devices report scans. A new key is shown once."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField, SubmitField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from scanservice import api_keys
from scanservice.api_keys import Scope
from web.accounts import Role
from web.app import db
from web.console import desk
from web.console.forms import DeskForm, blaming, count_field, needed, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

SCOPES = {
    Scope.SCAN: lazy("Scans of consumers: an app or mini-program"),
    Scope.SHOP: lazy("Scans of shops: tills and sales people"),
    Scope.STAFF: lazy("Scans of your own people: warehouse, line, inspectors"),
    Scope.OFFLINE: lazy("With the device's own time, collected without a connection"),
}


class KeyForm(DeskForm):
    name = StringField(
        lazy("Name"),
        [needed(), Length(max=api_keys.NAME_LENGTH_MAX)],
        description=lazy("Who or what will use it, such as 'Shanghai warehouse scanners'."),
    )
    scopes = SelectMultipleField(
        lazy("May report"),
        choices=options({scope.value: label for scope, label in SCOPES.items()}),
        default=[Scope.SCAN.value],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    scans_per_s = count_field(lazy("Scans a second, at most"))
    submit = SubmitField(lazy("Make key"))


@blueprint.get("/api-keys")
@admits(Role.OWNER)
def api_keys_list() -> str:
    return _page(KeyForm(data={"scans_per_s": api_keys.SCANS_PER_S}))


@blueprint.post("/api-keys")
@admits(Role.OWNER)
def api_keys_list_new() -> Response | str | tuple[str, int]:
    form = KeyForm()
    if not form.validate_on_submit():
        return _page(form), 422
    with blaming(form, {"scopes_missing": "scopes", "key_rate_outside": "scans_per_s"}, otherwise="name"):
        made = api_keys.add(
            db(),
            tenant_id=desk.tenant_id(),
            key_id=desk.new_id(),
            name=form.name.data,
            scopes=api_keys.scopes_of(form.scopes.data),
            scans_per_s=form.scans_per_s.data,
            actor=desk.actor(),
            now=desk.now(),
        )
        return _page(KeyForm(formdata=None, data={"scans_per_s": api_keys.SCANS_PER_S}), secret=made.secret)
    return _page(form), 422


@blueprint.post("/api-keys/<uuid:key_id>/revoke")
@admits(Role.OWNER)
def api_keys_list_revoke(key_id: UUID) -> Response:
    key = api_keys.revoke(db(), tenant_id=desk.tenant_id(), key_id=key_id, actor=desk.actor(), now=desk.now())
    flash(_("%(name)s is revoked: whatever used it is refused from now on.", name=key.name), "success")
    return redirect(url_for("console.api_keys_list"))


def _page(form: KeyForm, *, secret: str = "") -> str:
    return render_template(
        "console/api_keys.html", form=form, secret=secret, keys=api_keys.listing(db(), tenant_id=desk.tenant_id()), scopes=SCOPES
    )
