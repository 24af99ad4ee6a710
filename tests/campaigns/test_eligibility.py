from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from campaigns import eligibility
from campaigns.eligibility import (
    CampaignEnded,
    CampaignNone,
    CampaignNotStarted,
    CampaignPaused,
    ClaimRefused,
    CodeNotClaimable,
    NotConfirmed,
    Notes,
    NotFirstScan,
    ScannedBeforeStart,
    TicketVisitor,
)
from campaigns.terms import Offer, State
from codegen.kinds import Kind
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Reason, Verdict
from tests.campaigns.conftest import ALICE, BOB, DRAFT, TEA, ticket
from tests.conftest import NOW

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def offer(number: int = 1, *, state: State = State.RUNNING, **terms: object) -> Offer:
    return Offer(
        id=UUID(int=number),
        state=state,
        revision=1,
        terms=replace(DRAFT, **terms),  # type: ignore[arg-type]
        points_granted=0,
        created_by="marketer",
        created_at=NOW,
    )


def check(held: Ticket, one: Offer | None = None) -> Notes:
    notes = Notes()
    eligibility.check_scan(held, offer=one or offer(), notes=notes)
    return notes


def choose(*offers: Offer, gtin: str = TEA) -> int:
    return eligibility.choose(offers, gtin=gtin, now=NOW, notes=Notes()).id.int


def test_the_first_confirmed_scan_may_claim() -> None:
    assert [(step.code, step.passed) for step in check(ticket()).steps] == [("first_scan", True), ("confirmed", True)]


def test_the_first_scanner_who_comes_back_a_day_later_may_claim() -> None:
    check(ticket(verdict=Verdict.GENUINE_AGAIN, at=NOW, first_at=NOW - DAY / 2, mine_at=NOW - DAY / 2))


def test_the_first_scanner_may_claim_though_strangers_came_after_them() -> None:
    held = ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW - HOUR, mine_at=NOW - HOUR, reasons=(Reason("strangers", 2),))
    check(held)


def test_a_shop_that_scanned_before_does_not_use_up_the_buyers_points() -> None:
    check(ticket(verdict=Verdict.GENUINE_SEEN, reasons=(Reason("staff_before"),)))


def test_somebody_of_the_household_who_scanned_second_is_refused() -> None:
    held = ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW - HOUR, reasons=(Reason("household_last_at", "x"),))
    with pytest.raises(NotFirstScan) as refused:
        check(held)
    assert refused.value.data == {"first_confirmed_at": "2026-11-22T07:00:00Z"}


def test_who_confirmed_after_a_stranger_stays_second_when_they_come_back() -> None:
    with pytest.raises(NotFirstScan):
        check(ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW - HOUR, mine_at=NOW - HOUR / 2))


def test_a_scan_that_nobody_looked_at_yet_is_not_confirmed() -> None:
    with pytest.raises(NotConfirmed) as refused:
        check(ticket(stage=Stage.SEEN))
    assert [(step.code, step.passed) for step in refused.value.trace] == [("first_scan", True), ("not_confirmed", False)]


def test_a_code_first_scanned_before_the_campaign_began_earns_nothing_in_it() -> None:
    late = offer(starts_at=NOW - HOUR)
    with pytest.raises(ScannedBeforeStart):
        check(ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW - 2 * HOUR, mine_at=NOW - 2 * HOUR), late)
    check(ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW - HOUR, mine_at=NOW - HOUR), late)


def test_a_campaign_started_within_this_minute_counts_the_scans_of_this_minute() -> None:
    check(ticket(at=NOW + timedelta(seconds=31)), offer(starts_at=NOW + timedelta(seconds=30)))


def test_another_visitor_cannot_use_the_ticket() -> None:
    with pytest.raises(TicketVisitor):
        eligibility.check_code(ticket(visitor=ALICE), visitor=BOB, notes=Notes())


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict.COUNTERFEIT,
        Verdict.VOID,
        Verdict.RECALLED,
        Verdict.INACTIVE,
        Verdict.EXPIRED,
        Verdict.CONSUMED,
        Verdict.SUSPECT,
    ],
)
def test_only_genuine_codes_earn(verdict: Verdict) -> None:
    with pytest.raises(CodeNotClaimable) as refused:
        eligibility.check_code(ticket(verdict=verdict), visitor=ALICE, notes=Notes())
    assert refused.value.data["verdict"] == verdict.value


@pytest.mark.parametrize("kind", [Kind.CASE, Kind.PALLET, Kind.CANARY, ""])
def test_only_what_consumers_buy_earns(kind: str) -> None:
    with pytest.raises(CodeNotClaimable):
        eligibility.check_code(ticket(kind=kind), visitor=ALICE, notes=Notes())


def test_a_preview_by_a_bot_claims_nothing() -> None:
    with pytest.raises(NotConfirmed):
        eligibility.check_code(ticket(stage=Stage.PREVIEW, verdict=None), visitor=ALICE, notes=Notes())


def test_one_campaign_applies_the_one_with_most_points_then_the_older_then_the_lower_id() -> None:
    few, many = offer(1, points=5), offer(2, points=20)
    older, younger = offer(4, points=20, starts_at=NOW - 2 * DAY), offer(3, points=20)
    assert choose(few, many) == 2
    assert choose(younger, many, older) == 4
    assert choose(younger, many) == 2


def test_a_campaign_for_other_products_does_not_apply() -> None:
    assert choose(offer(1, points=99, gtins=frozenset({"other"})), offer(2)) == 2


@pytest.mark.parametrize(
    ("offers", "refusal"),
    [
        ((), CampaignNone),
        ((offer(gtins=frozenset({"other"})),), CampaignNone),
        ((offer(starts_at=NOW + DAY),), CampaignNotStarted),
        ((offer(ends_at=NOW),), CampaignEnded),
        ((offer(state=State.ENDED),), CampaignEnded),
        ((offer(state=State.PAUSED), offer(2, starts_at=NOW + DAY)), CampaignPaused),
        ((offer(state=State.PAUSED, ends_at=NOW),), CampaignEnded),
    ],
)
def test_without_a_running_campaign_the_refusal_says_how_it_stands(
    offers: tuple[Offer, ...], refusal: type[ClaimRefused]
) -> None:
    with pytest.raises(refusal):
        choose(*offers)


def test_a_campaign_runs_from_its_start_up_to_but_not_at_its_end() -> None:
    assert choose(offer(starts_at=NOW)) == 1
    with pytest.raises(CampaignEnded):
        choose(offer(ends_at=NOW))


def test_refusals_have_codes_of_their_own() -> None:
    codes = [kind.code for kind in ClaimRefused.__subclasses__()]
    assert len(codes) == len(set(codes)) == 16
