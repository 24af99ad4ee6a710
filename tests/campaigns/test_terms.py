from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import terms
from campaigns.terms import Draft, TermsInvalid, TermsUnfavourable
from tests.conftest import NOW

DAY = timedelta(days=1)
GOOD = Draft(
    name="Welcome",
    name_zh="扫码有礼",
    starts_at=NOW,
    ends_at=NOW + DAY,
    points=10,
    points_valid_days=365,
    claims_per_consumer_max=5,
    claims_per_day_max=2,
    points_budget=1000,
    gtins=frozenset({"1"}),
)


def wrong(**changes: object) -> dict[str, str]:
    with pytest.raises(TermsInvalid) as refused:
        terms.check(replace(GOOD, **changes), known_gtins=["1", "2"])  # type: ignore[arg-type]
    return dict(refused.value.fields)


def worse(changes: dict[str, object], *, has_started: bool = True) -> tuple[str, ...]:
    try:
        terms.check_favourable(GOOD, replace(GOOD, **changes), has_started=has_started)  # type: ignore[arg-type]
    except TermsUnfavourable as refused:
        return refused.fields
    return ()


def test_good_terms_pass_with_and_without_limits() -> None:
    terms.check(GOOD, known_gtins=["1"])
    bare = Draft(name="n", starts_at=NOW, ends_at=NOW + DAY, points=1)
    terms.check(bare, known_gtins=[])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "  "}, {"name": "missing"}),
        ({"name": "n" * 101}, {"name": "too_long"}),
        ({"name_zh": "a\nb"}, {"name_zh": "unprintable"}),
        ({"ends_at": NOW}, {"ends_at": "ends_before_it_starts"}),
        ({"points": 0}, {"points": "not_positive"}),
        ({"points": 10**12 + 1}, {"points": "too_large", "points_budget": "below_one_claim"}),
        ({"points_valid_days": 0}, {"points_valid_days": "not_positive"}),
        ({"points_valid_days": 36_501}, {"points_valid_days": "too_large"}),
        ({"claims_per_consumer_max": -1}, {"claims_per_consumer_max": "not_positive"}),
        ({"claims_per_day_max": 0}, {"claims_per_day_max": "not_positive"}),
        ({"points_budget": 9}, {"points_budget": "below_one_claim"}),
        ({"gtins": frozenset({"1", "3"})}, {"gtins": "unknown_product"}),
        ({"name": "", "points": 0}, {"name": "missing", "points": "not_positive"}),
    ],
)
def test_every_wrong_field_is_named_with_what_is_wrong(changes: dict[str, object], fields: dict[str, str]) -> None:
    assert wrong(**changes) == fields


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"ends_at": NOW + 2 * DAY},
        {"points": 11},
        {"points_valid_days": None},
        {"claims_per_consumer_max": None, "claims_per_day_max": 3},
        {"points_budget": 2000},
        {"gtins": frozenset({"1", "2"})},
        {"gtins": frozenset()},
    ],
)
def test_a_published_campaign_may_become_better(changes: dict[str, object]) -> None:
    assert worse(changes) == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"ends_at": NOW + DAY / 2}, ("ends_at",)),
        ({"points": 9}, ("points",)),
        ({"points_valid_days": 364}, ("points_valid_days",)),
        ({"claims_per_consumer_max": 4, "claims_per_day_max": 1}, ("claims_per_consumer_max", "claims_per_day_max")),
        ({"points_budget": 999}, ("points_budget",)),
        ({"gtins": frozenset({"2"})}, ("gtins",)),
        ({"starts_at": NOW - DAY}, ("starts_at",)),
    ],
)
def test_a_published_campaign_may_not_become_worse(changes: dict[str, object], fields: tuple[str, ...]) -> None:
    assert worse(changes) == fields


def test_a_campaign_that_has_not_started_may_start_earlier_but_not_later() -> None:
    assert worse({"starts_at": NOW - DAY}, has_started=False) == ()
    assert worse({"starts_at": NOW + timedelta(hours=1)}, has_started=False) == ("starts_at",)


@pytest.mark.parametrize("year", [1, 1999, 2200, 9999])
def test_instants_at_the_ends_of_the_calendar_are_refused(year: int) -> None:
    """There the hours of a time zone lead to a year that no column can give back."""
    assert wrong(starts_at=NOW.replace(year=year))["starts_at"] == "year_out_of_range"
    assert wrong(ends_at=NOW.replace(year=year))["ends_at"] == "year_out_of_range"
