"""The key ring of the brand for its owners: which epoch is open, how much it holds, and the kill switch that voids all codes of one for ever."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import Length

from codegen import audit, orders
from codegen.audit import REASON_LENGTH_MAX
from codegen.cipher import COUNTER_MAX
from codegen.keys import keyring
from codegen.keys.keyring import EpochUnknown
from web.accounts import Role
from web.app import db, parts
from web.console import desk
from web.console.forms import DeskForm, blame, blaming, needed
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

STATES = {"open": lazy("Open"), "closed": lazy("Closed"), "revoked": lazy("Revoked")}


class RevokeForm(DeskForm):
    reason = StringField(
        lazy("Reason"),
        [needed(), Length(max=REASON_LENGTH_MAX)],
        description=lazy("For example: the key leaked, with the report's number."),
    )
    phrase = StringField(lazy("Type the words above to confirm"), [needed(), Length(max=200)], render_kw={"autocomplete": "off"})


@blueprint.get("/keys", endpoint="keys")
@admits(Role.OWNER)
def keys_page() -> str:
    codes: dict[int, int] = {}
    for order in orders.every(db(), tenant_id=desk.tenant_id()):
        codes[order.epoch] = codes.get(order.epoch, 0) + order.quantity
    return render_template(
        "console/order_keys.html",
        epochs=list(reversed(keyring.entries(db(), tenant_id=desk.tenant_id()))),
        codes=codes,
        counters=COUNTER_MAX + 1,
        epoch_states=STATES,
        lines=list(reversed(audit.of_keys(db(), tenant_id=desk.tenant_id()))),
    )


@blueprint.route("/keys/<int:epoch>/revoke", methods=["GET", "POST"])
@admits(Role.OWNER)
def keys_revoke(epoch: int) -> Response | str | tuple[str, int]:
    entry = next((one for one in keyring.entries(db(), tenant_id=desk.tenant_id()) if one.number == epoch), None)
    if entry is None:
        raise EpochUnknown(epoch=epoch)
    phrase = f"VOID EPOCH {epoch} OF {desk.brand().slug.upper()}"
    form = RevokeForm()
    if form.validate_on_submit():
        if form.phrase.data.strip().upper() != phrase:
            blame(form, "phrase", _("These are not the words. Nothing was changed."))
        else:
            with blaming(form, {"reason_too_long": "reason"}, otherwise="phrase"):
                keyring.revoke(
                    db(),
                    tenant_id=desk.tenant_id(),
                    epoch=epoch,
                    kek=parts().settings.kek_bytes,
                    reason=form.reason.data,
                    now=desk.now(),
                    actor=desk.actor(),
                )
                flash(_("Epoch %(epoch)s is revoked: none of its codes is valid any more.", epoch=epoch), "success")
                return redirect(url_for("console.keys"))
    concerned = [order for order in orders.every(db(), tenant_id=desk.tenant_id()) if order.epoch == epoch]
    page = render_template(
        "console/order_revoke.html",
        form=form,
        entry=entry,
        phrase=phrase,
        orders_count=len(concerned),
        codes=sum(order.quantity for order in concerned),
    )
    return page, 422 if form.errors else 200
