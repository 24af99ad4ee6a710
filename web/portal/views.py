"""What a page of the portal is asked for: whose goods, which days, how fine. Shared by pages and downloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request

from codegen import brands
from scanservice import goods as scanned
from scanservice.goods import Counted, Goods, Latest
from scanservice.ingest import months
from supplychain import distributors, geography
from supplychain.territories import Place
from web import wording
from web.app import db, parts
from web.console.labels import verdict_name
from web.portal import divisions, received
from web.portal.divisions import Level, Spread
from web.portal.received import Delivery
from web.portal.routes import blueprint
from web.signed_in import staff
from web.wording import lazy

# Days to choose from; 0 is all time.
PERIODS: Mapping[int, object] = {
    7: lazy("7 days"),
    30: lazy("30 days"),
    90: lazy("90 days"),
    0: lazy("All time"),
}
PERIOD_DEFAULT = 30
LEVELS: Mapping[Level, object] = {
    Level.PROVINCE: lazy("Provinces"),
    Level.CITY: lazy("Cities"),
    Level.DISTRICT: lazy("Districts"),
}
PLACES: Mapping[Place, object] = {
    Place.INSIDE: lazy("In my territory"),
    Place.OUTSIDE: lazy("Outside"),
    Place.UNKNOWN: lazy("Place not known"),
}
LATEST_SHOWN = 10
# The rest of a table is folded away.
ROWS_AT_FIRST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The choices in the address; what is no choice of ours is the default."""

    days: int
    level: Level
    now: datetime

    @property
    def since(self) -> datetime | None:
        return self.now - timedelta(days=self.days) if self.days else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    spread: Spread
    latest: Sequence[Latest]


def me() -> str:
    """The distributor who is signed in."""
    distributor_id = staff().distributor_id
    if distributor_id is None:
        raise RuntimeError("an account of role distributor names no distributor")  # the database forbids it
    return distributor_id


def asked() -> Asked:
    days = request.args.get("days", type=int)
    level = request.args.get("level", "")
    return Asked(
        days=days if days in PERIODS and days is not None else PERIOD_DEFAULT,
        level=Level(level) if level in set(Level) else Level.CITY,
        now=parts().clock.now(),
    )


def territory() -> tuple[str, ...]:
    return distributors.territory(db(), me(), tenant_id=staff().tenant_id)


def deliveries() -> tuple[Delivery, ...]:
    return received.deliveries(db(), tenant_id=staff().tenant_id, distributor_id=me())


def delivery(lot: str) -> Delivery:
    return received.delivery(db(), lot, tenant_id=staff().tenant_id, distributor_id=me())


def counted(of: Sequence[Delivery], choice: Asked) -> tuple[Counted, ...]:
    return scanned.by_division(db(), _goods(of), tenant_id=staff().tenant_id, since=choice.since, until=choice.now)


def whereabouts(of: Sequence[Delivery], choice: Asked) -> Whereabouts:
    goods = _goods(of)
    tenant_id = staff().tenant_id
    return Whereabouts(
        spread=divisions.spread(
            scanned.by_division(db(), goods, tenant_id=tenant_id, since=choice.since, until=choice.now),
            territory=territory(),
            level=choice.level,
        ),
        latest=scanned.latest(db(), goods, tenant_id=tenant_id, since=choice.since, until=choice.now, limit=LATEST_SHOWN),
    )


def _goods(of: Sequence[Delivery]) -> Goods:
    return received.goods(db(), of, tenant_id=staff().tenant_id, distributor_id=me())


def zone() -> ZoneInfo:
    return ZoneInfo(brands.load(db(), tenant_id=staff().tenant_id).timezone)


def division_name(division: str) -> str:
    return geography.full_name(division, language=wording.language())


def short_name(division: str) -> str:
    """Without the province, under whose name it stands."""
    whole, province = division_name(division), division_name(geography.province(division))
    return whole.removeprefix(province).strip() or whole


def hour(at: datetime, within: ZoneInfo) -> str:
    """To the hour: the minute of a scan is nobody's business but the scanner's."""
    return wording.instant(at.astimezone(within).replace(minute=0, second=0, microsecond=0), timezone=within.key)


def kept_since() -> date | None:
    """Scans before this day (UTC) were dropped, and count nowhere in the portal."""
    since = months.kept_since(db(), tenant_id=staff().tenant_id)
    return None if since is None else since.date()


@blueprint.context_processor
def _words() -> dict[str, object]:
    return {
        "kept_since": kept_since,
        "periods": PERIODS,
        "levels": LEVELS,
        "place_names": PLACES,
        "division_name": division_name,
        "short_name": short_name,
        "verdict_name": verdict_name,
        "few_below": divisions.FEW_BELOW,
        "rows_at_first": ROWS_AT_FIRST,
    }
