"""When a product's buyers are warned of copies: what its own scans suggest, what a change would have done, and the change itself.

Promises: a dry run judges the scans of the last days again, with the state each of them met, by the same function as the edge; it
changes nothing. A change counts from the next scan on, and the audit says whose it was and why. Refused: rates and odds outside of
what `evidence` can tell apart, and a change without a reason.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from codegen import audit, products
from codegen.audit import Action
from codegen.products import Product
from kit.refusals import Invalid
from scanservice import catalogue, evidence, verdicts
from scanservice.evidence import Weights
from scanservice.hot import state
from scanservice.hot.state import State, Touch
from scanservice.ingest import kept_states
from scanservice.verdicts import Role, Standing, Verdict

DAYS: Final = 30
ROWS_AT_ONCE: Final = 10_000
# A dry run reads a product's scans one after another; beyond this it takes minutes.
SCANS_MAX: Final = 5_000_000
CODES_SHOWN: Final = 20
# Under so many codes with buyers a rate is chance.
CODES_MIN: Final = 200
# What the rate is believed to be before anything was scanned, and how many codes that belief is worth.
_BELIEF_CODES: Final = 100
_JUDGED: Final = frozenset({Verdict.GENUINE_FIRST, Verdict.GENUINE_AGAIN, Verdict.GENUINE_SEEN, Verdict.SUSPECT})


class RateOutside(Invalid):
    code = "rate_outside"
    says = "Of a thousand genuine items {rate_min} to {rate_max} can meet one more stranger, not {rate_pm}."


class OddsOutside(Invalid):
    code = "odds_outside"
    says = "Buyers can be warned at odds of {odds_min} to {odds_max} decibans, not {odds_db}."


class ThresholdUnexplained(Invalid):
    code = "threshold_unexplained"
    says = "Say why: whoever is asked about a warning later will want to know."


class TooManyScans(Invalid):
    code = "too_many_scans"
    says = "This product had more than {scans_max} scans in {days} days. Try fewer days."


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What the product's own scans say: of `codes` with a buyer, `passed_on` met at least one stranger more."""

    codes: int
    passed_on: int
    stranger_rate_pm: int

    @property
    def enough(self) -> bool:
        return self.codes >= CODES_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A code whose buyers would be warned otherwise than they were."""

    epoch: int
    counter: int
    warned: int
    score_db: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Visitors, not scans: who would have been warned, and who was. `by_finding` says on what: the reasons of the warnings."""

    days: int
    scans: int
    visitors: int
    warned: frozenset[bytes]
    warned_before: frozenset[bytes]
    codes_warned: int
    by_finding: Mapping[str, int]
    by_division: Mapping[str, int]
    codes: tuple[Affected, ...]

    @property
    def newly_warned(self) -> frozenset[bytes]:
        return self.warned - self.warned_before

    @property
    def no_longer_warned(self) -> frozenset[bytes]:
        return self.warned_before - self.warned


_SUGGESTED: Final = text("""
SELECT count(*), count(*) FILTER (WHERE visitors > 1)
  FROM (SELECT count(DISTINCT substr(whence, 1, 3)) AS visitors
          FROM scan
         WHERE tenant_id = :tenant_id AND gtin = :gtin AND scanned_at >= :since AND confirmed_at IS NOT NULL
           AND epoch IS NOT NULL AND role = 'consumer' AND verdict = ANY(:judged)
         GROUP BY epoch, counter) AS code
""")
# Whole histories of the codes that were confirmed in these days: a state begins with the first scan, not with the window, and not with
# the oldest month that is still there.
_HISTORIES: Final = text("""
SELECT s.epoch, s.counter, s.confirmed_at, s.visitor, s.whence, s.role, s.verdict, s.division, k.state AS kept
  FROM scan AS s
  JOIN (SELECT DISTINCT epoch, counter FROM scan
         WHERE tenant_id = :tenant_id AND gtin = :gtin AND scanned_at >= :since AND confirmed_at IS NOT NULL
           AND epoch IS NOT NULL) AS code USING (epoch, counter)
  LEFT JOIN code_state AS k ON k.tenant_id = :tenant_id AND k.epoch = s.epoch AND k.counter = s.counter
 WHERE s.tenant_id = :tenant_id AND s.confirmed_at IS NOT NULL
 ORDER BY s.epoch, s.counter, s.confirmed_at, s.scan_id
 LIMIT :limit
""")


