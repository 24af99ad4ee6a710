"""Claiming: a ticket from a real scan becomes points, in one transaction, once.

Promises: eligibility, limits, budget, ledger and record commit together, and a refusal leaves nothing behind, even where the border
goes on and commits. However many claim one code at once, one claim and one transfer come of it. The same consumer who claims the
same code again gets the first answer, also when the campaign has ended since. Limits hold under any concurrency, because every
counter moves by one conditional statement that says whether it moved.
The code's own record is asked at the time of the claim: a void reaches also those whose ticket is older.
Refuses by the rules of campaigns.eligibility, each refusal with a code and the trace that led to it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from campaigns import claims, eligibility, offers
from campaigns.claims import Claimed
from campaigns.eligibility import (
    AlreadyClaimed,
    BudgetExhausted,
    ClaimRefused,
    ConsentMissing,
    LimitConsumer,
    LimitDay,
    Notes,
    Trace,
)
from campaigns.models import Campaign, Claim, ClaimCount
from campaigns.terms import Offer, State
from codegen import code_facts
from codegen.code_facts import CodeFacts
from crm import consents, ledger, lots
from crm.consents import Purpose
from kit import ids
from scanservice.tickets import Ticket

ACTOR = "claim"
ALL_DAYS = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a claim would earn now: `claimed` when this consumer has it already, else `refusal` says why not, or nothing is in the way.

    `offer` is the campaign that applies, also where a later rule refuses.
    """

    offer: Offer | None
    claimed: Claimed | None
    refusal: ClaimRefused | None
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A claim that every rule without a counter allows."""

    offer: Offer
    epoch: int
    counter: int


def claim(session: Session, *, ticket: Ticket, visitor: bytes, consumer_id: UUID, zone: ZoneInfo, now: datetime) -> Claimed:
    """Gives the consumer the points of the ticket's code. `visitor` is who presents the ticket, `zone` the brand's calendar."""
    notes = Notes()
    with session.begin_nested():
        _lock_code(session, ticket)
        facts = _facts(session, ticket)
        found = _consider(session, ticket=ticket, facts=facts, visitor=visitor, consumer_id=consumer_id, now=now, notes=notes)
        if isinstance(found, Claimed):
            return found
        _require_consent(session, tenant_id=ticket.tenant_id, consumer_id=consumer_id, notes=notes)
        return _book(session, found, ticket=ticket, consumer_id=consumer_id, zone=zone, now=now, notes=notes)


def preview(
    session: Session,
    *,
    ticket: Ticket,
    facts: CodeFacts | None,
    visitor: bytes,
    consumer_id: UUID | None,
    zone: ZoneInfo,
    now: datetime,
) -> Preview:
    """The same decision without doing it, on `facts` that the caller has just read; `consumer_id` None for somebody who has not joined."""
    notes, claimed, refusal = Notes(), None, None
    try:
        found = _consider(session, ticket=ticket, facts=facts, visitor=visitor, consumer_id=consumer_id, now=now, notes=notes)
        if isinstance(found, Claimed):
            claimed = found
        else:
            _look_ahead(
                session, found.offer, tenant_id=ticket.tenant_id, consumer_id=consumer_id, day=_day(now, zone), notes=notes
            )
    except ClaimRefused as refused:
        refusal = refused
    return Preview(offer=notes.offer, claimed=claimed, refusal=refusal, trace=tuple(notes.steps))


def _lock_code(session: Session, ticket: Ticket) -> None:
    """One claim of a code at a time, whatever the campaign: two campaigns that change over meanwhile cannot both pay."""
    name = f"claim:{ticket.tenant_id}:{ticket.epoch}:{ticket.counter}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _facts(session: Session, ticket: Ticket) -> CodeFacts | None:
    if ticket.epoch is None or ticket.counter is None:
        return None
    return code_facts.of(session, tenant_id=ticket.tenant_id, epoch=ticket.epoch, counter=ticket.counter)


def _consider(
    session: Session,
    *,
    ticket: Ticket,
    facts: CodeFacts | None,
    visitor: bytes,
    consumer_id: UUID | None,
    now: datetime,
    notes: Notes,
) -> _Candidate | Claimed:
    epoch, counter = eligibility.check_code(ticket, visitor=visitor, notes=notes)
    made = claims.of_code(session, tenant_id=ticket.tenant_id, epoch=epoch, counter=counter)
    if made:
        return _first_answer(made[0], consumer_id=consumer_id, notes=notes)
    eligibility.check_record(facts, notes=notes)
    known = offers.published(session, tenant_id=ticket.tenant_id)
    offer = eligibility.choose(known, gtin=ticket.gtin, now=now, notes=notes)
    eligibility.check_scan(ticket, offer=offer, notes=notes)
    return _Candidate(offer=offer, epoch=epoch, counter=counter)


def _first_answer(made: Claimed, *, consumer_id: UUID | None, notes: Notes) -> Claimed:
    if made.consumer_id != consumer_id:
        raise notes.refused(AlreadyClaimed(claimed_at=made.claimed_at.isoformat(timespec="minutes")))
    notes.passed("claimed_before", claim_id=made.id, claimed_at=made.claimed_at)
    return made


def _require_consent(session: Session, *, tenant_id: int, consumer_id: UUID, notes: Notes) -> None:
    if not consents.is_granted(session, tenant_id=tenant_id, consumer_id=consumer_id, purpose=Purpose.SERVICE):
        raise notes.refused(ConsentMissing())
    notes.passed("consent", purpose=Purpose.SERVICE.value)


def _book(
    session: Session, candidate: _Candidate, *, ticket: Ticket, consumer_id: UUID, zone: ZoneInfo, now: datetime, notes: Notes
) -> Claimed:
    """Record first: it decides between two who claim one code. The campaign's row last: everybody waits for it, so it is held shortest."""
    tenant_id, offer = ticket.tenant_id, candidate.offer
    transfer_id = ids.uuid7(now)
    added = _record(session, candidate, ticket=ticket, consumer_id=consumer_id, transfer_id=transfer_id, now=now)
    made = claims.of_code(session, tenant_id=tenant_id, epoch=candidate.epoch, counter=candidate.counter)[0]
    if not added:
        return _first_answer(made, consumer_id=consumer_id, notes=notes)
    _count(session, offer, tenant_id=tenant_id, consumer_id=consumer_id, day=_day(now, zone), notes=notes)
    ledger.earn(
        session,
        tenant_id=tenant_id,
        consumer_id=consumer_id,
        points=offer.terms.points,
        natural_key=f"claim:{offer.id}:{candidate.epoch}:{candidate.counter}",
        actor=ACTOR,
        now=now,
        expires_at=lots.expiry(now, valid_days=offer.terms.points_valid_days, zone=zone),
        facts={
            "campaign_id": str(offer.id),
            "campaign": offer.terms.name,
            "campaign_zh": offer.terms.name_zh,
            "gtin": ticket.gtin,
        },
        transfer_id=transfer_id,
    )
    _charge_budget(session, offer, tenant_id=tenant_id, gtin=ticket.gtin, now=now, notes=notes)
    return replace(made, is_new=True)


