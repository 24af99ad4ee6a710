"""The wallet: a member's points, what expires when, every movement with its reason, and what they agreed to.

Promises: shows one brand's member to themself and nobody else; consents end and begin with one press, each recorded with the text that
was shown. Who is not signed in is told how to: by scanning a product.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from codegen import brands
from codegen.brands import Brand
from crm import consents, ledger, profile
from crm.consents import ConsentForm, Language, Purpose
from crm.identities import PersonalKeys
from crm.lots import Lot, is_available
from crm.profile import ConsumerUnknown, Profile
from crm.transfers import Kind, Transfer
from kit.db import enter_tenant
from web.app import db, parts
from web.consumer import rewards
from web.consumer.frame import blueprint, sign_out, signed_in
from web.consumer.join import CHANNEL
from web.wording import gettext as _
from web.wording import language

HISTORY_ROWS = 20
EXPIRING_WITHIN = timedelta(days=90)
EXPIRING_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    profile: Profile
    brand: Brand
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """Points whose last day is `last_day`."""

    points: int
    last_day: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    points: int
    at: datetime
    said: str
    last_day: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One purpose with what the member last said to it, if anything; `needed` is the one without which nothing else works."""

    purpose: Purpose
    label: str
    text: str
    version: str
    granted: bool
    answered_at: datetime | None
    needed: bool


@blueprint.get("/wallet")
def wallet() -> str:
    member = _member()
    if member is None:
        return render_template("consumer/wallet_door.html")
    now = parts().clock.now()
    tenant_id, consumer_id = member.brand.tenant_id, member.profile.id
    page = ledger.history(
        db(), tenant_id=tenant_id, consumer_id=consumer_id, cursor=request.args.get("cursor") or None, rows_max=HISTORY_ROWS
    )
    open_lots = ledger.open_lots(db(), tenant_id=tenant_id, consumer_id=consumer_id, at=now)
    return render_template(
        "consumer/wallet.html",
        brand=member.brand,
        member=member.profile,
        points=member.profile.points,
        expiring=_expiring(open_lots, now=now, zone=member.zone),
        movements=[_movement(transfer, zone=member.zone) for transfer in page.rows],
        next_cursor=page.next_cursor,
        first_page="cursor" not in request.args,
        switches=_switches(member.profile),
        zone=member.zone.key,
    )


@blueprint.post("/wallet/consents")
def consent() -> Response:
    """`granted` is what the member wants from now on: `yes` or `no`."""
    member = _member()
    if member is None:
        return redirect(url_for("consumer.wallet"), 303)
    purpose = next((one for one in Purpose if one.value == request.form.get("purpose")), None)
    if purpose is not None:
        _answer(member, purpose, granted=request.form.get("granted") == "yes", version=request.form.get("version", ""))
    return redirect(url_for("consumer.wallet", _anchor="consents"), 303)


@blueprint.post("/wallet/sign-out")
def wallet_sign_out() -> Response:
    sign_out()
    flash(_("You are signed out on this device."), "consumer")
    return redirect(url_for("consumer.wallet"), 303)


def _answer(member: Member, purpose: Purpose, *, granted: bool, version: str) -> None:
    tenant_id, consumer_id = member.brand.tenant_id, member.profile.id
    spoken, now = Language(language()), parts().clock.now()
    if granted:
        form = ConsentForm(granted=frozenset({purpose}), version=version, language=spoken, channel=CHANNEL)
        consents.grant(db(), tenant_id=tenant_id, consumer_id=consumer_id, form=form, now=now)
        flash(_("Thank you. Your consent is noted."), "consumer")
    elif consents.withdraw(
        db(), tenant_id=tenant_id, consumer_id=consumer_id, purpose=purpose, language=spoken, channel=CHANNEL, now=now
    ):
        flash(_("Your consent is withdrawn from now on."), "consumer")


def _member() -> Member | None:
    session = signed_in()
    if session is None:
        return None
    enter_tenant(db(), session.tenant_id)
    try:
        found = profile.one(
            db(),
            tenant_id=session.tenant_id,
            consumer_id=session.consumer_id,
            keys=PersonalKeys.derive(parts().settings.secret_bytes),
            now=parts().clock.now(),
        )
    except ConsumerUnknown:
        sign_out()
        return None
    brand = brands.load(db(), tenant_id=session.tenant_id)
    return Member(profile=found, brand=brand, zone=ZoneInfo(brand.timezone))


def _expiring(lots: tuple[Lot, ...], *, now: datetime, zone: ZoneInfo) -> list[Expiring]:
    """What runs out soon, by last day. Lots come in the order of their expiry."""
    soon = [lot for lot in lots if lot.expires_at is not None and is_available(lot, at=now)]
    found = [
        Expiring(points=sum(lot.points_remaining for lot in of_day), last_day=last)
        for expires_at, of_day in groupby(soon, key=lambda lot: lot.expires_at)
        if expires_at is not None
        and expires_at - now <= EXPIRING_WITHIN
        and (last := rewards.last_day(expires_at, zone=zone)) is not None
    ]
    return found[:EXPIRING_SHOWN_MAX]


def _movement(transfer: Transfer, *, zone: ZoneInfo) -> Movement:
    facts = transfer.facts
    campaign = rewards.campaign_name(str(facts.get("campaign") or ""), str(facts.get("campaign_zh") or ""))
    words = {
        Kind.EARN: campaign or _("Points collected"),
        Kind.SPEND: _("Points spent"),
        Kind.EXPIRE: _("Points expired"),
    }
    return Movement(
        points=transfer.points,
        at=transfer.effective_at,
        said=words[transfer.kind],
        last_day=rewards.last_day(transfer.expires_at, zone=zone) if transfer.kind is Kind.EARN else None,
    )


def _switches(member: Profile) -> list[Switch]:
    labels = {
        Purpose.SERVICE: _("Membership and points"),
        Purpose.MARKETING: _("News and offers by text message"),
        Purpose.LOCATION: _("My place when I scan"),
    }
    spoken = Language(language())
    shown = []
    for purpose, label in labels.items():
        answer = member.consents.get(purpose)
        granted = answer is not None and answer.granted
        version = answer.version if answer is not None and granted else consents.VERSION
        shown.append(
            Switch(
                purpose=purpose,
                label=label,
                text=consents.text(purpose, language=spoken, version=version),
                version=version,
                granted=granted,
                answered_at=None if answer is None else answer.given_at,
                needed=purpose is consents.NEEDED,
            )
        )
    return shown
