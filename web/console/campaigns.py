"""Campaigns: what they promise, what they gave, and the steps from draft to end."""

from datetime import datetime, timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import DateTimeLocalField, HiddenField, SelectMultipleField, StringField, SubmitField
from wtforms.widgets import CheckboxInput, ListWidget

from campaigns import claims, offers
from campaigns.claims import Totals
from campaigns.terms import NAME_CHARS_MAX, Draft, Offer, State, TermsInvalid, TermsUnfavourable
from kit.refusals import Refusal
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.codes.orders import product_names, product_options
from web.console.forms import DeskForm, blame, count_field, needed
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import explained, lazy
from web.wording import gettext as _

STATES = {
    State.DRAFT: lazy("Draft"),
    State.RUNNING: lazy("Running"),
    State.PAUSED: lazy("Paused"),
    State.ENDED: lazy("Ended"),
}
WRONG = {
    "missing": lazy("Please fill this in."),
    "too_long": lazy("This is too long."),
    "unprintable": lazy("This has characters that cannot be shown."),
    "ends_before_it_starts": lazy("The end must come after the start."),
    "year_out_of_range": lazy("Choose a year from 2000 to 2199."),
    "not_positive": lazy("At least 1."),
    "too_large": lazy("This number is too large."),
    "below_one_claim": lazy("The budget must be enough for one claim."),
    "too_many": lazy("Too many products. Choose none to mean all."),
    "unknown_product": lazy("One of these products is not there any more."),
}
DAYS_DEFAULT = 90
LOCAL_TIME = "%Y-%m-%dT%H:%M"
NO_TOTALS = Totals(claims=0, consumers=0, points=0)


