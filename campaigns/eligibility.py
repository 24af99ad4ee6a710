"""Who may claim: every rule that needs no counter, as pure decisions that note what they looked at.

Promises: one order of rules for the claim, for its preview and for explanations; the first rule that fails names the refusal, and
the trace tells which rules had passed. One campaign applies to a code: of those that run for its product the one with the most
points, then the one that started first, then the lowest id. Refused by no rule: somebody who scanned first and comes back later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from campaigns.terms import Offer, State
from codegen.code_facts import CodeFacts
from codegen.kinds import Kind
from codegen.lifecycle.bindings import Scene
from codegen.lifecycle.ranges import CodeState
from kit.refusals import Conflict
from scanservice import tickets
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Verdict

# What consumers buy. Cases and pallets are handled by the trade, canaries belong to no goods at all.
CLAIMABLE_KINDS: Final = frozenset({Kind.ITEM_OUTER, Kind.ITEM_INNER, Kind.SPARE})
CLAIMABLE_VERDICTS: Final = frozenset({Verdict.GENUINE_FIRST, Verdict.GENUINE_AGAIN, Verdict.GENUINE_SEEN})

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rule that was asked, its answer, and the values that decided it."""

    code: str
    passed: bool
    values: Values


Trace = tuple[Step, ...]


class ClaimRefused(Conflict):
    """Base of every reason for which a claim earns nothing; `trace` ends with the rule that failed."""

    trace: Trace = ()


class TicketVisitor(ClaimRefused):
    code: ClassVar[str] = "ticket_visitor"
    status: ClassVar[int] = 403
    says: ClassVar[str] = "This page was opened on another device. Scan the code with this one."


class CodeNotClaimable(ClaimRefused):
    code: ClassVar[str] = "code_not_claimable"
    says: ClassVar[str] = "This code earns no points."


class CodeWithdrawn(ClaimRefused):
    code: ClassVar[str] = "code_withdrawn"
    says: ClassVar[str] = "This code cannot earn points now. Scan it again to see why."


class SceneNotReward(ClaimRefused):
    code: ClassVar[str] = "scene_not_reward"
    says: ClassVar[str] = "This code is there to check the product, and earns no points."


class AlreadyClaimed(ClaimRefused):
    code: ClassVar[str] = "already_claimed"
    says: ClassVar[str] = "Somebody claimed the points of this code on {claimed_at}."


class CampaignNone(ClaimRefused):
    code: ClassVar[str] = "campaign_none"
    says: ClassVar[str] = "No campaign runs for this product."


class CampaignNotStarted(ClaimRefused):
    code: ClassVar[str] = "not_started"
    says: ClassVar[str] = "The campaign starts on {starts_at}."


class CampaignEnded(ClaimRefused):
    code: ClassVar[str] = "ended"
    says: ClassVar[str] = "The campaign has ended."


class CampaignPaused(ClaimRefused):
    code: ClassVar[str] = "paused"
    says: ClassVar[str] = "The campaign is paused. Come back later."


class NotFirstScan(ClaimRefused):
    code: ClassVar[str] = "not_first_scan"
    says: ClassVar[str] = "The points belong to whoever scanned this code first ({first_confirmed_at})."


class ScannedBeforeStart(ClaimRefused):
    code: ClassVar[str] = "scanned_before_start"
    says: ClassVar[str] = "This code was first scanned on {first_confirmed_at}, before the campaign started."


class NotConfirmed(ClaimRefused):
    code: ClassVar[str] = "not_confirmed"
    says: ClassVar[str] = "This scan is not confirmed yet. Open the page and let it finish."


class ConsentMissing(ClaimRefused):
    code: ClassVar[str] = "consent_needed"
    says: ClassVar[str] = "Points need your consent to the membership service, which is withdrawn."


class LimitConsumer(ClaimRefused):
    code: ClassVar[str] = "limit_consumer"
    says: ClassVar[str] = "You have claimed {claims_max} times in this campaign, which is as often as it allows."


class LimitDay(ClaimRefused):
    code: ClassVar[str] = "limit_day"
    says: ClassVar[str] = (
        "You have claimed {claims_max} times today, which is as often as the campaign allows. Come back tomorrow."
    )


class BudgetExhausted(ClaimRefused):
    code: ClassVar[str] = "budget_exhausted"
    says: ClassVar[str] = "All points of this campaign have been given away."


