"""Campaigns as marketers handle them: written, published, paused, resumed, ended.

draft -> running <-> paused -> ended (a draft may be ended too). Promises: each edit raises the revision by one, and an edit made
on an older revision is refused, so that two marketers never overwrite each other unseen. Refuses wrong terms field by field, steps
that the state does not allow, and, once published, changes for the worse (campaigns.terms).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from campaigns import terms
from campaigns.models import Campaign, CampaignProduct
from campaigns.terms import Draft, Offer, State
from codegen import products
from kit import ids
from kit.refusals import Conflict, NotFound

__all__ = [
    "Draft",
    "Offer",
    "State",
    "create",
    "edit",
    "end",
    "get",
    "listing",
    "pause",
    "publish",
    "published",
    "resume",
]

MECHANIC: Final = "first_scan_points"
LISTED_MAX: Final = 500
# Of ended campaigns only the latest can matter to somebody who holds a fresh ticket.
ENDED_CONSIDERED_MAX: Final = 20


class CampaignUnknown(NotFound):
    code: ClassVar[str] = "campaign_unknown"
    says: ClassVar[str] = "There is no such campaign."


class CampaignChanged(Conflict):
    code: ClassVar[str] = "campaign_changed"
    says: ClassVar[str] = "Somebody changed this campaign meanwhile (revision {revision}). Load it again."


class CampaignDiffers(Conflict):
    code: ClassVar[str] = "campaign_differs"
    says: ClassVar[str] = "There is a campaign with this id and other terms."


class CampaignStateRefused(Conflict):
    code: ClassVar[str] = "campaign_state"
    says: ClassVar[str] = "A campaign that is {state} cannot become {wanted}."


class CampaignClosed(Conflict):
    code: ClassVar[str] = "campaign_closed"
    says: ClassVar[str] = "An ended campaign cannot be changed."


class CampaignOver(Conflict):
    code: ClassVar[str] = "campaign_over"
    says: ClassVar[str] = "The campaign's period has passed ({ends_at}). Move its end first."


def create(
    session: Session,
    *,
    tenant_id: int,
    draft: Draft,
    actor: str,
    now: datetime,
    running: bool = False,
    campaign_id: UUID | None = None,
) -> Offer:
    """Writes a campaign down; with `running` it is published at once. The same `campaign_id` again returns what is there."""
    draft = _checked(session, draft, tenant_id=tenant_id)
    number = campaign_id or ids.uuid7(now)
    state = State.RUNNING if running else State.DRAFT
    if running:
        _require_future(draft, now=now)
    added = session.scalar(
        insert(Campaign)
        .values(
            tenant_id=tenant_id,
            id=number,
            mechanic=MECHANIC,
            state=state.value,
            created_by=actor,
            created_at=now,
            **_columns(draft),
        )
        .on_conflict_do_nothing(index_elements=[Campaign.tenant_id, Campaign.id])
        .returning(Campaign.id)
    )
    if added is not None:
        _scope(session, tenant_id=tenant_id, campaign_id=number, draft=draft)
    found = get(session, tenant_id=tenant_id, campaign_id=number)
    if found.terms != draft:
        raise CampaignDiffers(campaign_id=number)
    return found


def edit(session: Session, *, tenant_id: int, campaign_id: UUID, draft: Draft, revision: int, now: datetime) -> Offer:
    """Replaces the terms. `revision` is the one that the marketer looked at."""
    known = get(session, tenant_id=tenant_id, campaign_id=campaign_id)
    draft = _checked(session, draft, tenant_id=tenant_id)
    if known.state is State.ENDED:
        raise CampaignClosed(campaign_id=campaign_id)
    if known.state is not State.DRAFT:
        terms.check_favourable(known.terms, draft, has_started=known.terms.starts_at <= now)
    changed = session.scalar(
        update(Campaign)
        .where(
            Campaign.tenant_id == tenant_id,
            Campaign.id == campaign_id,
            Campaign.revision == revision,
            Campaign.state == known.state.value,
        )
        .values(revision=Campaign.revision + 1, **_columns(draft))
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        raise CampaignChanged(revision=get(session, tenant_id=tenant_id, campaign_id=campaign_id).revision)
    _scope(session, tenant_id=tenant_id, campaign_id=campaign_id, draft=draft)
    return get(session, tenant_id=tenant_id, campaign_id=campaign_id)


def publish(session: Session, *, tenant_id: int, campaign_id: UUID, now: datetime) -> Offer:
    _require_future(get(session, tenant_id=tenant_id, campaign_id=campaign_id).terms, now=now)
    return _move(session, tenant_id=tenant_id, campaign_id=campaign_id, out_of={State.DRAFT}, into=State.RUNNING)


def pause(session: Session, *, tenant_id: int, campaign_id: UUID) -> Offer:
    return _move(session, tenant_id=tenant_id, campaign_id=campaign_id, out_of={State.RUNNING}, into=State.PAUSED)


def resume(session: Session, *, tenant_id: int, campaign_id: UUID) -> Offer:
    return _move(session, tenant_id=tenant_id, campaign_id=campaign_id, out_of={State.PAUSED}, into=State.RUNNING)


def end(session: Session, *, tenant_id: int, campaign_id: UUID) -> Offer:
    """For good: nobody can claim from it any more."""
    out_of = {State.DRAFT, State.RUNNING, State.PAUSED}
    return _move(session, tenant_id=tenant_id, campaign_id=campaign_id, out_of=out_of, into=State.ENDED)


def get(session: Session, *, tenant_id: int, campaign_id: UUID) -> Offer:
    found = _read(session, select(*_COLUMNS).where(Campaign.tenant_id == tenant_id, Campaign.id == campaign_id))
    if not found:
        raise CampaignUnknown(campaign_id=campaign_id)
    return found[0]


def listing(session: Session, *, tenant_id: int) -> Sequence[Offer]:
    """The brand's campaigns, latest first."""
    query = (
        select(*_COLUMNS)
        .where(Campaign.tenant_id == tenant_id)
        .order_by(Campaign.created_at.desc(), Campaign.id.desc())
        .limit(LISTED_MAX)
    )
    return _read(session, query)


