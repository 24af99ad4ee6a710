"""When buyers of a product are warned of copies: what its own scans suggest, a dry run over the last days, and the change."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField, SubmitField
from wtforms.fields import SelectField
from wtforms.validators import Length, NumberRange

from codegen import audit, products
from codegen.gtin import Gtin
from codegen.keys import keyring
from codegen.products import Product
from crm import identities
from scanservice import catalogue, evidence, thresholds
from scanservice.evidence import Weights
from scanservice.thresholds import Affected, DryRun, Suggestion
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.forms import DeskForm, blaming, needed
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

# Odds that people can picture, by the decibans that the platform counts in.
ODDS = {
    -10: lazy("Early: one code in ten may be copied"),
    0: lazy("Usual: copied or not is even"),
    5: lazy("Careful: three to one for copies"),
    10: lazy("Late: ten to one for copies"),
    20: lazy("Very late: a hundred to one for copies"),
}


class WarningForm(DeskForm):
    stranger_rate_pm = IntegerField(
        lazy("Of a thousand genuine items, so many are checked by a stranger too"),
        [needed(), NumberRange(min=evidence.STRANGER_RATE_PM_MIN, max=evidence.STRANGER_RATE_PM_MAX)],
        description=lazy(
            "Gifts and bottles opened at a table go round; spare parts hardly do. The more usual it is, the less it says of copies."
        ),
    )
    suspect_at_db = SelectField(lazy("Warn a buyer"), coerce=int)
    reason = StringField(
        lazy("Why"),
        [Length(max=audit.REASON_LENGTH_MAX)],
        description=lazy("Needed to save. It stands in the audit with your name."),
    )
    preview = SubmitField(lazy("Try on the last 30 days"))
    submit = SubmitField(lazy("Save"))
    usual = SubmitField(lazy("Back to the usual"))

    def __init__(self, *, there: Weights) -> None:
        super().__init__(data={"stranger_rate_pm": there.stranger_rate_pm, "suspect_at_db": there.suspect_at_db})
        choices = {**ODDS, there.suspect_at_db: ODDS.get(there.suspect_at_db, lazy("As now"))}
        self.suspect_at_db.choices = sorted(choices.items())

    @property
    def weights(self) -> Weights:
        return evidence.weights(self.stranger_rate_pm.data, self.suspect_at_db.data)


@blueprint.route("/products/<gtin>/warnings", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def products_list_warnings(gtin: str) -> Response | str | tuple[str, int]:
    product = products.find(db(), tenant_id=desk.tenant_id(), gtin=gtin)
    there = catalogue.weights_of(product)
    form = WarningForm(there=there)
    if not form.validate_on_submit():
        return _page(product, form), 422 if form.errors else 200
    if form.preview.data:
        tried = thresholds.dry_run(db(), tenant_id=desk.tenant_id(), gtin=product.gtin, weights=form.weights, now=desk.now())
        return _page(product, form, tried)
    wanted = None if form.usual.data else form.weights
    with blaming(form, {"rate_outside": "stranger_rate_pm", "odds_outside": "suspect_at_db"}, otherwise="reason"):
        thresholds.set_weights(
            db(),
            tenant_id=desk.tenant_id(),
            gtin=product.gtin,
            weights=wanted,
            reason=form.reason.data,
            actor=desk.actor(),
            now=desk.now(),
        )
        flash(_("Buyers of %(name)s are warned so from the next scan on.", name=product.name), "success")
        return redirect(url_for("console.products_list"))
    return _page(product, form), 422


def _page(product: Product, form: WarningForm, tried: DryRun | None = None) -> str:
    return render_template(
        "console/product_warnings.html",
        product=product,
        form=form,
        usual=evidence.USUAL,
        suggested=_suggested(product.gtin),
        tried=tried,
        members=_members(tried),
        serials={} if tried is None else _serials(tried.codes),
        odds=ODDS,
    )


def _suggested(gtin: Gtin) -> Suggestion:
    return thresholds.suggestion(db(), tenant_id=desk.tenant_id(), gtin=gtin, now=desk.now())


def _members(tried: DryRun | None) -> int:
    return 0 if tried is None else identities.members_among(db(), tenant_id=desk.tenant_id(), visitors=tried.warned)


def _serials(codes: tuple[Affected, ...]) -> dict[Affected, str]:
    """What to type into the look-up, for each code that is shown."""
    ciphers = {
        epoch: keyring.cipher(db(), tenant_id=desk.tenant_id(), epoch=epoch, kek=parts().settings.kek_bytes)
        for epoch in {code.epoch for code in codes}
    }
    return {code: ciphers[code.epoch].serial_of(code.counter) for code in codes}