@dataclass(slots=True)
class Notes:
    """Collects the trace of one decision, and the campaign that it came to."""

    steps: list[Step] = field(default_factory=list)
    offer: Offer | None = None

    def passed(self, code: str, **values: object) -> None:
        self.steps.append(Step(code=code, passed=True, values=values))

    def refused(self, refusal: ClaimRefused) -> ClaimRefused:
        """The refusal to raise, with the trace that led to it."""
        self.steps.append(Step(code=refusal.code, passed=False, values=refusal.data))
        refusal.trace = tuple(self.steps)
        return refusal


def check_code(ticket: Ticket, *, visitor: bytes, notes: Notes) -> tuple[int, int]:
    """Is the ticket this visitor's, and its code one that consumers may claim with? Returns the code's epoch and counter."""
    if ticket.visitor != visitor:
        raise notes.refused(TicketVisitor())
    if ticket.stage == Stage.PREVIEW or ticket.verdict is None:
        raise notes.refused(NotConfirmed(stage=ticket.stage))
    if ticket.verdict not in CLAIMABLE_VERDICTS or ticket.kind not in CLAIMABLE_KINDS:
        raise notes.refused(CodeNotClaimable(verdict=ticket.verdict.value, kind=ticket.kind))
    if ticket.epoch is None or ticket.counter is None:
        raise ValueError(f"a ticket says {ticket.verdict} and names no code")
    notes.passed("code", verdict=ticket.verdict.value, kind=ticket.kind, gtin=ticket.gtin)
    return ticket.epoch, ticket.counter


def check_record(facts: CodeFacts | None, *, notes: Notes) -> None:
    """The ticket tells of the scan; this of the code as it is now: voided, recalled or frozen since, or bound for another use."""
    if facts is None or facts.epoch_revoked or facts.state is not CodeState.ACTIVE or not facts.gtin:
        raise notes.refused(CodeWithdrawn(state=None if facts is None else facts.state.value))
    if facts.scene not in {None, Scene.REWARD}:
        raise notes.refused(SceneNotReward(scene=facts.scene))
    notes.passed("record", state=facts.state.value, scene=facts.scene)


def choose(offers: Iterable[Offer], *, gtin: str, now: datetime, notes: Notes) -> Offer:
    """The campaign that applies to a product now, or the kindest reason why none does."""
    in_scope = [offer for offer in offers if not offer.terms.gtins or gtin in offer.terms.gtins]
    current = [offer for offer in in_scope if offer.terms.starts_at <= now < offer.terms.ends_at]
    running = sorted((offer for offer in current if offer.state is State.RUNNING), key=_rank)
    if running:
        notes.offer = running[0]
        notes.passed("campaign", campaign_id=notes.offer.id, revision=notes.offer.revision, name=notes.offer.terms.name)
        return notes.offer
    if any(offer.state is State.PAUSED for offer in current):
        raise notes.refused(CampaignPaused())
    coming = [offer.terms.starts_at for offer in in_scope if offer.terms.starts_at > now and offer.state is State.RUNNING]
    if coming:
        raise notes.refused(CampaignNotStarted(starts_at=_iso(min(coming))))
    if any(offer.state is State.ENDED or offer.terms.ends_at <= now for offer in in_scope):
        raise notes.refused(CampaignEnded())
    raise notes.refused(CampaignNone(gtin=gtin))


def check_scan(ticket: Ticket, *, offer: Offer, notes: Notes) -> None:
    """The first confirmed scan of the code was this visitor's, within the campaign, and this one is confirmed."""
    known = {reason.code: reason.value for reason in ticket.reasons}
    first = known.get("first_confirmed_at")
    # Shops and staff leave no such reason: whoever sells a thing must not use up the buyer's points. Instants are whole minutes; of
    # two visitors in the same minute nobody knows who was first, and the first claim wins.
    if first is not None and known.get("mine_first_at") != first:
        raise notes.refused(NotFirstScan(first_confirmed_at=str(first)))
    first_at = _issued_at(ticket) if first is None else datetime.fromisoformat(str(first))
    notes.passed("first_scan", first_confirmed_at=_iso(first_at))
    if first_at < offer.terms.starts_at.replace(second=0, microsecond=0):
        raise notes.refused(ScannedBeforeStart(first_confirmed_at=_iso(first_at)))
    if ticket.stage != Stage.CONFIRMED:
        raise notes.refused(NotConfirmed(stage=ticket.stage))
    notes.passed("confirmed", scan_id=ticket.scan_id)


def _rank(offer: Offer) -> tuple[int, datetime, int]:
    return (-offer.terms.points, offer.terms.starts_at, offer.id.int)


def _issued_at(ticket: Ticket) -> datetime:
    """To the minute, as the state of codes remembers."""
    issued_at = datetime.fromtimestamp(ticket.expires_at_s, UTC) - tickets.TTL
    return issued_at - timedelta(seconds=issued_at.second)


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
