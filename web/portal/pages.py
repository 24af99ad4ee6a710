"""The pages of the portal: goods shipped to me, one lot, all scans of my goods, my territory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template

from scanservice.goods import Counted, Latest
from scanservice.verdicts import Verdict
from supplychain import geography, shipments, territories
from supplychain.territories import Place
from web.accounts import Role
from web.portal import divisions, views
from web.portal.divisions import Level, Spread
from web.portal.received import Delivery
from web.portal.routes import blueprint
from web.portal.views import Asked, Whereabouts
from web.signed_in import admits


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLine:
    delivery: Delivery
    spread: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestLine:
    """One scan without anything personal: the hour, where (empty: not to be said), what we answered."""

    hour: str
    lot: str
    place: Place
    division: str
    verdict: Verdict


@blueprint.get("/")
@admits(Role.DISTRIBUTOR)
def goods() -> str:
    choice = Asked(days=0, level=Level.CITY, now=views.asked().now)
    territory = views.territory()
    known = views.deliveries()
    counted = views.counted(known, choice)
    by_lot: dict[str, list[Counted]] = {}
    for one in counted:
        by_lot.setdefault(one.lot, []).append(one)
    return render_template(
        "portal/goods.html",
        lines=[
            LotLine(
                delivery=one,
                spread=divisions.spread(by_lot.get(one.shipped.lot, ()), territory=territory, level=choice.level),
            )
            for one in known
        ],
        spread=divisions.spread(counted, territory=territory, level=choice.level),
        territory=territory,
        zone=views.zone().key,
        lots_max=shipments.LOTS_MAX,
    )


@blueprint.get("/lots/<lot>")
@admits(Role.DISTRIBUTOR)
def goods_lot(lot: str) -> str:
    """Named after `goods`, under which the navigation shows it."""
    choice = views.asked()
    delivery = views.delivery(lot)
    found = views.whereabouts([delivery], choice)
    return render_template("portal/lot.html", delivery=delivery, **_shown(found, choice))


@blueprint.get("/scans")
@admits(Role.DISTRIBUTOR)
def scans() -> str:
    choice = views.asked()
    known = views.deliveries()
    return render_template("portal/scans.html", deliveries=known, **_shown(views.whereabouts(known, choice), choice))


@blueprint.get("/territory")
@admits(Role.DISTRIBUTOR)
def territory() -> str:
    found = views.territory()
    by_province: dict[str, list[str]] = {}
    for division in found:
        by_province.setdefault(geography.province(division) or division.partition("-")[0], []).append(division)
    return render_template("portal/territory.html", by_province=by_province, territory=found)


def _shown(found: Whereabouts, choice: Asked) -> Mapping[str, object]:
    within = views.zone()
    territory = views.territory()
    return {
        "asked": choice,
        "spread": found.spread,
        "latest": _latest(found.latest, found.spread, territory=territory, level=choice.level),
        "territory": territory,
        "zone": within.key,
    }


def _latest(latest: Sequence[Latest], spread: Spread, *, territory: Sequence[str], level: Level) -> list[LatestLine]:
    within = views.zone()
    lines = []
    for one in latest:
        place = territories.place(one.division, territory)
        division = divisions.gather(one.division, level)
        lines.append(
            LatestLine(
                hour=views.hour(one.scanned_at, within),
                lot=one.lot,
                place=place,
                division=division if spread.shows(division, place) else "",
                verdict=one.verdict,
            )
        )
    return lines