class CampaignForm(DeskForm):
    """`campaign_id` is drawn when the form is shown, `revision` is the one that was looked at."""

    campaign_id = HiddenField()
    revision = HiddenField()
    name = StringField(lazy("Name in English"), [needed()], render_kw={"maxlength": NAME_CHARS_MAX})
    name_zh = StringField(
        lazy("Name in Chinese"), description=lazy("Shown to consumers who read Chinese."), render_kw={"maxlength": NAME_CHARS_MAX}
    )
    starts_at = DateTimeLocalField(lazy("Starts"), [needed()], format=LOCAL_TIME)
    ends_at = DateTimeLocalField(lazy("Ends"), [needed()], format=LOCAL_TIME)
    points = count_field(lazy("Points for each code"), description=lazy("Given once for the first confirmed scan of a code."))
    points_valid_days = count_field(
        lazy("Points are valid for (days)"), needs=False, description=lazy("Empty: they never expire.")
    )
    gtins = SelectMultipleField(
        lazy("Products"),
        description=lazy("None chosen: every product."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    claims_per_consumer_max = count_field(
        lazy("Claims of one consumer, at most"), needs=False, description=lazy("Over the whole campaign. Empty: no limit.")
    )
    claims_per_day_max = count_field(
        lazy("Claims of one consumer in a day, at most"), needs=False, description=lazy("Empty: no limit.")
    )
    points_budget = count_field(
        lazy("Budget in points"),
        needs=False,
        description=lazy("The campaign gives no more than this. Empty: no limit. Set one: a copied code list cannot spend more."),
    )
    submit = SubmitField(lazy("Save"))


@blueprint.get("/campaigns", endpoint="campaigns")
@admits(*CONSOLE_ROLES)
def campaigns_list() -> str:
    totals = claims.totals(db(), tenant_id=desk.tenant_id())
    rows = [(offer, totals.get(offer.id, NO_TOTALS)) for offer in offers.listing(db(), tenant_id=desk.tenant_id())]
    return render_template("console/campaigns.html", rows=rows, campaign_states=STATES, phase=_phase)


@blueprint.route("/campaigns/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def campaigns_new() -> Response | str | tuple[str, int]:
    today = desk.now().astimezone(desk.zone()).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    form = _form(
        CampaignForm(
            data={
                "campaign_id": str(desk.new_id()),
                "starts_at": today,
                "ends_at": today + timedelta(days=DAYS_DEFAULT),
                "points": 10,
                "points_valid_days": 365,
            }
        )
    )
    if form.validate_on_submit():
        saved = _saved(form, offer=None)
        if saved is not None:
            flash(_("Saved as a draft. Start it when it is right."), "success")
            return redirect(url_for("console.campaigns_one", campaign_id=saved.id))
    return render_template("console/campaign_edit.html", form=form, offer=None), 422 if form.errors else 200


@blueprint.get("/campaigns/<uuid:campaign_id>")
@admits(*CONSOLE_ROLES)
def campaigns_one(campaign_id: UUID) -> str:
    offer = offers.get(db(), tenant_id=desk.tenant_id(), campaign_id=campaign_id)
    names = product_names()
    return render_template(
        "console/campaign.html",
        offer=offer,
        totals=claims.totals(db(), tenant_id=desk.tenant_id()).get(offer.id, NO_TOTALS),
        page=claims.of_campaign(db(), tenant_id=desk.tenant_id(), campaign_id=campaign_id, cursor=request.args.get("after")),
        is_first="after" not in request.args,
        names=names,
        scope=[names.get(gtin, gtin) for gtin in sorted(offer.terms.gtins)],
        campaign_states=STATES,
        phase=_phase(offer),
    )


@blueprint.route("/campaigns/<uuid:campaign_id>/edit", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def campaigns_edit(campaign_id: UUID) -> Response | str | tuple[str, int]:
    offer = offers.get(db(), tenant_id=desk.tenant_id(), campaign_id=campaign_id)
    if offer.state is State.ENDED:
        raise offers.CampaignClosed(campaign_id=campaign_id)
    form = _form(CampaignForm(data=_typed(offer)))
    if form.validate_on_submit():
        saved = _saved(form, offer=offer)
        if saved is not None:
            flash(_("Saved."), "success")
            return redirect(url_for("console.campaigns_one", campaign_id=campaign_id))
    return render_template("console/campaign_edit.html", form=form, offer=offer), 422 if form.errors else 200


@blueprint.post("/campaigns/<uuid:campaign_id>/<step>")
@admits(*CONSOLE_ROLES)
def campaigns_step(campaign_id: UUID, step: str) -> Response:
    try:
        with db().begin_nested():
            offer = _step(campaign_id, step)
    except Refusal as refusal:
        if refusal.status == NotFound.code:
            raise
        flash(explained(refusal), "danger")
    else:
        flash(_("%(name)s: %(state)s.", name=offer.terms.name, state=STATES[offer.state]), "success")
    return redirect(url_for("console.campaigns_one", campaign_id=campaign_id))


def _step(campaign_id: UUID, step: str) -> Offer:
    if step == "start":
        return offers.publish(db(), tenant_id=desk.tenant_id(), campaign_id=campaign_id, now=desk.now())
    steps = {"pause": offers.pause, "resume": offers.resume, "end": offers.end}
    if step not in steps:
        raise NotFound
    return steps[step](db(), tenant_id=desk.tenant_id(), campaign_id=campaign_id)


def _form(form: CampaignForm) -> CampaignForm:
    form.gtins.choices = product_options()
    return form


def _saved(form: CampaignForm, *, offer: Offer | None) -> Offer | None:
    """The campaign as it is now, or None with the errors beside the fields."""
    try:
        with db().begin_nested():
            draft = _draft(form, known=offer)
            if offer is None:
                return offers.create(
                    db(),
                    tenant_id=desk.tenant_id(),
                    draft=draft,
                    actor=desk.actor(),
                    now=desk.now(),
                    campaign_id=UUID(form.campaign_id.data),
                )
            revision = int(form.revision.data)
            return offers.edit(
                db(), tenant_id=desk.tenant_id(), campaign_id=offer.id, draft=draft, revision=revision, now=desk.now()
            )
    except TermsInvalid as refusal:
        for field, wrong in refusal.fields.items():
            blame(form, field, str(WRONG.get(wrong, wrong)))
    except TermsUnfavourable as refusal:
        for field in refusal.fields:
            blame(form, field, _("A campaign that was started may only become better for consumers."))
    except Refusal as refusal:
        blame(form, "name", explained(refusal))
    except ValueError:
        # A hidden field that is no id and no number was not written by this page.
        blame(form, "name", _("This form is damaged. Load the page again."))
    return None


def _draft(form: CampaignForm, *, known: Offer | None) -> Draft:
    return Draft(
        name=form.name.data,
        name_zh=form.name_zh.data,
        starts_at=_instant(form.starts_at.data, known=known.terms.starts_at if known else None),
        ends_at=_instant(form.ends_at.data, known=known.terms.ends_at if known else None),
        points=form.points.data,
        points_valid_days=form.points_valid_days.data,
        claims_per_consumer_max=form.claims_per_consumer_max.data,
        claims_per_day_max=form.claims_per_day_max.data,
        points_budget=form.points_budget.data,
        gtins=frozenset(form.gtins.data or ()),
    )


def _typed(offer: Offer) -> dict[str, object]:
    terms = offer.terms
    return {
        "campaign_id": str(offer.id),
        "revision": str(offer.revision),
        "name": terms.name,
        "name_zh": terms.name_zh,
        "starts_at": terms.starts_at.astimezone(desk.zone()).replace(tzinfo=None),
        "ends_at": terms.ends_at.astimezone(desk.zone()).replace(tzinfo=None),
        "points": terms.points,
        "points_valid_days": terms.points_valid_days,
        "claims_per_consumer_max": terms.claims_per_consumer_max,
        "claims_per_day_max": terms.claims_per_day_max,
        "points_budget": terms.points_budget,
        "gtins": sorted(terms.gtins),
    }


def _instant(local: datetime, *, known: datetime | None) -> datetime:
    """What a clock on the brand's wall means. The form shows whole minutes: an instant that nobody touched keeps its seconds."""
    meant = local.replace(tzinfo=desk.zone())
    shown = known and known.astimezone(desk.zone()).replace(second=0, microsecond=0)
    return known if known is not None and shown == meant else meant


def _phase(offer: Offer) -> str:
    """What the state alone does not say: a running campaign gives nothing outside its period."""
    if offer.state is State.RUNNING and desk.now() < offer.terms.starts_at:
        return _("Its period has not begun.")
    if offer.state is State.RUNNING and desk.now() >= offer.terms.ends_at:
        return _("Its period is over.")
    return ""
