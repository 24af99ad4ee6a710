"""What the edge knows by heart: every brand's hosts, products, keys, ranges and states, and the generation of the log.

Promises: a `Catalogue` never changes; a newer one replaces it whole, loaded outside the event loop, one load at a time however
many scans ask for it. Its version may be older than what it holds, never newer. Refused: to guess a brand in production.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, MutableMapping
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
from scanservice import api_keys, evidence
from scanservice.api_keys import ApiKey
from scanservice.evidence import Weights
from scanservice.hot import functions, generations
from scanservice.verdicts import Standing

POLL_S: Final = 5.0

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


class Item(msgspec.Struct, frozen=True):
    """What the catalogue says of a code. `counted` is its epoch and counter; None where nobody made it. `weights`: by which evidence of
    copies of this code is judged.
    """

    brand: BrandCatalogue
    standing: Standing
    standing_reason: str = ""
    gtin: str = ""
    lot: str = ""
    kind: str = ""
    serial: str = ""
    counted: tuple[int, int] | None = None
    order_id: UUID | None = None
    proofs: Proofs = NO_PROOFS
    weights: Weights = evidence.USUAL


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
                stocks.append(_Stock(one))

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
        brand = self.brands[asked.tenant_id]
        counted = asked.counted or (brand.counter_of(asked.serial) if asked.serial else None)
        if counted is None:
            return Item(brand=brand, standing=Standing.BAD_SERIAL, gtin=asked.gtin, serial=asked.serial)
        epoch, counter = counted
        found = self._stock_of(asked.tenant_id, epoch, counter)
        if found is None:
            revoked = brand.epochs[epoch].revoked
            standing = Standing.EPOCH_REVOKED if revoked else Standing.NO_RANGE
            return Item(brand=brand, standing=standing, gtin=asked.gtin, serial=asked.serial, counted=counted)
        names = found.names or found.range.names_at(counter)
        if asked.gtin and (names is None or asked.gtin != names[0]):
            return Item(brand=brand, standing=Standing.WRONG_GTIN, gtin=asked.gtin, serial=asked.serial)
        return _item(brand, found, counted, names, serial=asked.serial)

    def _stock_of(self, tenant_id: int, epoch: int, counter: int) -> "_Stock | None":
        """As `BrandCatalogue.range_of`, with plain numbers to search in: this is asked for every scan."""
        firsts, stocks = self._stocks.get((tenant_id, epoch), _NO_STOCKS)
        place = bisect_right(firsts, counter) - 1
        return stocks[place] if place >= 0 and stocks[place].range.last_counter >= counter else None


class _Stock:
    """A range as scans look it up: what is the same for all its codes is known beforehand, decisions lie as numbers to search in."""

    __slots__ = ("decided", "kind", "names", "range")

    def __init__(self, one: CodeRange) -> None:
        self.range = one
        self.names = (one.gtin, one.lot) if one.gtin else None
        self.kind = one.kind if one.packaging is None else None
        self.decided = [
            (state, [stretch.first for stretch in stretches], stretches)
            for state, stretches in one.states.worst_first()
            if stretches
        ]

    def state_at(self, counter: int) -> tuple[CodeState, Stretch | None]:
        """As `OrderStates.at`."""
        for state, firsts, stretches in self.decided:
            place = bisect_right(firsts, counter) - 1
            if place >= 0 and stretches[place].last >= counter:
                return state, stretches[place]
        return CodeState.INACTIVE, None


def _item(brand: BrandCatalogue, found: _Stock, counted: tuple[int, int], names: tuple[str, str] | None, *, serial: str) -> Item:
    state, decision = found.state_at(counted[1])
    standing = Standing.EPOCH_REVOKED if brand.epochs[counted[0]].revoked else _STANDINGS[state]
    if names is None and standing in _ON_THE_WAY:
        standing = Standing.UNBOUND
    gtin, lot = names or ("", "")
    product = brand.products.get(gtin)
    # By place: names cost a microsecond, and this is made for every scan.
    return Item(
        brand,
        standing,
        "" if decision is None or state not in _TOLD or standing is Standing.UNBOUND else decision.reason,
        gtin,
        lot,
        found.kind or found.range.kind_at(counted[1]),
        serial,
        counted,
        found.range.order_id,
        found.range.proofs,
        evidence.USUAL if product is None else weights_of(product),
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
            return  # no edge has ever started on this Redis
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
        self._catalogue: Catalogue | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="catalogue")

    @property
    def loaded(self) -> bool:
        return self._catalogue is not None

    @property
    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            raise CatalogueAway
        return self._catalogue

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
            if self._catalogue is not None:
                known = self._catalogue.version, self._catalogue.generation
                if await loop.run_in_executor(self._thread, self._signs) == known:
                    return
            self._catalogue = await loop.run_in_executor(self._thread, self._load)
        except (SQLAlchemyError, Unavailable) as error:
            # Unavailable: the key ring cannot be opened. Why is for the log, not for who scans.
            raise CatalogueAway from error
