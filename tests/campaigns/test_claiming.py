from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from campaigns import claiming, claims, offers
from campaigns.claims import Claimed
from campaigns.eligibility import (
    AlreadyClaimed,
    BudgetExhausted,
    CampaignNone,
    CampaignPaused,
    ClaimRefused,
    ConsentMissing,
    LimitConsumer,
    LimitDay,
    NotConfirmed,
    NotFirstScan,
    TicketVisitor,
)
from crm import consents, ledger
from crm.consents import Language, Purpose
from crm.lots import Balance
from kit.refusals import Refusal
from scanservice.tickets import Stage
from scanservice.verdicts import Verdict
from tests.campaigns.conftest import ALICE, BOB, SHANGHAI, Shop
from tests.conftest import NOW

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def at_once(workers: int, work: Callable[[int], Claimed]) -> list[Claimed | Refusal]:
    def one(number: int) -> Claimed | Refusal:
        try:
            return work(number)
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def rows(shop: Shop) -> dict[str, int]:
    with shop.opened() as session:
        return {
            table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
            for table in ("claim", "claim_count", "point_transfer", "point_lot", "point_entry")
        }


NOTHING = {"claim": 0, "claim_count": 0, "point_transfer": 0, "point_lot": 0, "point_entry": 0}


def test_a_first_scan_earns_the_campaigns_points_through_their_last_day(shop: Shop) -> None:
    offer, alice = shop.campaign(points_valid_days=365), shop.member(1)
    claimed = shop.claim(alice, shop.ticket(7))
    assert (claimed.points, claimed.is_new, claimed.campaign_id, claimed.campaign_revision) == (10, True, offer.id, 1)
    assert shop.balance(alice) == Balance(pending=0, available=10, expired=0)
    with shop.opened() as session:
        (transfer,) = ledger.history(session, tenant_id=shop.tenant_id, consumer_id=alice).rows
    assert (transfer.id, transfer.natural_key) == (claimed.transfer_id, f"claim:{offer.id}:0:7")
    assert transfer.facts["campaign"] == "Welcome"
    assert transfer.expires_at == datetime(2027, 11, 22, 16, tzinfo=UTC)
    assert shop.granted(offer) == 10


def test_claiming_again_gives_the_first_answer_also_after_the_campaign_ended(shop: Shop) -> None:
    offer, alice = shop.campaign(), shop.member(1)
    first = shop.claim(alice, shop.ticket())
    later = shop.ticket(verdict=Verdict.GENUINE_AGAIN, at=NOW + DAY, first_at=NOW, mine_at=NOW)
    assert shop.claim(alice, later, now=NOW + DAY).id == first.id
    with shop.opened() as session:
        offers.end(session, tenant_id=shop.tenant_id, campaign_id=offer.id)
    again = shop.claim(alice, later, now=NOW + DAY)
    assert (again.id, again.is_new, again.claimed_at) == (first.id, False, NOW)
    assert shop.balance(alice).available == 10


def test_a_code_that_earned_in_one_campaign_earns_nothing_in_the_next(shop: Shop) -> None:
    first, alice = shop.campaign(), shop.member(1)
    shop.campaign(name="Second", points=9)
    made = shop.claim(alice, shop.ticket())
    assert made.campaign_id == first.id
    with shop.opened() as session:
        offers.end(session, tenant_id=shop.tenant_id, campaign_id=first.id)
    assert shop.claim(alice, shop.ticket()).id == made.id
    assert shop.balance(alice).available == 10


def test_one_code_claimed_at_once_from_many_tabs_is_one_claim_and_one_transfer(shop: Shop) -> None:
    offer, alice = shop.campaign(), shop.member(1)
    answers = at_once(32, lambda _: shop.claim(alice, shop.ticket()))
    assert all(isinstance(answer, Claimed) for answer in answers)
    assert len({answer.id for answer in answers if isinstance(answer, Claimed)}) == 1
    assert sum(answer.is_new for answer in answers if isinstance(answer, Claimed)) == 1
    assert rows(shop) == {"claim": 1, "claim_count": 2, "point_transfer": 1, "point_lot": 1, "point_entry": 2}
    assert (shop.balance(alice).available, shop.granted(offer)) == (10, 10)


