"""What a brand's codes are, in one immutable piece that an edge holds in memory: hosts, products, opened epochs, ranges, states, links.

Promises: everything that judging a serial needs and no look-up elsewhere; `version` is read before the rest, so that a piece may be newer
than it says, never older. It holds working keys: it stays in memory and is never serialised.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version, cipher, models, packaging, products
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

_KINDS: Final = {kind.value: kind for kind in Kind}
_PROFILES: Final = {profile.value: profile for profile in Profile}
_PROOFS: Final = {(signed, pin): Proofs(signed=signed, pin=pin) for signed in (False, True) for pin in (False, True)}


class CodeRange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The counters of one order, both ends included. A struct as `Stretch` is, for the same reason."""

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

    def counters_of(self, serials: Sequence[str]) -> list[tuple[int, int] | None]:
        """As `counter_of` of each canonical serial."""
        found: list[tuple[int, int] | None] = [None] * len(serials)
        by_epoch: dict[str, list[int]] = {}
        for place, serial in enumerate(serials):
            by_epoch.setdefault(serial[:1], []).append(place)
        for letter, places in by_epoch.items():
            epoch = self.epochs.get(cipher.ALPHABET.find(letter)) if letter else None
            if epoch is None:
                continue
            number = epoch.cipher.epoch
            counters = epoch.cipher.counters_of([serials[place] for place in places])
            for place, n in zip(places, counters, strict=True):
                found[place] = None if n is None else (number, n)
        return found

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
        ranges=tuple(_ranges(session, tenant_id=tenant_id)),
        version=version,
        links=links.table(session, tenant_id=tenant_id, known=known_links),
    )


def _ranges(session: Session, *, tenant_id: int) -> Iterator[CodeRange]:
    """Columns and not objects: a brand has ten thousand orders, and an edge reads them all before its first answer and at each change."""
    decided = ranges.states(session, tenant_id=tenant_id)
    bound = bindings.of_orders(session, tenant_id=tenant_id)
    row = models.CodeOrder
    packed = (row.items, row.inner_codes, row.items_per_case, row.cases_per_pallet)
    columns = (row.epoch, row.first_counter, row.quantity, row.id, row.gtin, row.lot, row.kind, row.profile, row.signed, row.pin)
    wanted = select(*columns, *packed).where(row.tenant_id == tenant_id).order_by(row.epoch, row.first_counter)
    for (
        epoch,
        first,
        quantity,
        order_id,
        gtin,
        lot,
        kind,
        profile,
        signed,
        pin,
        items,
        inner,
        per_case,
        per_pallet,
    ) in session.execute(wanted):
        yield CodeRange(
            epoch=epoch,
            first_counter=first,
            last_counter=first + quantity - 1,
            order_id=order_id,
            gtin=Gtin(gtin or ""),
            lot=lot,
            kind=_KINDS[kind],
            profile=_PROFILES[profile],
            states=decided.get(order_id, ranges.UNDECIDED),
            packaging=packaging.of_columns(items=items, inner_codes=inner, items_per_case=per_case, cases_per_pallet=per_pallet),
            bindings=bound.get(order_id, ()),
            proofs=_PROOFS[signed, pin],
        )