def _record(
    session: Session, candidate: _Candidate, *, ticket: Ticket, consumer_id: UUID, transfer_id: UUID, now: datetime
) -> bool:
    added = session.scalar(
        insert(Claim)
        .values(
            tenant_id=ticket.tenant_id,
            id=ids.uuid7(now),
            campaign_id=candidate.offer.id,
            campaign_revision=candidate.offer.revision,
            epoch=candidate.epoch,
            counter=candidate.counter,
            consumer_id=consumer_id,
            scan_id=ticket.scan_id,
            gtin=ticket.gtin,
            points=candidate.offer.terms.points,
            transfer_id=transfer_id,
            claimed_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Claim.tenant_id, Claim.campaign_id, Claim.epoch, Claim.counter])
        .returning(Claim.id)
    )
    return added is not None


def _count(session: Session, offer: Offer, *, tenant_id: int, consumer_id: UUID, day: date, notes: Notes) -> None:
    """Both counters move also where there is no limit, so that a limit set later is right from its first day."""
    terms = offer.terms
    for on, claims_max, refusal in (
        (ALL_DAYS, terms.claims_per_consumer_max, LimitConsumer),
        (day, terms.claims_per_day_max, LimitDay),
    ):
        claimed = _count_one(session, offer.id, tenant_id=tenant_id, consumer_id=consumer_id, day=on, claims_max=claims_max)
        if claimed is None:
            raise notes.refused(refusal(claims_max=claims_max))
        notes.passed(refusal.code, claims=claimed, claims_max=claims_max)