def test_of_many_consumers_on_one_code_exactly_one_gets_the_points(shop: Shop) -> None:
    offer = shop.campaign()
    people = [shop.member(number) for number in range(16)]
    answers = at_once(16, lambda number: shop.claim(people[number], shop.ticket()))
    won = [answer for answer in answers if isinstance(answer, Claimed)]
    assert len(won) == 1
    assert {type(answer) for answer in answers if isinstance(answer, Refusal)} == {AlreadyClaimed}
    assert sum(shop.balance(person).available for person in people) == shop.granted(offer) == 10
    assert rows(shop)["claim_count"] == 2


def test_a_stranger_with_the_same_code_is_told_when_it_was_claimed(shop: Shop) -> None:
    shop.campaign()
    alice, bob = shop.member(1), shop.member(2)
    shop.claim(alice, shop.ticket())
    seen = shop.ticket(visitor=BOB, verdict=Verdict.GENUINE_SEEN, first_at=NOW, at=NOW + HOUR)
    with pytest.raises(AlreadyClaimed) as refused:
        shop.claim(bob, seen)
    assert refused.value.data == {"claimed_at": "2026-11-22T08:00+00:00"}


def test_a_stranger_who_scanned_second_does_not_get_what_the_first_has_not_fetched_yet(shop: Shop) -> None:
    shop.campaign()
    alice, bob = shop.member(1), shop.member(2)
    with pytest.raises(NotFirstScan):
        shop.claim(bob, shop.ticket(visitor=BOB, verdict=Verdict.GENUINE_SEEN, first_at=NOW, at=NOW + HOUR))
    back = shop.ticket(verdict=Verdict.GENUINE_AGAIN, first_at=NOW, mine_at=NOW, at=NOW + DAY)
    assert shop.claim(alice, back, now=NOW + DAY).points == 10


def test_refusals_leave_nothing_behind_even_where_the_border_commits(shop: Shop) -> None:
    shop.campaign(claims_per_day_max=1, points_budget=10)
    alice, bob = shop.member(1), shop.member(2)
    first = shop.claim(alice, shop.ticket(1))
    before = rows(shop)
    for consumer_id, held, refusal in (
        (alice, shop.ticket(2), LimitDay),
        (bob, shop.ticket(3), BudgetExhausted),
        (bob, shop.ticket(4, stage=Stage.SEEN), NotConfirmed),
    ):
        with shop.opened() as session, pytest.raises(refusal):
            claiming.claim(session, ticket=held, visitor=ALICE, consumer_id=consumer_id, zone=SHANGHAI, now=NOW)
    assert rows(shop) == before
    assert shop.balance(bob).available == 0
    assert shop.claim(alice, shop.ticket(1)).id == first.id


def test_a_ticket_of_another_visitor_is_refused(shop: Shop) -> None:
    shop.campaign()
    with pytest.raises(TicketVisitor):
        shop.claim(shop.member(1), shop.ticket(visitor=ALICE), visitor=BOB)


def test_without_a_campaign_there_is_nothing_to_claim(shop: Shop) -> None:
    shop.campaign(gtins=frozenset({shop.coffee}))
    shop.campaign(running=False)
    with pytest.raises(CampaignNone):
        shop.claim(shop.member(1), shop.ticket())


def test_a_withdrawn_membership_earns_nothing(shop: Shop) -> None:
    shop.campaign()
    alice = shop.member(1)
    with shop.opened() as session:
        consents.withdraw(
            session,
            tenant_id=shop.tenant_id,
            consumer_id=alice,
            purpose=Purpose.SERVICE,
            language=Language.ZH,
            channel="web",
            now=NOW,
        )
    with pytest.raises(ConsentMissing):
        shop.claim(alice, shop.ticket())
    assert rows(shop) == NOTHING


