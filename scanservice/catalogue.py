"""What the edge knows by heart: every brand's hosts, products, keys, ranges and states, and the generation of the log.

Promises: a `Catalogue` never changes; a newer one replaces it whole, loaded outside the event loop, one load at a time however
many scans ask for it. Its version may be older than what it holds, never newer. Refused: to guess a brand in production.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

import msgspec
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from codegen import brands, catalogue, catalogue_version, origins
from codegen.catalogue import BrandCatalogue, CodeRange
from codegen.lifecycle.intervals import Stretch
from codegen.lifecycle.ranges import CodeState
from codegen.products import Product
from codegen.proofs import NO_PROOFS, Proofs
from codegen.resolver_links.link_table import NO_LINKS, LinkTable
from kit import log
from kit.db import transaction
from kit.refusals import NotFound, Unavailable
from scanservice import api_keys, evidence, verdicts
from scanservice.api_keys import ApiKey, KeyRefused
from scanservice.evidence import Weights
from scanservice.hot import functions, generations
from scanservice.hot import log as scan_log
from scanservice.hot.log import Known
from scanservice.verdicts import Judgement, Standing

POLL_S: Final = 5.0
# Of one range; beyond it, where every code is bound or decided apart, all are found anew.
FACTS_KEPT_MAX: Final = 4096

_STANDINGS: Final = {
    CodeState.VOID: Standing.VOID,
    CodeState.RECALLED: Standing.RECALLED,
    CodeState.ACTIVE: Standing.ACTIVE,
    CodeState.FROZEN: Standing.FROZEN,
    CodeState.PRINTED: Standing.INACTIVE,
    CodeState.INACTIVE: Standing.INACTIVE,
}
# Why goods are held back, or when they were printed, is a note among staff.
_ON_THE_WAY: Final = frozenset({Standing.ACTIVE, Standing.INACTIVE})
_TOLD: Final = frozenset({CodeState.ACTIVE, CodeState.RECALLED, CodeState.VOID})
_NO_STOCKS: Final[tuple[list[int], list["_Stock"]]] = ([], [])
_log = log.get(__name__)


class HostUnknown(NotFound):
    code: ClassVar[str] = "host_unknown"
    says: ClassVar[str] = "No brand is known under this host."


class BrandUnclear(NotFound):
    code: ClassVar[str] = "brand_unclear"
    says: ClassVar[str] = "Several brands are found under this host, and a serial alone does not say which one made it."


class CatalogueAway(Unavailable):
    code: ClassVar[str] = "catalogue_away"
    says: ClassVar[str] = "The catalogue of codes cannot be read right now. Try again in a moment."


class Asked(msgspec.Struct, frozen=True):
    """A code as a request names it: by its serial, or by epoch and counter as a ticket does. `gtin` is empty for short codes."""

    tenant_id: int
    gtin: str = ""
    serial: str = ""
    counted: tuple[int, int] | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the catalogue says of a code, and of all codes alike: neighbours of one order share these.

    `weights`: by which evidence of copies is judged. `unseen`: the verdict where nobody has scanned it. `logged`: these facts as every entry of the scan log has them.
    """

    brand: BrandCatalogue
    standing: Standing
    standing_reason: str
    gtin: str
    lot: str
    kind: str
    order_id: UUID | None
    proofs: Proofs
    product: Product | None
    weights: Weights
    unseen: Judgement
    logged: msgspec.Raw