def set_weights(
    session: Session, *, tenant_id: int, gtin: str, weights: Weights | None, reason: str, actor: str, now: datetime
) -> Product:
    """From the next scan on; None: as usual again."""
    if weights is not None:
        checked(weights)
    if not reason.strip():
        raise ThresholdUnexplained
    if len(reason) > audit.REASON_LENGTH_MAX:
        raise audit.ReasonTooLong(length_max=audit.REASON_LENGTH_MAX)
    before = catalogue.weights_of(products.find(session, tenant_id=tenant_id, gtin=gtin))
    product = products.set_copy_weights(
        session,
        tenant_id=tenant_id,
        gtin=gtin,
        stranger_rate_pm=None if weights is None else weights.stranger_rate_pm,
        suspect_at_db=None if weights is None else weights.suspect_at_db,
    )
    after = catalogue.weights_of(product)
    audit.write(
        session,
        Action.WARNING_CHANGED,
        tenant_id=tenant_id,
        actor=actor,
        now=now,
        reason=reason.strip(),
        facts={
            "gtin": product.gtin,
            "stranger_rate_pm": [before.stranger_rate_pm, after.stranger_rate_pm],
            "suspect_at_db": [before.suspect_at_db, after.suspect_at_db],
        },
    )
    return product


def checked(weights: Weights) -> Weights:
    if not evidence.STRANGER_RATE_PM_MIN <= weights.stranger_rate_pm <= evidence.STRANGER_RATE_PM_MAX:
        raise RateOutside(
            rate_min=evidence.STRANGER_RATE_PM_MIN, rate_max=evidence.STRANGER_RATE_PM_MAX, rate_pm=weights.stranger_rate_pm
        )
    if not evidence.SUSPECT_AT_DB_MIN <= weights.suspect_at_db <= evidence.SUSPECT_AT_DB_MAX:
        raise OddsOutside(odds_min=evidence.SUSPECT_AT_DB_MIN, odds_max=evidence.SUSPECT_AT_DB_MAX, odds_db=weights.suspect_at_db)
    return weights


def suggestion(session: Session, *, tenant_id: int, gtin: str, now: datetime, days: int = DAYS) -> Suggestion:
    """How often this product's items meet one more stranger: households count once, and few codes move the usual rate little."""
    row = session.execute(
        _SUGGESTED,
        {"tenant_id": tenant_id, "gtin": gtin, "since": now - timedelta(days=days), "judged": [str(one) for one in _JUDGED]},
    ).one()
    codes, passed_on = int(row[0]), int(row[1])
    believed = _BELIEF_CODES * evidence.STRANGER_RATE_PM / 1000
    rate_pm = round(1000 * (passed_on + believed) / (codes + _BELIEF_CODES))
    bounded = min(evidence.STRANGER_RATE_PM_MAX, max(evidence.STRANGER_RATE_PM_MIN, rate_pm))
    return Suggestion(codes=codes, passed_on=passed_on, stranger_rate_pm=bounded)


def dry_run(session: Session, *, tenant_id: int, gtin: str, weights: Weights, now: datetime, days: int = DAYS) -> DryRun:
    """What these weights would have said to the buyers of the last `days` days."""
    checked(weights)
    since = now - timedelta(days=days)
    values = {"tenant_id": tenant_id, "gtin": gtin, "since": since, "limit": SCANS_MAX + 1}
    tally = _Tally()
    with session.execute(_HISTORIES.execution_options(yield_per=ROWS_AT_ONCE), values) as rows:
        for (epoch, counter), scans in groupby(rows, key=lambda row: (row.epoch, row.counter)):
            tally.add(epoch, counter, scans, weights=weights, since=since)
            if tally.read > SCANS_MAX:
                raise TooManyScans(scans_max=SCANS_MAX, days=days)
    return tally.result(days)