def test_the_limit_of_a_day_ends_at_midnight_of_the_brands_calendar(shop: Shop) -> None:
    shop.campaign(claims_per_day_max=1)
    alice = shop.member(1)
    before_midnight = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    shop.claim(alice, shop.ticket(1, at=before_midnight), now=before_midnight)
    with pytest.raises(LimitDay):
        shop.claim(alice, shop.ticket(2, at=before_midnight), now=before_midnight)
    midnight = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    shop.claim(alice, shop.ticket(2, at=midnight), now=midnight)


@pytest.mark.parametrize(
    ("limits", "refusal", "won"),
    [
        ({"claims_per_consumer_max": 3}, LimitConsumer, 3),
        ({"claims_per_day_max": 4}, LimitDay, 4),
        ({"points_budget": 59}, BudgetExhausted, 5),
    ],
)
def test_limits_hold_when_a_consumer_claims_many_codes_at_once(
    shop: Shop, limits: dict[str, int], refusal: type[ClaimRefused], won: int
) -> None:
    offer, alice = shop.campaign(**limits), shop.member(1)  # type: ignore[arg-type]
    answers = at_once(24, lambda number: shop.claim(alice, shop.ticket(number)))
    assert len([answer for answer in answers if isinstance(answer, Claimed)]) == won
    assert {type(answer) for answer in answers if isinstance(answer, Refusal)} == {refusal}
    assert (shop.balance(alice).available, shop.granted(offer), rows(shop)["claim"]) == (10 * won, 10 * won, won)


def test_the_budget_holds_when_many_consumers_claim_at_once(shop: Shop) -> None:
    offer = shop.campaign(points_budget=70)
    people = [shop.member(number) for number in range(16)]
    answers = at_once(16, lambda number: shop.claim(people[number], shop.ticket(number)))
    assert len([answer for answer in answers if isinstance(answer, Claimed)]) == 7
    assert {type(answer) for answer in answers if isinstance(answer, Refusal)} == {BudgetExhausted}
    assert (shop.granted(offer), sum(shop.balance(person).available for person in people)) == (70, 70)


def test_a_crash_in_the_middle_leaves_nothing_and_the_next_try_succeeds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    offer, alice = shop.campaign(), shop.member(1)
    earn = ledger.earn

    def earn_and_crash(*given: object, **named: object) -> None:
        earn(*given, **named)  # type: ignore[arg-type]
        raise SystemError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "earn", earn_and_crash)
        with pytest.raises(SystemError):
            shop.claim(alice, shop.ticket())
    assert (rows(shop), shop.granted(offer)) == (NOTHING, 0)
    assert shop.claim(alice, shop.ticket()).is_new


def test_a_campaign_paused_while_a_claim_was_under_way_grants_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    offer, alice = shop.campaign(), shop.member(1)
    earn = ledger.earn

    def earn_while_somebody_pauses(*given: object, **named: object) -> object:
        with shop.opened() as session:
            offers.pause(session, tenant_id=shop.tenant_id, campaign_id=offer.id)
        return earn(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "earn", earn_while_somebody_pauses)
    with pytest.raises(CampaignPaused):
        shop.claim(alice, shop.ticket())
    assert (rows(shop), shop.granted(offer)) == (NOTHING, 0)


def test_a_preview_says_what_a_claim_would_earn_and_changes_nothing(shop: Shop) -> None:
    offer, alice = shop.campaign(claims_per_day_max=1, points_budget=1000), shop.member(1)
    before = shop.preview(alice, shop.ticket())
    assert (before.offer, before.claimed, before.refusal) == (offer, None, None)
    assert [step.code for step in before.trace] == [
        "code",
        "record",
        "campaign",
        "first_scan",
        "confirmed",
        "consent",
        "limit_consumer",
        "limit_day",
        "budget_exhausted",
    ]
    assert rows(shop) == NOTHING
    made = shop.claim(alice, shop.ticket())
    after = shop.preview(alice, shop.ticket())
    assert (after.claimed and after.claimed.id, after.refusal) == (made.id, None)
    refused = shop.preview(alice, shop.ticket(2)).refusal
    assert isinstance(refused, LimitDay)
    assert refused.data == {"claims_max": 1}