class Item(msgspec.Struct, frozen=True):
    """A code and its facts. `counted` is its epoch and counter; None where nobody made it."""

    facts: Facts
    serial: str
    counted: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The code belongs to another brand of this instance, whose phones look for it under `origin`."""

    brand: BrandCatalogue
    origin: str


class Catalogue:
    def __init__(
        self, brands: Mapping[int, BrandCatalogue], *, version: int, generation: int, keys: Mapping[bytes, ApiKey] | None = None
    ) -> None:
        self.version = version
        self.api_keys = keys or {}
        self._key_ids = {key.id for key in self.api_keys.values()}
        self.generation = generation
        self.brands = brands
        self._by_gtin = {gtin: brand for brand in brands.values() for gtin in brand.products}
        self._by_host: dict[str, tuple[BrandCatalogue, ...]] = {}
        for brand in brands.values():
            for host in {*brand.hosts, origins.host_of(brand.scan_origin)}:
                self._by_host[host] = (*self._by_host.get(host, ()), brand)
        self._default = next(iter(brands.values()), None)

        self._stocks: dict[tuple[int, int], tuple[list[int], list[_Stock]]] = {}
        for tenant_id, brand in brands.items():
            for one in brand.ranges:
                firsts, stocks = self._stocks.setdefault((tenant_id, one.epoch), ([], []))
                firsts.append(one.first_counter)
                stocks.append(_Stock(brand, one))

    def require(self, key: ApiKey | None) -> None:
        """Raises KeyRefused for a key that an older catalogue knew and this one does not."""
        if key is not None and key.id not in self._key_ids:
            raise KeyRefused

    def brand_for(self, host: str, *, gtin: str, guess: bool) -> BrandCatalogue | Elsewhere:
        """The brand that answers a scan under `host`; `guess` lets an unknown host mean the oldest brand, as in the one box.

        Where brands share a host the GTIN says whose code it is; without one nobody is guessed.
        """
        here = self.brands_at(host, guess=guess)
        if not gtin and len(here) > 1:
            raise BrandUnclear
        owner = self._by_gtin.get(gtin) if gtin else None
        if owner is None or owner in here:
            return owner or here[0]
        return Elsewhere(brand=owner, origin=owner.scan_origin)

    def brands_at(self, host: str, *, guess: bool) -> tuple[BrandCatalogue, ...]:
        """The brands that share a host, one or more."""
        here = self._by_host.get(host)
        if here is not None:
            return here
        if not guess or self._default is None:
            raise HostUnknown
        return (self._default,)

    def knows_host(self, host: str) -> bool:
        return host in self._by_host

    def item(self, asked: Asked) -> Item:
        counted = asked.counted
        if counted is None and asked.serial:
            counted = self.brands[asked.tenant_id].counter_of(asked.serial)
        return self._item(asked, counted)

    def items(self, asked: Sequence[Asked]) -> list[Item]:
        """As `item` of each, with their serials read together."""
        found = [one.counted for one in asked]
        by_brand: dict[int, list[int]] = {}
        for place, one in enumerate(asked):
            if one.counted is None and one.serial:
                by_brand.setdefault(one.tenant_id, []).append(place)
        for tenant_id, places in by_brand.items():
            counters = self.brands[tenant_id].counters_of([asked[place].serial for place in places])
            for place, counted in zip(places, counters, strict=True):
                found[place] = counted
        return [self._item(one, counted) for one, counted in zip(asked, found, strict=True)]

    def _item(self, asked: Asked, counted: tuple[int, int] | None) -> Item:
        brand = self.brands[asked.tenant_id]
        if counted is None:
            return Item(_facts(brand, Standing.BAD_SERIAL, gtin=asked.gtin), asked.serial)
        epoch, counter = counted
        found = self._stock_of(asked.tenant_id, epoch, counter)
        if found is None:
            standing = Standing.EPOCH_REVOKED if brand.epochs[epoch].revoked else Standing.NO_RANGE
            return Item(_facts(brand, standing, gtin=asked.gtin, epoch=epoch), asked.serial, counted)
        facts = found.facts_at(counter)
        if asked.gtin and asked.gtin != facts.gtin:
            return Item(_facts(brand, Standing.WRONG_GTIN, gtin=asked.gtin), asked.serial)
        return Item(facts, asked.serial, counted)

    def _stock_of(self, tenant_id: int, epoch: int, counter: int) -> "_Stock | None":
        """As `BrandCatalogue.range_of`, with plain numbers to search in: this is asked for every scan."""
        firsts, stocks = self._stocks.get((tenant_id, epoch), _NO_STOCKS)
        place = bisect_right(firsts, counter) - 1
        return stocks[place] if place >= 0 and stocks[place].range.last_counter >= counter else None


class _Stock:
    """A range as scans look it up: decisions lie as numbers to search in, and the facts of codes that are alike are found once."""

    __slots__ = ("_alike", "_brand", "_decided", "_facts", "_kind", "_names", "_same", "range")

    def __init__(self, brand: BrandCatalogue, one: CodeRange) -> None:
        self.range = one
        self._brand = brand
        # What all its codes have in common, None where they differ.
        self._names = (one.gtin, one.lot) if one.gtin else None
        self._kind = one.kind if one.packaging is None else None
        self._decided = [
            (state, [stretch.first for stretch in stretches], stretches)
            for state, stretches in one.states.worst_first()
            if stretches
        ]
        self._facts: dict[tuple[CodeState, int, tuple[str, str] | None, str], Facts] = {}
        # Most orders are of one product and decided about as a whole: then there is nothing to search.
        whole = all(len(all_of) == 1 and _covers(all_of[0], one) for _, _, all_of in self._decided)
        self._same = whole and self._names is not None and self._kind is not None
        self._alike: Facts | None = None

    def facts_at(self, counter: int) -> Facts:
        if self._alike is not None:
            return self._alike
        state, decision = self._decided_at(counter)
        names = self._names or self.range.names_at(counter)
        kind = self._kind or self.range.kind_at(counter)
        key = (state, -1 if decision is None else decision.first, names, kind)
        known = self._facts.get(key)
        if known is None:
            if len(self._facts) >= FACTS_KEPT_MAX:
                self._facts.clear()
            known = self._facts[key] = self._facts_of(state, decision, names, kind)
        if self._same:
            self._alike = known
        return known

    def _decided_at(self, counter: int) -> tuple[CodeState, Stretch | None]:
        """As `OrderStates.at`."""
        for state, firsts, stretches in self._decided:
            place = bisect_right(firsts, counter) - 1
            if place >= 0 and stretches[place].last >= counter:
                return state, stretches[place]
        return CodeState.INACTIVE, None

    def _facts_of(self, state: CodeState, decision: Stretch | None, names: tuple[str, str] | None, kind: str) -> Facts:
        one = self.range
        standing = Standing.EPOCH_REVOKED if self._brand.epochs[one.epoch].revoked else _STANDINGS[state]
        if names is None and standing in _ON_THE_WAY:
            standing = Standing.UNBOUND
        told = decision is not None and state in _TOLD and standing is not Standing.UNBOUND
        gtin, lot = names or ("", "")
        return _facts(
            self._brand,
            standing,
            reason=decision.reason if decision is not None and told else "",
            gtin=gtin,
            lot=lot,
            kind=kind,
            epoch=one.epoch,
            order_id=one.order_id,
            proofs=one.proofs,
        )


def _covers(stretch: Stretch, one: CodeRange) -> bool:
    return stretch.first <= one.first_counter and stretch.last >= one.last_counter


def _facts(
    brand: BrandCatalogue,
    standing: Standing,
    *,
    reason: str = "",
    gtin: str = "",
    lot: str = "",
    kind: str = "",
    epoch: int | None = None,
    order_id: UUID | None = None,
    proofs: Proofs = NO_PROOFS,
) -> Facts:
    product = None if epoch is None else brand.products.get(gtin)
    weights = evidence.USUAL if product is None else weights_of(product)
    known = Known(
        *(brand.tenant_id, standing, reason, gtin, lot, epoch, order_id), weights.stranger_rate_pm, weights.suspect_at_db
    )
    return Facts(
        brand=brand,
        standing=standing,
        standing_reason=reason,
        gtin=gtin,
        lot=lot,
        kind=kind,
        order_id=order_id,
        proofs=proofs,
        product=product,
        weights=weights,
        unseen=verdicts.unseen(standing, reason),
        logged=scan_log.pack(known),
    )


def weights_of(product: Product) -> Weights:
    return evidence.weights(
        evidence.STRANGER_RATE_PM if product.stranger_rate_pm is None else product.stranger_rate_pm,
        evidence.SUSPECT_AT_DB if product.suspect_at_db is None else product.suspect_at_db,
    )


def load(engine: Engine, *, kek: bytes, kept_links: MutableMapping[int, LinkTable] | None = None) -> Catalogue:
    """`kept_links` are the links of each brand as an earlier load found them, brought up to date here: unchanged ones are not read again."""
    kept = {} if kept_links is None else kept_links
    with transaction(engine, tenant_id=None) as session:
        version = catalogue_version.current(session)
        generation = generations.recorded(session)
        tenant_ids = brands.tenant_ids(session)
    by_tenant: dict[int, BrandCatalogue] = {}
    keys: dict[bytes, ApiKey] = {}
    for tenant_id in tenant_ids:
        with transaction(engine, tenant_id=tenant_id) as session:
            brand = catalogue.snapshot(session, tenant_id=tenant_id, kek=kek, known_links=kept.get(tenant_id, NO_LINKS))
            by_tenant[tenant_id], kept[tenant_id] = brand, brand.links
            keys.update(api_keys.by_digest(session, tenant_id=tenant_id))
    return Catalogue(by_tenant, version=version, generation=generation, keys=keys)


def signs(engine: Engine) -> tuple[int, int]:
    """Catalogue version and generation as PostgreSQL has them: when they are other than the loaded ones, load again."""
    with transaction(engine, tenant_id=None) as session:
        return catalogue_version.current(session), generations.recorded(session)


def announce(redis: Redis, version: int) -> None:
    """Tells every edge, with its next scan, that its catalogue is old. A lost word costs POLL_S seconds."""
    try:
        if not functions.installed(redis):
            return  # no edge of this version has started on this Redis; older ones look every POLL_S seconds
        with redis.pipeline(transaction=False) as pipeline:
            for partition in range(functions.PARTITIONS):
                pipeline.fcall(functions.ANNOUNCE, 1, functions.meta_key(partition), str(version))
            pipeline.execute()
    except RedisError:
        _log.warning("edges were not told of a new catalogue and will find it by themselves", version=version, exc_info=True)


class Shelf:
    """Holds the newest catalogue for an event loop, and fetches a newer one when told to."""

    def __init__(self, load: Callable[[], Catalogue], signs: Callable[[], tuple[int, int]]) -> None:
        self._load = load
        self._signs = signs
        # None until it has been loaded.
        self.current: Catalogue | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="catalogue")

    @property
    def catalogue(self) -> Catalogue:
        if self.current is None:
            raise CatalogueAway
        return self.current

    async def refresh(self) -> None:
        """Comes back when what is loaded is at least as new as this call. Raises CatalogueAway when PostgreSQL does not answer."""
        if self._fetching is not None:
            # A fetch under way may have read the version before the change that made us ask.
            await asyncio.wait([self._fetching])
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        await asyncio.shield(self._fetching)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _fetch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self.current is not None:
                known = self.current.version, self.current.generation
                if await loop.run_in_executor(self._thread, self._signs) == known:
                    return
            self.current = await loop.run_in_executor(self._thread, self._load)
        except (SQLAlchemyError, Unavailable) as error:
            # Unavailable: the key ring cannot be opened. Why is for the log, not for who scans.
            raise CatalogueAway from error
