"""What a brand's codes are, in one immutable piece that an edge holds in memory: hosts, products, opened epochs, ranges, states, links.

Promises: everything that judging a serial needs and no look-up elsewhere; `version` is read before the rest, so that a piece may be newer
than it says, never older. It holds working keys: it stays in memory and is never serialised.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from codegen import brands, catalogue_version, cipher, orders, products
from codegen.gtin import Gtin
from codegen.keys import keyring, public_keys
from codegen.keys.keyring import Epoch
from codegen.kinds import Kind, Profile
from codegen.lifecycle import bindings, ranges
from codegen.lifecycle.bindings import Bindings
from codegen.lifecycle.intervals import Stretch
from codegen.lifecycle.ranges import CodeState, OrderStates
from codegen.packaging import Packaging
from codegen.products import Product
from codegen.proofs import NO_PROOFS, Proofs
from codegen.resolver_links import links
from codegen.resolver_links.link_table import NO_LINKS, LinkTable


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRange:
    """The counters of one order, both ends included."""

    epoch: int
    first_counter: int
    last_counter: int
    order_id: UUID
    gtin: Gtin
    lot: str
    kind: Kind
    profile: Profile
    states: OrderStates
    packaging: Packaging | None = None
    bindings: Bindings = ()
    proofs: Proofs = NO_PROOFS

    def names_at(self, n: int) -> tuple[Gtin, str] | None:
        """(GTIN, lot) of counter `n`; None: a blank code that is bound to nothing yet."""
        if self.gtin:
            return self.gtin, self.lot
        bound = bindings.at(self.bindings, n)
        return None if bound is None else (bound.gtin, bound.lot)

    def kind_at(self, n: int) -> Kind:
        return self.kind if self.packaging is None else self.packaging.kind_of(n - self.first_counter)

    def state_at(self, n: int) -> tuple[CodeState, Stretch | None]:
        return self.states.at(n)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandCatalogue:
    tenant_id: int
    slug: str
    name: str
    scan_origin: str
    hosts: tuple[str, ...]
    products: Mapping[str, Product]  # by GTIN-14
    epochs: Mapping[int, Epoch]
    ranges: tuple[CodeRange, ...]  # by (epoch, first counter); they never overlap
    version: int
    key_set: Mapping[str, Any]  # what the brand publishes (codegen.keys.public_keys)
    links: LinkTable = NO_LINKS

    def counter_of(self, serial: str) -> tuple[int, int] | None:
        """(epoch, counter) of a canonical serial; None: this brand never made it."""
        number = cipher.number_of(serial)
        if number is None:
            return None
        epoch = self.epochs.get(cipher.epoch_in(number))
        n = None if epoch is None else epoch.cipher.counter_in(number)
        return None if n is None or epoch is None else (epoch.cipher.epoch, n)

    def range_of(self, *, epoch: int, counter: int) -> CodeRange | None:
        place = bisect_right(self.ranges, (epoch, counter), key=lambda one: (one.epoch, one.first_counter)) - 1
        if place < 0:
            return None
        found = self.ranges[place]
        return found if found.epoch == epoch and found.last_counter >= counter else None


def snapshot(session: Session, *, tenant_id: int, kek: bytes, known_links: LinkTable = NO_LINKS) -> BrandCatalogue:
    """The catalogue of the brand that the session is inside of."""
    version = catalogue_version.current(session)
    brand = brands.load(session, tenant_id=tenant_id)
    decided = ranges.states(session, tenant_id=tenant_id)
    bound = bindings.of_orders(session, tenant_id=tenant_id)
    epochs = keyring.epochs(session, tenant_id=tenant_id, kek=kek)
    return BrandCatalogue(
        tenant_id=brand.tenant_id,
        slug=brand.slug,
        name=brand.name,
        scan_origin=brand.scan_origin,
        hosts=brand.hosts,
        products={product.gtin: product for product in products.listing(session, tenant_id=tenant_id)},
        epochs=epochs,
        key_set=public_keys.key_set(brand.slug, epochs.values()),
        ranges=tuple(
            CodeRange(
                epoch=order.epoch,
                first_counter=order.first_counter,
                last_counter=order.last_counter,
                order_id=order.id,
                gtin=order.gtin,
                lot=order.lot,
                kind=order.kind,
                profile=order.profile,
                states=decided.get(order.id, ranges.UNDECIDED),
                packaging=order.packaging,
                bindings=bound.get(order.id, ()),
                proofs=order.proofs,
            )
            for order in orders.every(session, tenant_id=tenant_id)
        ),
        version=version,
        links=links.table(session, tenant_id=tenant_id, known=known_links),
    )
