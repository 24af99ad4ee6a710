"""Evidence of copies: guests at a table are none, phones in two cities at once are, and a product's own habits count."""

from hypothesis import given
from hypothesis import strategies as st

from scanservice import evidence, places
from scanservice.evidence import Weighed
from scanservice.hot.state import NETWORK_BYTES, VISITORS_MAX, Slot

SHENZHEN, BEIJING, HARBIN = places.cell(22.54, 114.06), places.cell(39.9, 116.4), places.cell(45.8, 126.5)
DAY_MIN = 24 * 60


def stranger(number: int, *, at_min: int, place: bytes = places.UNKNOWN, until_min: int | None = None) -> Slot:
    return Slot(
        visitor=number.to_bytes(4, "big"),
        whence=bytes(NETWORK_BYTES) + place,
        first_min=at_min,
        last_min=at_min if until_min is None else until_min,
    )


def weigh(*strangers: Slot, at_min: int, place: bytes = places.UNKNOWN, rate_pm: int = evidence.STRANGER_RATE_PM) -> Weighed:
    return evidence.weigh(strangers, whence=bytes(NETWORK_BYTES) + place, at_min=at_min, rate_pm=rate_pm)


def test_three_strangers_of_unknown_places_reach_even_odds_and_two_do_not() -> None:
    assert weigh(stranger(1, at_min=0), stranger(2, at_min=5), at_min=9).score_db < evidence.SUSPECT_AT_DB
    three = weigh(stranger(1, at_min=0), stranger(2, at_min=5), stranger(3, at_min=6), at_min=9)
    assert three.score_db >= evidence.SUSPECT_AT_DB


def test_guests_at_one_table_are_no_copies_however_many() -> None:
    guests = [stranger(number, at_min=20 * number, place=SHENZHEN) for number in range(VISITORS_MAX)]
    weighed = weigh(*guests, at_min=20 * VISITORS_MAX, place=SHENZHEN)
    assert weighed.score_db < evidence.SUSPECT_AT_DB
    assert weighed.together == VISITORS_MAX


def test_phones_too_far_apart_for_the_time_between_speak_of_copies() -> None:
    apart = weigh(stranger(1, at_min=0, place=SHENZHEN), stranger(2, at_min=30, place=BEIJING), at_min=60, place=HARBIN)
    assert apart.unreachable == 2
    assert apart.regions == 3
    assert apart.score_db >= evidence.SUSPECT_AT_DB


def test_one_odd_pair_is_not_enough_because_addresses_mislead() -> None:
    assert weigh(stranger(1, at_min=0, place=SHENZHEN), at_min=30, place=BEIJING).score_db < evidence.SUSPECT_AT_DB


def test_who_had_time_to_travel_is_not_called_impossible() -> None:
    weighed = weigh(stranger(1, at_min=0, place=SHENZHEN), at_min=3 * DAY_MIN, place=BEIJING)
    assert weighed.unreachable == 0


def test_an_item_that_is_here_again_after_it_was_there_has_to_have_gone_both_ways() -> None:
    back = stranger(1, at_min=0, until_min=3 * DAY_MIN, place=SHENZHEN)
    assert weigh(back, at_min=3 * DAY_MIN + 5, place=BEIJING).unreachable == 1


def test_a_product_that_goes_round_is_judged_by_its_own_habits() -> None:
    strangers = [stranger(number, at_min=number * DAY_MIN) for number in range(5)]
    scanned_once = weigh(*strangers, at_min=9 * DAY_MIN, rate_pm=10)
    passed_round = weigh(*strangers, at_min=9 * DAY_MIN, rate_pm=500)
    assert scanned_once.score_db > evidence.SUSPECT_AT_DB > passed_round.score_db


@given(
    rate_pm=st.integers(evidence.STRANGER_RATE_PM_MIN, evidence.STRANGER_RATE_PM_MAX),
    minutes=st.lists(st.integers(0, 10**6), min_size=1, max_size=VISITORS_MAX, unique=True),
)
def test_one_more_stranger_of_unknown_place_is_never_evidence_for_an_original(rate_pm: int, minutes: list[int]) -> None:
    strangers = [stranger(number, at_min=minute) for number, minute in enumerate(sorted(minutes))]
    fewer = weigh(*strangers[:-1], at_min=2 * 10**6, rate_pm=rate_pm).score_db
    assert weigh(*strangers, at_min=2 * 10**6, rate_pm=rate_pm).score_db > fewer
