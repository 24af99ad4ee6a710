"""The rows of a package before they become a file: a stretch of an order with canaries between its codes.

Promises: rows follow from their numbers, so any stretch of them can be asked for in any order; a canary looks like the code behind it: same lot,
kind and parent. Memory does not grow with the quantity. Rows are counted from 0 here, from 1 in manifests and in files. Pure.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codegen.addresses import SIGNATURE_KEY, Addresses, Texts
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.gtin import Gtin
from codegen.kinds import Kind

T = TypeVar("T", bound=np.generic)

Counters = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a file lists: `codes` counters from `first_counter`; canary i, of counter `canary_first + i`, in row `canary_rows[i]`."""

    first_counter: int
    codes: int
    canary_first: int = 0
    canary_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        return self.codes + len(self.canary_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What holds the codes of a stretch: counter `n` lies in that of counter `parent_first + (n - children_first) // per_parent`."""

    children_first: int
    parent_first: int
    per_parent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What all rows say alike. `gtin` is empty for blank codes; `holding` None: nothing of the order holds them."""

    addresses: Addresses
    gtin: Gtin
    lot: str
    kind: Kind
    holding: Holding | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Some rows, one after another. `signatures` and `parents` are None where the order has none; signing costs, and waits until it is asked for."""

    first: int
    counters: Counters
    serials: Texts
    parents: Texts | None
    addresses: Addresses

    @cached_property
    def signatures(self) -> Texts | None:
        return self.addresses.signatures(self.serials)

    @cached_property
    def texts(self) -> Texts:
        """What differs from symbol to symbol: serial, and signature where there is one."""
        if self.signatures is None:
            return self.serials
        return np.char.add(self.serials, self.signatures)

    def uris(self) -> list[str]:
        head, serials = self.addresses.head, [serial.decode("ascii") for serial in self.serials.tolist()]
        if self.signatures is None:
            return [head + serial for serial in serials]
        signatures = (signature.decode("ascii") for signature in self.signatures.tolist())
        return [f"{head}{serial}{SIGNATURE_KEY}{signature}" for serial, signature in zip(serials, signatures, strict=True)]


class ListedCodes:
    """All rows of a package."""

    def __init__(self, cipher: SerialCipher, *, stretch: Stretch, wording: Wording) -> None:
        self.wording = wording
        self._cipher = cipher
        self._stretch = stretch
        order = np.argsort(np.array(stretch.canary_rows, dtype=np.int64), kind="stable")
        self._canary_rows = np.array(stretch.canary_rows, dtype=np.int64)[order]
        self._canary_counters = (order + stretch.canary_first).astype(np.uint64)
        self._canary_serials = cipher.serials(stretch.canary_first, len(stretch.canary_rows))[order]

    @property
    def rows(self) -> int:
        return self._stretch.rows

    def part(self, first: int, count: int) -> Listed:
        """Rows `first` to `first + count - 1`."""
        if not 0 <= first <= first + count <= self.rows:
            raise ValueError(f"rows {first} to {first + count - 1} are not among {self.rows}")
        low, high = np.searchsorted(self._canary_rows, (first, first + count))
        among = self._canary_rows[low:high] - first
        code = self._stretch.first_counter + first - int(low)
        codes = count - len(among)
        counters = np.arange(code, code + codes, dtype=np.uint64)
        serials = _merged(self._cipher.serials(code, codes), self._canary_serials[low:high], among)
        return Listed(
            first=first,
            counters=_merged(counters, self._canary_counters[low:high], among),
            serials=serials,
            parents=self._parents(counters, among, following=code),
            addresses=self.wording.addresses,
        )

    def _parents(self, counters: Counters, among: npt.NDArray[np.int64], *, following: int) -> Texts | None:
        """Serials of what holds the rows. Each is computed once and repeated for its children."""
        holding = self.wording.holding
        if holding is None:
            return None
        # A canary has the parent of the code behind it, or of the last one.
        last = self._stretch.first_counter + self._stretch.codes - 1
        places = np.minimum(among - np.arange(len(among)) + following, last).astype(np.uint64)
        children = _merged(counters, places, among)
        numbers = (children - np.uint64(holding.children_first)) // np.uint64(holding.per_parent)
        if not len(numbers):
            return np.empty(0, dtype=f"S{SERIAL_LENGTH}")
        low, high = int(numbers.min()), int(numbers.max())
        serials = self._cipher.serials(holding.parent_first + low, high - low + 1)
        return serials[(numbers - np.uint64(low)).astype(np.intp)]


def _merged(codes: npt.NDArray[T], canaries: npt.NDArray[T], among: npt.NDArray[np.int64]) -> npt.NDArray[T]:
    """`codes` with `canaries` put in at the places `among`: copied a run at a time."""
    if not len(among):
        return codes
    out = np.empty(len(codes) + len(canaries), dtype=codes.dtype)
    done = 0
    for number, place in enumerate(among):
        out[done:place] = codes[done - number : place - number]
        out[place] = canaries[number]
        done = int(place) + 1
    out[done:] = codes[done - len(among) :]
    return out