def published(session: Session, *, tenant_id: int) -> Sequence[Offer]:
    """What a claim has to look at: those that run or pause, the latest of them where there are very many, and the latest that ended."""
    numbers = select(Campaign.id).where(Campaign.tenant_id == tenant_id)
    alive = (
        numbers.where(Campaign.state.in_([State.RUNNING.value, State.PAUSED.value]))
        .order_by(Campaign.ends_at.desc(), Campaign.id)
        .limit(LISTED_MAX)
    )
    ended = numbers.where(Campaign.state == State.ENDED.value).order_by(Campaign.ends_at.desc(), Campaign.id)
    considered = or_(Campaign.id.in_(alive), Campaign.id.in_(ended.limit(ENDED_CONSIDERED_MAX)))
    return _read(session, select(*_COLUMNS).where(Campaign.tenant_id == tenant_id, considered).order_by(Campaign.id))


_COLUMNS = (
    Campaign.id,
    Campaign.name,
    Campaign.name_zh,
    Campaign.state,
    Campaign.revision,
    Campaign.starts_at,
    Campaign.ends_at,
    Campaign.points,
    Campaign.points_valid_days,
    Campaign.claims_per_consumer_max,
    Campaign.claims_per_day_max,
    Campaign.points_budget,
    Campaign.points_granted,
    Campaign.created_by,
    Campaign.created_at,
    select(func.array_agg(CampaignProduct.gtin))
    .where(CampaignProduct.tenant_id == Campaign.tenant_id, CampaignProduct.campaign_id == Campaign.id)
    .scalar_subquery()
    .label("gtins"),
)


def _read(session: Session, query: Any) -> list[Offer]:
    return [_offer(row) for row in session.execute(query)]


def _offer(row: Any) -> Offer:
    return Offer(
        id=row.id,
        state=State(row.state),
        revision=row.revision,
        terms=Draft(
            name=row.name,
            name_zh=row.name_zh,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            points=row.points,
            points_valid_days=row.points_valid_days,
            claims_per_consumer_max=row.claims_per_consumer_max,
            claims_per_day_max=row.claims_per_day_max,
            points_budget=row.points_budget,
            gtins=frozenset(row.gtins or ()),
        ),
        points_granted=row.points_granted,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _columns(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "name_zh": draft.name_zh,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "points": draft.points,
        "points_valid_days": draft.points_valid_days,
        "claims_per_consumer_max": draft.claims_per_consumer_max,
        "claims_per_day_max": draft.claims_per_day_max,
        "points_budget": draft.points_budget,
    }


def _checked(session: Session, draft: Draft, *, tenant_id: int) -> Draft:
    known = [product.gtin for product in products.listing(session, tenant_id=tenant_id)]
    terms.check(draft, known_gtins=known)
    return replace(draft, name=draft.name.strip(), name_zh=draft.name_zh.strip())


def _require_future(draft: Draft, *, now: datetime) -> None:
    if draft.ends_at <= now:
        raise CampaignOver(ends_at=draft.ends_at)


def _scope(session: Session, *, tenant_id: int, campaign_id: UUID, draft: Draft) -> None:
    session.execute(
        delete(CampaignProduct).where(CampaignProduct.tenant_id == tenant_id, CampaignProduct.campaign_id == campaign_id)
    )
    rows = [{"tenant_id": tenant_id, "campaign_id": campaign_id, "gtin": gtin} for gtin in sorted(draft.gtins)]
    if rows:
        session.execute(insert(CampaignProduct).values(rows))


def _move(session: Session, *, tenant_id: int, campaign_id: UUID, out_of: set[State], into: State) -> Offer:
    """One conditional step. Somebody who wants what is already so gets it."""
    session.execute(
        update(Campaign)
        .where(Campaign.tenant_id == tenant_id, Campaign.id == campaign_id, Campaign.state.in_([state.value for state in out_of]))
        .values(state=into.value)
        .execution_options(synchronize_session=False)
    )
    now_is = get(session, tenant_id=tenant_id, campaign_id=campaign_id)
    if now_is.state is not into:
        raise CampaignStateRefused(state=now_is.state.value, wanted=into.value)
    return now_is
