"""What a scan earns, in words: the offer, what was claimed already, or politely why there is nothing.

Promises: the page says what a claim would decide, because both ask campaigns.claiming; where no campaign concerns a code, nothing is
said at all. Days are those of the brand's calendar, and the last day named is one on which the points still count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from campaigns import claiming
from campaigns.claims import Claimed
from campaigns.eligibility import ClaimRefused
from campaigns.terms import Offer
from codegen.code_facts import CodeFacts
from crm import ledger, lots
from web import wording
from web.consumer.visits import Visit
from web.wording import gettext as _

# These say that the code is not one that anybody could claim with; the verdict has said all there is to say.
_SILENT = frozenset({"code_not_claimable", "campaign_none", "scene_not_reward", "ticket_visitor"})
_TICK = timedelta(microseconds=1)


class State(StrEnum):
    OFFERED = "offered"
    CLAIMED = "claimed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """`last_day` is the last day on which the points count, None where they never expire. `code` names a refusal."""

    state: State
    points: int = 0
    campaign: str = ""
    last_day: datetime | None = None
    said: str = ""
    code: str = ""


def look(session: Session, visit: Visit, facts: CodeFacts | None, *, consumer_id: UUID | None, now: datetime) -> Reward | None:
    """What the page shows below the verdict."""
    preview = claiming.preview(
        session, ticket=visit.ticket, facts=facts, visitor=visit.visitor, consumer_id=consumer_id, zone=visit.zone, now=now
    )
    if preview.claimed is not None:
        return of_claim(session, preview.claimed, tenant_id=visit.tenant_id, zone=visit.zone)
    if preview.refusal is None or (preview.refusal.code == "not_confirmed" and preview.offer is not None):
        return None if preview.offer is None else _offered(preview.offer, zone=visit.zone, now=now)
    if preview.refusal.code in _SILENT:
        return None
    return Reward(state=State.REFUSED, said=refusal_words(preview.refusal, zone=visit.zone), code=preview.refusal.code)


def of_claim(session: Session, claimed: Claimed, *, tenant_id: int, zone: ZoneInfo) -> Reward:
    return Reward(
        state=State.CLAIMED,
        points=claimed.points,
        campaign=campaign_name(claimed.campaign_name, claimed.campaign_name_zh),
        last_day=last_day(_expiry(session, claimed, tenant_id=tenant_id), zone=zone),
    )


def _offered(offer: Offer, *, zone: ZoneInfo, now: datetime) -> Reward:
    return Reward(
        state=State.OFFERED,
        points=offer.terms.points,
        campaign=campaign_name(offer.terms.name, offer.terms.name_zh),
        last_day=last_day(lots.expiry(now, valid_days=offer.terms.points_valid_days, zone=zone), zone=zone),
    )


def _expiry(session: Session, claimed: Claimed, *, tenant_id: int) -> datetime | None:
    """When the points of this claim expire, as the ledger has it. A page that starts just behind the transfer's id begins with it."""
    behind = UUID(int=claimed.transfer_id.int + 1).hex
    rows = ledger.history(session, tenant_id=tenant_id, consumer_id=claimed.consumer_id, cursor=behind, rows_max=1).rows
    return rows[0].expires_at if rows and rows[0].id == claimed.transfer_id else None


def last_day(expires_at: datetime | None, *, zone: ZoneInfo) -> datetime | None:
    """The last instant before the expiry, whose day people are told."""
    return None if expires_at is None else (expires_at - _TICK).astimezone(zone)


def campaign_name(name: str, name_zh: str) -> str:
    return name_zh if wording.language() == "zh" and name_zh else name


def refusal_words(refusal: ClaimRefused, *, zone: ZoneInfo) -> str:
    """Why a claim earns nothing, as a consumer reads it."""
    if "claimed_at" in refusal.data:
        return _("The points of this code were collected on %(day)s.", day=_day(refusal.data["claimed_at"], zone=zone))
    if "starts_at" in refusal.data:
        return _("You can collect points with this code from %(day)s.", day=_day(refusal.data["starts_at"], zone=zone))
    said = {
        "not_first_scan": _("The points of this code belong to whoever checked it first."),
        "scanned_before_start": _("This code was first checked before the campaign began, so it earns no points."),
        "ended": _("The points campaign for this product has ended."),
        "paused": _("The points campaign is paused. Please scan again later."),
        "limit_consumer": _("You have collected as often as this campaign allows each member."),
        "limit_day": _("You have collected as often as this campaign allows on one day. Scan this code again tomorrow."),
        "budget_exhausted": _("All points of this campaign have been given away."),
        "consent_needed": _(
            "You withdrew your consent to the membership service. Give it again in your wallet to collect points."
        ),
        "code_withdrawn": _("This code cannot earn points now. Scan it again to see why."),
        "scene_not_reward": _("This code is there to check the product, and earns no points."),
        "not_confirmed": _("This check has not been confirmed yet. Please confirm it first."),
        "ticket_visitor": _("This check was made with another device. Please scan the code with this one."),
    }
    return said.get(refusal.code, _("This code earns no points."))


def _day(instant: object, *, zone: ZoneInfo) -> str:
    return wording.day(datetime.fromisoformat(str(instant)), timezone=zone.key)
