"""The terms of a campaign: what a marketer may promise, and what they may still change once it was promised. Pure.

Promises: every wrong field is named at once, each with a code of its own. Refuses changes to a published campaign that take
something away from consumers: a published promise may only become better for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from crm.lots import POINTS_PER_TRANSFER_MAX, VALID_DAYS_MAX
from kit.refusals import Conflict, Invalid

NAME_CHARS_MAX = 100
PRODUCTS_MAX = 500
CLAIMS_MAX = 1_000_000
POINTS_BUDGET_MAX = 10**15
# Far from the ends of what a calendar can hold, where the hours of a time zone lead beyond it.
YEAR_MIN = 2000
YEAR_MAX = 2199

assert POINTS_PER_TRANSFER_MAX <= POINTS_BUDGET_MAX  # noqa: S101 - how two limits relate


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Points for the first confirmed scan of a code, as a marketer writes it down.

    `points_valid_days` None: the points never expire. A limit or budget of None: there is none. No `gtins`: every product.
    Days are those of the brand's calendar.
    """

    name: str
    name_zh: str = ""
    starts_at: datetime
    ends_at: datetime
    points: int
    points_valid_days: int | None = None
    claims_per_consumer_max: int | None = None
    claims_per_day_max: int | None = None
    points_budget: int | None = None
    gtins: frozenset[str] = frozenset()


class State(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A campaign with its terms as they are now."""

    id: UUID
    state: State
    revision: int
    terms: Draft
    points_granted: int
    created_by: str
    created_at: datetime


class TermsInvalid(Invalid):
    """`fields` maps each wrong field to the code of what is wrong with it."""

    code: ClassVar[str] = "campaign_invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = fields
        listed = ", ".join(f"{field}: {wrong.replace('_', ' ')}" for field, wrong in fields.items())
        super().__init__(f"The campaign cannot be saved ({listed}).", **fields)


class TermsUnfavourable(Conflict):
    """`fields` are those whose change would take something away from consumers."""

    code: ClassVar[str] = "campaign_unfavourable"

    def __init__(self, fields: Iterable[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(
            f"A published campaign may only become better for consumers; this changes {', '.join(self.fields)}. "
            "End it and start another one.",
            fields=", ".join(self.fields),
        )


def check(draft: Draft, *, known_gtins: Iterable[str]) -> None:
    """Raises TermsInvalid with every field that is wrong."""
    found = {
        "name": _name(draft.name, needed=True),
        "name_zh": _name(draft.name_zh, needed=False),
        "starts_at": _year(draft.starts_at),
        "ends_at": _year(draft.ends_at) or ("" if draft.starts_at < draft.ends_at else "ends_before_it_starts"),
        "points": _whole(draft.points, most=POINTS_PER_TRANSFER_MAX),
        "points_valid_days": _whole(draft.points_valid_days, most=VALID_DAYS_MAX),
        "claims_per_consumer_max": _whole(draft.claims_per_consumer_max, most=CLAIMS_MAX),
        "claims_per_day_max": _whole(draft.claims_per_day_max, most=CLAIMS_MAX),
        "points_budget": _budget(draft),
        "gtins": _products(draft.gtins, known=frozenset(known_gtins)),
    }
    wrong = {field: code for field, code in found.items() if code}
    if wrong:
        raise TermsInvalid(wrong)


def check_favourable(old: Draft, new: Draft, *, has_started: bool) -> None:
    """Raises TermsUnfavourable with every field that became worse. The names may always change."""
    worse = {
        "starts_at": new.starts_at != old.starts_at if has_started else new.starts_at > old.starts_at,
        "ends_at": new.ends_at < old.ends_at,
        "points": new.points < old.points,
        "points_valid_days": _is_less(new.points_valid_days, old.points_valid_days),
        "claims_per_consumer_max": _is_less(new.claims_per_consumer_max, old.claims_per_consumer_max),
        "claims_per_day_max": _is_less(new.claims_per_day_max, old.claims_per_day_max),
        "points_budget": _is_less(new.points_budget, old.points_budget),
        "gtins": bool(new.gtins) and (not old.gtins or not old.gtins <= new.gtins),
    }
    if any(worse.values()):
        raise TermsUnfavourable(field for field, is_worse in worse.items() if is_worse)


def _is_less(new: int | None, old: int | None) -> bool:
    """None is without limit, hence more than any number."""
    return new is not None and (old is None or new < old)


def _name(name: str, *, needed: bool) -> str:
    if needed and not name.strip():
        return "missing"
    if len(name) > NAME_CHARS_MAX:
        return "too_long"
    return "" if name.isprintable() else "unprintable"


def _year(instant: datetime) -> str:
    return "" if YEAR_MIN <= instant.year <= YEAR_MAX else "year_out_of_range"


def _whole(number: int | None, *, most: int) -> str:
    if number is None:
        return ""
    if number < 1:
        return "not_positive"
    return "" if number <= most else "too_large"


def _budget(draft: Draft) -> str:
    wrong = _whole(draft.points_budget, most=POINTS_BUDGET_MAX)
    if wrong or draft.points_budget is None:
        return wrong
    return "" if draft.points <= draft.points_budget else "below_one_claim"


def _products(gtins: frozenset[str], *, known: frozenset[str]) -> str:
    if len(gtins) > PRODUCTS_MAX:
        return "too_many"
    return "" if gtins <= known else "unknown_product"
