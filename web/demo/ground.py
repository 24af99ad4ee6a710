"""What the demo stands on: products, code orders with their releases, distributors, shipments, campaigns.

Promises: what is there already is left as it is, whatever people have made of it since; the instant at which the story ends is kept in
the orders, so that a second run tells the same story. Refuses a brand that another demo has filled: two stories would mix.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from campaigns import offers
from campaigns.offers import CampaignUnknown
from campaigns.terms import Draft
from codegen import orders, products
from codegen.cipher import Serials
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.orders import CodeOrder
from kit.refusals import Conflict
from supplychain import distributors, shipments
from supplychain.distributors import Distributor
from supplychain.shipments import Shipment
from web.demo import cast
from web.demo.story import Lot, Story

ACTOR: Final = "demo"
_REQUESTS: Final = "demo "
_LOT_MARK: Final = " lot "
# Codes are ordered, released and voided before the first lot is shipped, a week before the story begins.
_ORDERED_BEFORE: Final = timedelta(days=12)
_RELEASED_BEFORE: Final = timedelta(days=10)
_VOID_REASON: Final = "misprinted at the line"
_CAMPAIGNS: Final = UUID("5b0f2a54-7a0f-5d38-9c9e-9f6f1f0f4c11")
# Points of the first campaign run out soon after the story ends, those of the second a year after they were earned.
SOON_DAYS: Final = 4
_CAMPAIGN_GOES_ON: Final = timedelta(days=60)


class DemoDiffers(Conflict):
    code = "demo_differs"
    says = "This brand was filled by another demo ({there}). Run it with the same options, or use a new data folder."


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    seed: int
    codes: int
    days: int

    def __str__(self) -> str:
        return f"--seed {self.seed} --codes {self.codes} --days {self.days}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """`serials` of each lot of the story, by row. `new` counts orders, distributors, shipments and campaigns that were not there before."""

    serials: tuple[Serials, ...]
    shipments: int
    new: int


def story_ends_at(session: Session, options: Options, *, tenant_id: int, now: datetime) -> datetime:
    """Now, or, where this demo was here before, the instant of then."""
    told = [order for order in orders.every(session, tenant_id=tenant_id) if order.request_id.startswith(_REQUESTS)]
    for order in told:
        there = order.request_id.removeprefix(_REQUESTS).rpartition(_LOT_MARK)[0]
        if there != str(options):
            raise DemoDiffers(there=there)
    if told:
        return told[0].created_at + _ORDERED_BEFORE + timedelta(days=options.days)
    return now.replace(microsecond=0)


def lay(session: Session, story: Story, options: Options, *, tenant_id: int, kek: bytes) -> Laid:
    _products(session, story, tenant_id=tenant_id)
    known = {order.request_id for order in orders.every(session, tenant_id=tenant_id)}
    placed = [_order(session, lot, story, options, tenant_id=tenant_id, known=known) for lot in story.lots]
    ciphers = keyring.epochs(session, tenant_id=tenant_id, kek=kek)
    serials = tuple(ciphers[order.epoch].cipher.serials(order.first_counter, order.quantity) for order in placed)
    new = sum(order.request_id not in known for order in placed)
    new += _distributors(session, story, tenant_id=tenant_id)
    sent = [one for lot, order, rows in zip(story.lots, placed, serials, strict=True) for one in _shipments(lot, order, rows)]
    new += shipments.record(session, sent, tenant_id=tenant_id)
    new += sum(_campaign(session, draft, story, tenant_id=tenant_id) for draft in _drafts(story, options))
    return Laid(serials=serials, shipments=len(sent), new=new)


def _products(session: Session, story: Story, *, tenant_id: int) -> None:
    there = {product.gtin for product in products.listing(session, tenant_id=tenant_id)}
    for product in cast.PRODUCTS:
        if product.gtin not in there:
            products.add(
                session,
                tenant_id=tenant_id,
                gtin=product.gtin,
                name=product.name,
                name_zh=product.name_zh,
                description=product.description,
                now=story.starts_at - _ORDERED_BEFORE,
            )


def _order(session: Session, lot: Lot, story: Story, options: Options, *, tenant_id: int, known: set[str]) -> CodeOrder:
    request_id = f"{_REQUESTS}{options}{_LOT_MARK}{lot.cast.name}"
    order = orders.place(
        session,
        tenant_id=tenant_id,
        gtin=lot.gtin,
        quantity=lot.quantity,
        lot=lot.cast.name,
        request_id=request_id,
        now=story.starts_at - _ORDERED_BEFORE,
        actor=ACTOR,
    )
    decided_at = story.starts_at - _RELEASED_BEFORE
    if request_id not in known and lot.released:
        ranges.activate(session, tenant_id=tenant_id, order_id=order.id, now=decided_at, actor=ACTOR)
    if request_id not in known and lot.voided:
        ranges.void(
            session,
            tenant_id=tenant_id,
            order_id=order.id,
            first=lot.quantity - lot.voided + 1,
            last=lot.quantity,
            reason=_VOID_REASON,
            now=decided_at,
            actor=ACTOR,
        )
    return order


def _distributors(session: Session, story: Story, *, tenant_id: int) -> int:
    there = distributors.ids(session, tenant_id=tenant_id)
    missing = [
        Distributor(distributor_id=dealer.distributor_id, name=dealer.name, divisions=tuple(sorted(dealer.divisions)))
        for dealer in cast.DEALERS
        if dealer.distributor_id not in there
    ]
    distributors.put_all(session, missing, tenant_id=tenant_id, now=story.starts_at - _ORDERED_BEFORE)
    return len(missing)


def _shipments(lot: Lot, order: CodeOrder, serials: Serials) -> Iterator[Shipment]:
    if not lot.cast.by_serial:
        for dealer in lot.cast.dealers:
            yield Shipment(distributor_id=cast.DEALERS[dealer].distributor_id, shipped_at=lot.shipped_at, lot=order.lot)
        return
    for row in range(1, lot.quantity + 1):
        yield Shipment(
            distributor_id=cast.DEALERS[lot.dealer_of(row)].distributor_id,
            shipped_at=lot.shipped_at,
            lot=order.lot,
            serial=bytes(serials[row - 1]).decode("ascii"),
            epoch=order.epoch,
            counter=order.first_counter + row - 1,
        )


def _drafts(story: Story, options: Options) -> tuple[Draft, Draft]:
    tea, *others = (product.gtin for product in cast.PRODUCTS)
    starts_at, ends_at = story.starts_at - timedelta(days=1), story.ends_at + _CAMPAIGN_GOES_ON
    return (
        Draft(
            name="Autumn tea points",
            name_zh="秋季品茶有礼",
            points=20,
            points_valid_days=options.days + SOON_DAYS,
            claims_per_day_max=3,
            gtins=frozenset({tea}),
            starts_at=starts_at,
            ends_at=ends_at,
        ),
        Draft(
            name="Kitchen points",
            name_zh="厨房好物积分",
            points=15,
            points_valid_days=365,
            claims_per_consumer_max=20,
            points_budget=200_000,
            gtins=frozenset(others),
            starts_at=starts_at,
            ends_at=ends_at,
        ),
    )


def _campaign(session: Session, draft: Draft, story: Story, *, tenant_id: int) -> bool:
    """True when it is new. A campaign that marketers have changed since is theirs."""
    campaign_id = uuid5(_CAMPAIGNS, f"{tenant_id} {draft.name}")
    try:
        offers.get(session, tenant_id=tenant_id, campaign_id=campaign_id)
    except CampaignUnknown:
        offers.create(
            session,
            tenant_id=tenant_id,
            draft=draft,
            running=True,
            campaign_id=campaign_id,
            now=story.starts_at - timedelta(days=2),
            actor=ACTOR,
        )
        return True
    return False