def test_somebody_who_has_not_joined_sees_what_waits_for_them(shop: Shop) -> None:
    offer = shop.campaign()
    seen = shop.preview(None, shop.ticket(stage=Stage.SEEN))
    assert (seen.offer, type(seen.refusal)) == (offer, NotConfirmed)
    assert shop.preview(None, shop.ticket()).refusal is None
    shop.claim(shop.member(1), shop.ticket())
    assert isinstance(shop.preview(None, shop.ticket()).refusal, AlreadyClaimed)


def test_claim_and_preview_refuse_alike(shop: Shop) -> None:
    shop.campaign(points_budget=10)
    alice, bob = shop.member(1), shop.member(2)
    shop.claim(alice, shop.ticket(1))
    for held in (shop.ticket(1), shop.ticket(2), shop.ticket(3, stage=Stage.SEEN), shop.ticket(4, verdict=Verdict.VOID)):
        with pytest.raises(ClaimRefused) as refused:
            shop.claim(bob, held)
        shown = shop.preview(bob, held).refusal
        assert shown is not None
        assert (type(shown), shown.data) == (refused.type, refused.value.data)


def test_claims_are_listed_by_consumer_and_campaign_and_added_up(shop: Shop) -> None:
    offer = shop.campaign()
    alice, bob = shop.member(1), shop.member(2)
    for number, consumer_id in enumerate((alice, alice, bob)):
        at = NOW + number * HOUR
        shop.claim(consumer_id, shop.ticket(number, at=at), now=at)
    with shop.opened() as session:
        of_alice = claims.of_consumer(session, tenant_id=shop.tenant_id, consumer_id=alice)
        first = claims.of_campaign(session, tenant_id=shop.tenant_id, campaign_id=offer.id, rows_max=2)
        second = claims.of_campaign(session, tenant_id=shop.tenant_id, campaign_id=offer.id, cursor=first.next_cursor)
        totals = claims.totals(session, tenant_id=shop.tenant_id)
    assert [claimed.counter for claimed in of_alice] == [1, 0]
    assert [claimed.counter for claimed in (*first.rows, *second.rows)] == [2, 1, 0]
    assert totals == {offer.id: claims.Totals(claims=3, consumers=2, points=30)}


def test_an_unknown_consumer_cannot_claim(shop: Shop) -> None:
    shop.campaign()
    with pytest.raises(ConsentMissing):
        shop.claim(UUID(int=1), shop.ticket())


def test_a_code_pays_once_however_many_campaigns_came_and_went(shop: Shop) -> None:
    first_campaign, alice, held = shop.campaign(), shop.member(1), shop.ticket(7)
    paid = shop.claim(alice, held)
    ended = [first_campaign]
    ended += [shop.campaign(name=f"Draft {number}", ends_at=NOW + timedelta(days=900), running=False) for number in range(21)]
    with shop.opened() as session:
        for offer in ended:
            offers.end(session, tenant_id=shop.tenant_id, campaign_id=offer.id)
    shop.campaign(name="The next one")
    assert shop.claim(alice, held).id == paid.id
    assert shop.preview(alice, held).claimed is not None
    with pytest.raises(AlreadyClaimed):
        shop.claim(shop.member(2), held)
    assert shop.balance(alice).available == paid.points


def test_campaigns_whose_time_is_over_hide_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "LISTED_MAX", 3)
    for number in range(3):
        shop.campaign(
            name=f"Over {number}", starts_at=NOW - timedelta(days=9), ends_at=NOW - timedelta(days=1), now=NOW - timedelta(days=8)
        )
    shop.campaign(name="Now")
    assert shop.claim(shop.member(1), shop.ticket(7)).campaign_name == "Now"
