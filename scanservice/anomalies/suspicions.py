"""What a single scan gives reason to suspect: a list of codes that got out, or somebody who makes codes up. Pure.

Promises: only scans whose code is counterfeit, void or not released are looked at, so that ordinary scans cost one look into a set;
many scans of one cause share one subject. Refuses to suspect staff, who try codes before their release, and the history of another
platform, whose watch was another one's.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from codegen.lifecycle.ranges import CodeState
from codegen.orders import CodeOrder
from codegen.print_packages import leaks
from codegen.print_packages.holders import Holders
from codegen.print_packages.leaks import LeakReason
from scanservice import visitors
from scanservice.ingest.records import NewScan, ScanRow
from scanservice.verdicts import Role, Standing, Verdict

# A person mistypes a few; who tries so many within an hour, from one block of addresses, guesses.
INVALID_SCANS_MIN: Final = 10
BLOCKS_KEPT: Final = 1 << 12
LIVE: Final = "live"

STRANGE: Final = frozenset({Verdict.COUNTERFEIT, Verdict.VOID, Verdict.INACTIVE})
_INVALID: Final = frozenset({Standing.BAD_SERIAL, Standing.WRONG_GTIN})
# A blank code that nobody has bound stands on no goods yet, like one that was not released.
_STATES: Final = {
    Standing.VOID: CodeState.VOID,
    Standing.INACTIVE: CodeState.INACTIVE,
    Standing.UNBOUND: CodeState.INACTIVE,
    Standing.FROZEN: CodeState.FROZEN,
    Standing.EPOCH_REVOKED: CodeState.FROZEN,  # all codes of the epoch, sold ones among them: no sign of a leak
}


class AnomalyKind(StrEnum):
    CLONE = "clone"
    DIVERSION = "diversion"
    FORGERY = "forgery"
    HARVEST = "harvest"
    LEAK = "leak"
    DARK_CASE = "dark_case"


class Severity(StrEnum):
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Scans of the same kind and subject are one anomaly, once there are `scans_min` of them. `holders`: packages, the first print first."""

    kind: AnomalyKind
    subject: str
    severity: Severity
    reason: str
    row: ScanRow
    scans_min: int = 1
    order_id: UUID | None = None
    lot: str = ""
    holders: tuple[UUID, ...] = ()


def strange(scans: Iterable[NewScan]) -> list[ScanRow]:
    """The scans worth a second look. A page and its beacon are one scan, and looked at once."""
    return [
        scan.row
        for scan in scans
        if scan.row.verdict in STRANGE and scan.newly_inserted and scan.row.role != Role.STAFF and scan.row.source == LIVE
    ]


def suspect(rows: Sequence[ScanRow], *, orders: Mapping[UUID, CodeOrder], holders: Holders) -> Iterator[Suspicion]:
    """`orders` holds those of the rows' orders that are there. A row of any other is like one without an order: see `is_unordered`."""
    for row in rows:
        standing = standing_of(row)
        if standing in _INVALID:
            yield _invented(row, standing)
        elif is_unordered(row, orders):
            yield _unordered(row)
        elif standing in _STATES and row.order_id is not None and row.counter is not None:
            order = orders[row.order_id]
            reason = leaks.reason_of(kind=order.kind, state=_STATES[standing])
            if reason is not None:
                yield _leaked(row, order, reason, holders.of(order.id, row.counter))


def is_unordered(row: ScanRow, orders: Mapping[UUID, CodeOrder]) -> bool:
    """A valid tag, and no order that it belongs to: the edge knew none, or a restored backup has lost it since.

    Of a lost order nobody can tell what its codes were or who had them. So its scans join those that edges answer `no_range` from then on,
    and staff hear in the one anomaly of both which codes have to be entered again.
    """
    return row.epoch is not None and (row.order_id is None or row.order_id not in orders)


def standing_of(row: ScanRow) -> Standing | None:
    """What the catalogue said of the code, as the verdict's reasons tell it."""
    return next((Standing(reason.code) for reason in row.reasons if reason.code in _STANDING_WORDS), None)


_STANDING_WORDS: Final = frozenset(standing.value for standing in Standing)


def package_subject(package_id: UUID) -> str:
    return f"package:{package_id}"


def order_subject(order_id: UUID) -> str:
    return f"order:{order_id}"


def _leaked(row: ScanRow, order: CodeOrder, reason: LeakReason, holders: tuple[UUID, ...]) -> Suspicion:
    return Suspicion(
        kind=AnomalyKind.LEAK,
        subject=package_subject(holders[0]) if holders else order_subject(order.id),
        # Goods may be sold before anybody releases them, or after they were voided; a canary was never on any goods.
        severity=Severity.HIGH if reason is LeakReason.CANARY else Severity.NORMAL,
        reason=reason.value,
        row=row,
        order_id=order.id,
        lot=row.lot or order.lot,
        holders=holders,
    )


def _unordered(row: ScanRow) -> Suspicion:
    """A valid tag without a range: whoever made it has our key, or a backup has lost its order. Each day alarms anew."""
    return Suspicion(
        kind=AnomalyKind.FORGERY,
        subject=f"no_range:{row.epoch}:{row.scanned_at:%Y-%m-%d}",
        severity=Severity.HIGH,
        reason=Standing.NO_RANGE.value,
        row=row,
    )


def _invented(row: ScanRow, standing: Standing | None) -> Suspicion:
    return Suspicion(
        kind=AnomalyKind.FORGERY,
        subject=f"block:{block_of(row.ip)}:{row.scanned_at:%Y-%m-%dT%H}",
        severity=Severity.NORMAL,
        reason=Standing.BAD_SERIAL.value if standing is None else standing.value,
        row=row,
        scans_min=INVALID_SCANS_MIN,
    )


@lru_cache(maxsize=BLOCKS_KEPT)
def block_of(ip: str | None) -> str:
    """The block of addresses that one customer has: a /24 or a /56, the very one behind the loopback address."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if address.is_loopback:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/{visitors.NETWORK_BITS[address.version]}", strict=False))