def _count_one(
    session: Session, campaign_id: UUID, *, tenant_id: int, consumer_id: UUID, day: date, claims_max: int | None
) -> int | None:
    """The counter after one more claim, or None where the limit forbids it."""
    below = None if claims_max is None else ClaimCount.claims < claims_max
    return session.scalar(
        insert(ClaimCount)
        .values(tenant_id=tenant_id, campaign_id=campaign_id, consumer_id=consumer_id, day=day, claims=1)
        .on_conflict_do_update(
            index_elements=[ClaimCount.tenant_id, ClaimCount.campaign_id, ClaimCount.consumer_id, ClaimCount.day],
            set_={"claims": ClaimCount.claims + 1},
            where=below,
        )
        .returning(ClaimCount.claims)
    )


def _charge_budget(session: Session, offer: Offer, *, tenant_id: int, gtin: str, now: datetime, notes: Notes) -> None:
    granted = Campaign.points_granted + offer.terms.points
    charged = session.scalar(
        update(Campaign)
        .where(
            Campaign.tenant_id == tenant_id,
            Campaign.id == offer.id,
            Campaign.state == State.RUNNING.value,
            or_(Campaign.points_budget.is_(None), granted <= Campaign.points_budget),
        )
        .values(points_granted=granted)
        .returning(Campaign.points_granted)
        .execution_options(synchronize_session=False)
    )
    if charged is None:
        # Paused or ended since we looked: then choosing again among this one campaign refuses with the reason.
        fresh = offers.get(session, tenant_id=tenant_id, campaign_id=offer.id)
        if fresh.state is not State.RUNNING:
            eligibility.choose([fresh], gtin=gtin, now=now, notes=notes)
        raise notes.refused(BudgetExhausted(points_budget=offer.terms.points_budget))
    notes.passed(BudgetExhausted.code, points_granted=charged, points_budget=offer.terms.points_budget)


def _look_ahead(session: Session, offer: Offer, *, tenant_id: int, consumer_id: UUID | None, day: date, notes: Notes) -> None:
    """What `claim` would ask of consent and counters, read and not moved. Nobody knows these of somebody who has not joined."""
    if consumer_id is not None:
        _require_consent(session, tenant_id=tenant_id, consumer_id=consumer_id, notes=notes)
        _look_at_limits(session, offer, tenant_id=tenant_id, consumer_id=consumer_id, day=day, notes=notes)
    budget = offer.terms.points_budget
    if budget is not None and offer.points_granted + offer.terms.points > budget:
        raise notes.refused(BudgetExhausted(points_budget=budget))
    notes.passed(BudgetExhausted.code, points_granted=offer.points_granted, points_budget=budget)


def _look_at_limits(session: Session, offer: Offer, *, tenant_id: int, consumer_id: UUID, day: date, notes: Notes) -> None:
    counted: dict[date, int] = {
        row.day: row.claims
        for row in session.execute(
            select(ClaimCount.day, ClaimCount.claims).where(
                ClaimCount.tenant_id == tenant_id,
                ClaimCount.campaign_id == offer.id,
                ClaimCount.consumer_id == consumer_id,
                ClaimCount.day.in_([ALL_DAYS, day]),
            )
        )
    }
    for on, claims_max, refusal in (
        (ALL_DAYS, offer.terms.claims_per_consumer_max, LimitConsumer),
        (day, offer.terms.claims_per_day_max, LimitDay),
    ):
        claimed = counted.get(on, 0)
        if claims_max is not None and claimed >= claims_max:
            raise notes.refused(refusal(claims_max=claims_max))
        notes.passed(refusal.code, claims=claimed, claims_max=claims_max)


def _day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()
