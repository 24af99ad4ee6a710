"""Who scanned before decides the verdict; what others did after a buyer never does."""

import pytest

from scanservice import verdicts
from scanservice.hot import state
from scanservice.hot.state import Mode, State, Touch
from scanservice.verdicts import Judgement, Reason, Role, Standing, Verdict

NOW_S = state.seconds(1_795_305_600)
DAY_S = 86_400
ANNA, BERT, CARL, DORA, EMIL = b"anna", b"bert", b"carl", b"dora", b"emil"
HOMES = {ANNA: b"h-a\x00\x00", BERT: b"h-b\x00\x00", CARL: b"h-c\x00\x00", DORA: b"h-d\x00\x00", EMIL: b"h-e\x00\x00"}


def after(*scans: tuple[bytes, int], mode: Mode = Mode.CONFIRMED) -> State | None:
    return state.fold(Touch(mode=mode, at_s=at_s, visitor=who, whence=HOMES[who]) for who, at_s in scans)


def judge(
    before: State | None,
    visitor: bytes = ANNA,
    *,
    whence: bytes | None = None,
    role: Role = Role.CONSUMER,
    at_s: int = NOW_S,
    standing: Standing = Standing.ACTIVE,
) -> Judgement:
    return verdicts.judge(
        standing=standing, before=before, visitor=visitor, whence=whence or HOMES[visitor], role=role, at_s=at_s
    )


def test_the_first_confirmed_scan_is_first() -> None:
    assert judge(None) == Judgement(Verdict.GENUINE_FIRST, (Reason("nobody_before"),))


def test_a_page_that_nobody_looked_at_does_not_use_up_the_first_scan() -> None:
    assert judge(after((BERT, NOW_S - 60), mode=Mode.SEEN)).verdict is Verdict.GENUINE_FIRST


def test_the_same_visitor_again() -> None:
    judged = judge(after((ANNA, NOW_S - DAY_S)))
    assert judged.verdict is Verdict.GENUINE_AGAIN
    assert Reason("mine_last_at", "2026-11-21T00:00:00Z") in judged.reasons


def test_a_second_visitor_sees_that_someone_was_there_and_the_first_does_not_suffer() -> None:
    before = after((ANNA, NOW_S - 600), (BERT, NOW_S - 300))
    second = judge(after((ANNA, NOW_S - 600)), BERT)
    assert second.verdict is Verdict.GENUINE_SEEN
    assert Reason("strangers", 1) in second.reasons
    assert judge(before, ANNA).verdict is Verdict.GENUINE_AGAIN
    assert judge(before, BERT).verdict is Verdict.GENUINE_AGAIN


def test_a_second_phone_at_home_is_no_stranger() -> None:
    judged = judge(after((ANNA, NOW_S - 6 * DAY_S)), BERT, whence=HOMES[ANNA])
    assert judged.verdict is Verdict.GENUINE_AGAIN
    assert [reason.code for reason in judged.reasons] == ["first_confirmed_at", "household_last_at"]


def test_an_address_of_eight_days_ago_is_no_household() -> None:
    assert judge(after((ANNA, NOW_S - 8 * DAY_S)), BERT, whence=HOMES[ANNA]).verdict is Verdict.GENUINE_SEEN


def test_scans_without_a_network_share_no_household() -> None:
    before = state.single(Touch(mode=Mode.CONFIRMED, at_s=NOW_S, visitor=BERT, whence=bytes(5)))
    assert judge(before, ANNA, whence=bytes(5)).verdict is Verdict.GENUINE_SEEN


def test_three_strangers_make_it_suspect() -> None:
    two = after((BERT, NOW_S - 900), (CARL, NOW_S - 800))
    three = after((BERT, NOW_S - 900), (CARL, NOW_S - 800), (DORA, NOW_S - 700))
    assert judge(two).verdict is Verdict.GENUINE_SEEN
    assert judge(three).verdict is Verdict.SUSPECT


def test_the_buyer_stays_trusted_whoever_comes_after() -> None:
    before = after((ANNA, NOW_S - 9000), (BERT, NOW_S - 900), (CARL, NOW_S - 800), (DORA, NOW_S - 700))
    assert judge(before, ANNA).verdict is Verdict.GENUINE_AGAIN


def test_scanning_again_does_not_soothe_a_warning() -> None:
    before = after((BERT, NOW_S - 900), (CARL, NOW_S - 800), (DORA, NOW_S - 700), (ANNA, NOW_S - 600))
    assert judge(before, ANNA).verdict is Verdict.SUSPECT


def test_a_shop_before_the_buyer_is_named() -> None:
    judged = judge(after((BERT, NOW_S - 900), mode=Mode.STAFF))
    assert judged == Judgement(Verdict.GENUINE_SEEN, (Reason("staff_before"),))


def test_a_shop_that_scans_is_nobodys_stranger() -> None:
    assert verdicts.mode(Standing.ACTIVE, Role.SHOP, confirmed=True) is Mode.STAFF
    assert judge(after((ANNA, NOW_S - 900)), BERT, role=Role.STAFF).verdict is Verdict.GENUINE_SEEN


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        (Standing.BAD_SERIAL, Verdict.COUNTERFEIT),
        (Standing.WRONG_GTIN, Verdict.COUNTERFEIT),
        (Standing.VOID, Verdict.VOID),
        (Standing.RECALLED, Verdict.RECALLED),
        (Standing.NO_RANGE, Verdict.INACTIVE),
        (Standing.INACTIVE, Verdict.INACTIVE),
        (Standing.EXPIRED, Verdict.EXPIRED),
    ],
)
def test_what_the_catalogue_says_comes_before_who_scanned(standing: Standing, verdict: Verdict) -> None:
    judged = judge(after((BERT, NOW_S), (CARL, NOW_S), (DORA, NOW_S)), standing=standing)
    assert judged.verdict is verdict
    assert judged.reasons == (Reason(standing.value, None),)


def test_the_words_of_who_decided_go_with_the_reason() -> None:
    judged = verdicts.judge(
        standing=Standing.VOID,
        standing_reason="pallet stolen",
        before=None,
        visitor=ANNA,
        whence=HOMES[ANNA],
        role=Role.CONSUMER,
        at_s=NOW_S,
    )
    assert judged.reasons == (Reason("void", "pallet stolen"),)


def test_a_consumed_inner_code_says_so() -> None:
    before = State(flags=state.FLAG_CONSUMED, first_s=NOW_S, last_s=NOW_S)
    assert judge(before).verdict is Verdict.CONSUMED


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("confirmed", [True, False])
def test_the_record_tells_how_a_scan_entered_the_state(standing: Standing, role: Role, confirmed: bool) -> None:  # noqa: FBT001
    verdict = judge(None, standing=standing).verdict
    live = verdicts.mode(standing, role, confirmed=confirmed)
    assert verdicts.recorded_mode(verdict, role, confirmed=confirmed) is live
    if standing in (Standing.INACTIVE, Standing.NO_RANGE, Standing.VOID, Standing.RECALLED):
        assert live is Mode.SEEN
