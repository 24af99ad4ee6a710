"""Packaging by arithmetic: items in cases in pallets, and two codes on one item, without a row for any of them.

An order with packaging lays its counters out in blocks, one kind after another, in the order in which presses work them off:

    place 0 ...            what
    items                  outer codes, one for each item
    items (if inner)       inner codes; the inner code of item i lies `items` places behind its outer one
    items / per case       cases; case k holds items k*c to k*c + c-1
    cases / per pallet     pallets; pallet p holds cases p*d to p*d + d-1

Promises: every code has one parent at most, and is among its parent's children; the parent of an inner code is its item's outer code, so that
the pair stands in one line of a file. Refuses ratios that leave a case or a pallet unfilled, and says which quantities would fit. Pure.
"""

from dataclasses import dataclass

from codegen.kinds import Kind
from kit.refusals import Invalid

ITEMS_MAX = 10**9
RATIO_MAX = 100_000


class RatioMalformed(Invalid):
    code = "ratio_malformed"
    says = "A case holds 1 to {ratio_max} items, a pallet 1 to {ratio_max} cases."


class PalletsWithoutCases(Invalid):
    code = "pallets_without_cases"
    says = "Pallets are made of cases: say how many items a case holds."


class RatioUnfit(Invalid):
    code = "ratio_unfit"
    says = "{items} items do not fill whole packages of {whole}. The next quantities that do: {fitting}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Places `first` to `first + count - 1`. The parent of the i-th of them is the place `parent_first + i // per_parent`."""

    kind: Kind
    first: int
    count: int
    parent_first: int | None = None
    per_parent: int = 1

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    def parent_of(self, place: int) -> int | None:
        return None if self.parent_first is None else self.parent_first + (place - self.first) // self.per_parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """Places are counted from 0: the counter of a code less the order's first one."""

    items: int
    inner: bool = False
    items_per_case: int | None = None
    cases_per_pallet: int | None = None

    @property
    def cases(self) -> int:
        return self.items // self.items_per_case if self.items_per_case else 0

    @property
    def pallets(self) -> int:
        return self.cases // self.cases_per_pallet if self.cases_per_pallet else 0

    @property
    def codes(self) -> int:
        return self.items * (2 if self.inner else 1) + self.cases + self.pallets

    @property
    def blocks(self) -> tuple[Block, ...]:
        cases_first = self.items * (2 if self.inner else 1)
        pallets_first = cases_first + self.cases
        blocks = [
            Block(
                kind=Kind.ITEM_OUTER,
                first=0,
                count=self.items,
                parent_first=cases_first if self.items_per_case else None,
                per_parent=self.items_per_case or 1,
            )
        ]
        if self.inner:
            blocks.append(Block(kind=Kind.ITEM_INNER, first=self.items, count=self.items, parent_first=0))
        if self.items_per_case:
            above = pallets_first if self.cases_per_pallet else None
            per_parent = self.cases_per_pallet or 1
            blocks.append(Block(kind=Kind.CASE, first=cases_first, count=self.cases, parent_first=above, per_parent=per_parent))
        if self.cases_per_pallet:
            blocks.append(Block(kind=Kind.PALLET, first=pallets_first, count=self.pallets))
        return tuple(blocks)

    def block_of(self, place: int) -> Block:
        for block in self.blocks:
            if block.first <= place <= block.last:
                return block
        raise ValueError(f"places are 0 to {self.codes - 1}, not {place}")

    def kind_of(self, place: int) -> Kind:
        return self.block_of(place).kind

    def parent_of(self, place: int) -> int | None:
        return self.block_of(place).parent_of(place)

    def children_of(self, place: int) -> range:
        """Places of what is directly inside; empty for what holds nothing."""
        mine = self.block_of(place)
        for block in self.blocks:
            if block.parent_first == mine.first:
                first = block.first + (place - mine.first) * block.per_parent
                return range(first, first + block.per_parent)
        return range(0)

    def twin_of(self, place: int) -> int | None:
        """The other code of the same item."""
        if not self.inner or place >= 2 * self.items:
            return None
        return place + self.items if place < self.items else place - self.items


def checked(packaging: Packaging) -> Packaging:
    for ratio in (packaging.items_per_case, packaging.cases_per_pallet):
        if ratio is not None and not 1 <= ratio <= RATIO_MAX:
            raise RatioMalformed(ratio_max=RATIO_MAX)
    if packaging.cases_per_pallet and not packaging.items_per_case:
        raise PalletsWithoutCases
    if packaging.items_per_case:
        whole = packaging.items_per_case * (packaging.cases_per_pallet or 1)
        if packaging.items % whole:
            raise RatioUnfit(items=packaging.items, whole=whole, fitting=_fitting(packaging.items, whole))
    return packaging


def _fitting(items: int, whole: int) -> str:
    below = items - items % whole
    return ", ".join(str(fit) for fit in (below, below + whole) if 0 < fit <= ITEMS_MAX) or f"none up to {ITEMS_MAX}"


def columns(quantity: int, packed: Packaging | None) -> dict[str, object]:
    """The columns that say how many codes of what an order has."""
    if packed is None:
        return {"quantity": quantity, "items": None, "inner_codes": False, "items_per_case": None, "cases_per_pallet": None}
    return {
        "items": packed.items,
        "inner_codes": packed.inner,
        "items_per_case": packed.items_per_case,
        "cases_per_pallet": packed.cases_per_pallet,
        "quantity": packed.codes,
    }


def of_columns(
    *, items: int | None, inner_codes: bool, items_per_case: int | None, cases_per_pallet: int | None
) -> Packaging | None:
    if items is None:
        return None
    return Packaging(items=items, inner=inner_codes, items_per_case=items_per_case, cases_per_pallet=cases_per_pallet)
