"""The dashboard: what was scanned, how it was answered, where, and who joined.

Promises: each figure carries its definition; the charts' numbers stand in a table below them; days are those of UTC, like the
totals they are added up from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request

from campaigns import offers
from codegen import order_search, products
from crm import people, profile
from scanservice import queries
from scanservice.queries import DayTotal, DivisionTotal
from scanservice.verdicts import Verdict
from supplychain import geography
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import charts, desk, labels
from web.console.codes.orders import product_names
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import language

PERIODS = (7, 30, 90)
PERIOD_DEFAULT = 30
TOP_DIVISIONS = 10
LATEST_SCANS = 8
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    verdict: Verdict
    scans: int
    thousandths: int


@blueprint.get("/", endpoint="dashboard")
@admits(*CONSOLE_ROLES)
def dashboard() -> str:
    today = desk.now().astimezone(UTC).date()
    asked = request.args.get("days", "")
    period = int(asked) if asked in {str(days) for days in PERIODS} else PERIOD_DEFAULT
    days = [today - timedelta(days=back) for back in reversed(range(period))]
    until = today + timedelta(days=1)
    longest = queries.totals_by_day(db(), tenant_id=desk.tenant_id(), since=today - timedelta(days=max(PERIODS) - 1), until=until)
    in_period = [total for total in longest if total.day >= days[0]]
    joined = people.joined_by_day(db(), tenant_id=desk.tenant_id(), first_on=days[0], last_on=today, zone=_UTC)
    top = queries.top_divisions(db(), tenant_id=desk.tenant_id(), since=days[0], until=until, rows_max=TOP_DIVISIONS)
    latest = queries.recent_scans(db(), tenant_id=desk.tenant_id(), rows_max=LATEST_SCANS)
    return render_template(
        "console/dashboard.html",
        period=period,
        periods=PERIODS,
        figures={
            "today": _scans(longest, since=today),
            "week": _scans(longest, since=today - timedelta(days=6)),
            "month": _scans(longest, since=today - timedelta(days=29)),
            "confirmed": sum(total.confirmed for total in in_period),
            "scans": sum(total.scans for total in in_period),
            "joined": sum(joined.values()),
            "points": sum(offer.points_granted for offer in offers.listing(db(), tenant_id=desk.tenant_id())),
        },
        shares=shares(in_period),
        latest=latest,
        names=product_names(),
        made_at=desk.now(),
        start=_start(has_scans=bool(latest)),
        **_charts(days, in_period, joined, top),
    )


def shares(totals: Sequence[DayTotal]) -> list[Share]:
    """What part of the scans got which verdict, the largest first."""
    by_verdict = {verdict: _scans(totals, verdict=verdict) for verdict in Verdict}
    whole = sum(by_verdict.values())
    return sorted(
        (
            Share(verdict=verdict, scans=scans, thousandths=round(scans * 1000 / whole))
            for verdict, scans in by_verdict.items()
            if scans
        ),
        key=lambda share: -share.scans,
    )


def series(days: Sequence[date], totals: Sequence[DayTotal]) -> dict[Verdict, list[int]]:
    """For each verdict that occurred its scans on each of the days; a day without any is 0."""
    by_cell = {(total.verdict, total.day): total.scans for total in totals}
    return {
        verdict: [by_cell.get((verdict, day), 0) for day in days]
        for verdict in charts.COLOURS
        if any(total.verdict is verdict for total in totals)
    }


def _scans(totals: Sequence[DayTotal], *, since: date | None = None, verdict: Verdict | None = None) -> int:
    return sum(
        total.scans for total in totals if (since is None or total.day >= since) and (verdict is None or total.verdict is verdict)
    )


def _charts(
    days: Sequence[date], totals: Sequence[DayTotal], joined: Mapping[date, int], top: Sequence[DivisionTotal]
) -> dict[str, object]:
    """Options for the pictures, and the same numbers for the tables under them."""
    by_verdict = series(days, totals)
    verdict_names = {verdict: str(labels.VERDICTS[verdict]) for verdict in by_verdict}
    places = [geography.full_name(one.division, language=language()) for one in top]
    return {
        "days": days,
        "by_verdict": by_verdict,
        "verdict_names": verdict_names,
        "joined": joined,
        "top": list(zip(places, top, strict=True)),
        "scans_chart": charts.stacked_days(days, by_verdict, names=verdict_names),
        "joined_chart": charts.day_bars(days, [joined[day] for day in days], name=_("New consumers")),
        "top_chart": charts.ranking(places, [one.scans for one in top], name=_("Scans")),
    }


def _start(*, has_scans: bool) -> dict[str, bool] | None:
    """What a brand without scans has still to do; None once it has scans."""
    if has_scans:
        return None
    return {
        "product": bool(products.listing(db(), tenant_id=desk.tenant_id())),
        "order": bool(order_search.page(db(), tenant_id=desk.tenant_id(), rows_max=1).orders),
        "campaign": bool(offers.listing(db(), tenant_id=desk.tenant_id())),
        "consumers": bool(profile.count(db(), tenant_id=desk.tenant_id())),
    }