class _Tally:
    def __init__(self) -> None:
        self.read = 0
        self._scans = 0
        self._visitors: set[bytes] = set()
        self._warned: set[bytes] = set()
        self._warned_before: set[bytes] = set()
        self._findings: Counter[str] = Counter()
        self._divisions: Counter[str] = Counter()
        self._codes: list[Affected] = []
        self._codes_warned = 0

    def add(self, epoch: int, counter: int, scans: Iterator[Row[Any]], *, weights: Weights, since: datetime) -> None:
        before: State | None = None
        warned = 0
        score_db = 0
        for row in scans:
            self.read += 1
            kept = None if row.kept is None else kept_states.unpack(bytes(row.kept))
            at_s = state.seconds(row.confirmed_at.timestamp())
            judged = _judge(row, kept_states.before(before, kept, at_s=at_s), weights)
            if judged is not None and row.confirmed_at >= since:
                visitor = bytes(row.visitor)
                self._scans += 1
                self._visitors.add(visitor)
                if row.verdict == Verdict.SUSPECT:
                    self._warned_before.add(visitor)
                if judged.verdict is Verdict.SUSPECT:
                    warned += 1
                    score_db = max([score_db, *(int(one.value or 0) for one in judged.reasons if one.code == "copies_odds_db")])
                    self._warn(visitor, row.division, [one.code for one in judged.reasons])
            before = state.touch(before, _touch(row))
        if warned:
            self._codes_warned += 1
            self._codes.append(Affected(epoch=epoch, counter=counter, warned=warned, score_db=score_db))
            if len(self._codes) > 2 * CODES_SHOWN:
                self._codes = _worst(self._codes)

    def result(self, days: int) -> DryRun:
        return DryRun(
            days=days,
            scans=self._scans,
            visitors=len(self._visitors),
            warned=frozenset(self._warned),
            warned_before=frozenset(self._warned_before),
            codes_warned=self._codes_warned,
            by_finding=dict(self._findings.most_common()),
            by_division=dict(self._divisions.most_common(CODES_SHOWN)),
            codes=tuple(_worst(self._codes)),
        )

    def _warn(self, visitor: bytes, division: str, findings: list[str]) -> None:
        if visitor in self._warned:
            return
        self._warned.add(visitor)
        self._divisions[division] += 1
        self._findings.update(one for one in ("too_far_apart", "regions", "together") if one in findings)


def _worst(codes: list[Affected]) -> list[Affected]:
    return sorted(codes, key=lambda code: (-code.score_db, -code.warned, code.epoch, code.counter))[:CODES_SHOWN]


def _judge(row: Row[Any], before: State | None, weights: Weights) -> verdicts.Judgement | None:
    """None where neither threshold nor rate has a say: recalled goods, a shop's scan."""
    if row.role != Role.CONSUMER or row.verdict not in _JUDGED:
        return None
    return verdicts.judge(
        standing=Standing.ACTIVE,
        before=before,
        visitor=bytes(row.visitor)[: state.VISITOR_BYTES],
        whence=bytes(row.whence),
        role=Role.CONSUMER,
        at_s=state.seconds(row.confirmed_at.timestamp()),
        weights=weights,
    )


def _touch(row: Row[Any]) -> Touch:
    return Touch(
        mode=verdicts.recorded_mode(row.verdict, row.role, confirmed=True),
        at_s=state.seconds(row.confirmed_at.timestamp()),
        visitor=bytes(row.visitor)[: state.VISITOR_BYTES],
        whence=bytes(row.whence),
    )
