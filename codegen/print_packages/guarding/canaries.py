"""Canaries: surplus rows of a print package that nobody ever prints. Whoever scans one has copied the list.

Promises: the rows of one package follow from the epoch's canary key and from what the package is for, so every download has the same
ones; without the key they look drawn by lot. The places are the first images of a keyed permutation of the rows: a Feistel network
over AES-CMAC with cycle walking (Black and Rogaway 2002). Refuses more canaries than limits allow. Pure.

They catch a copied list before its goods exist. Who holds both file and manifest, or two recipients' files, can remove them.
"""

import hashlib

from codegen.print_packages.guarding.block_macs import BlockMac
from kit.refusals import Invalid

ROWS_FOR_ONE = 1000
CANARIES_MIN = 2
CANARIES_MAX = 1000
_ROUNDS = 10


class CanariesOutOfLimits(Invalid):
    code = "canaries_out_of_limits"
    says = "A package has 0 to {canaries_max} canaries, and no more than codes; {canaries} are too many."


def usual(codes: int) -> int:
    """One in a thousand, at least two, at most a thousand: a thief who tries five codes of a hundred meets none; who lists all, every one."""
    return min(codes, CANARIES_MAX, max(CANARIES_MIN, codes // ROWS_FOR_ONE))


def checked(canaries: int, *, codes: int) -> int:
    if not 0 <= canaries <= min(CANARIES_MAX, codes):
        raise CanariesOutOfLimits(canaries=canaries, canaries_max=CANARIES_MAX)
    return canaries


def places(key: bytes, *, purpose: bytes, rows: int, canaries: int) -> tuple[int, ...]:
    """Where canary 0, 1, ... stands: distinct rows from 0 to rows-1, in no order. `purpose` says which package, and changes them all."""
    if canaries > rows:
        raise ValueError(f"{canaries} canaries do not fit {rows} rows")
    permutation = _Permutation(BlockMac(key).of(hashlib.sha256(purpose).digest()[:16]), size=rows)
    return tuple(permutation.image(place) for place in range(canaries))


class _Permutation:
    """A permutation of 0..size-1. Walking goes on until the image falls inside: fewer than four steps on average."""

    def __init__(self, key: bytes, *, size: int) -> None:
        self._mac = BlockMac(key)
        self._size = size
        self._half_bits = max(1, -(-(size - 1).bit_length() // 2))

    def image(self, place: int) -> int:
        place = self._feistel(place)
        while place >= self._size:
            place = self._feistel(place)
        return place

    def _feistel(self, place: int) -> int:
        mask = (1 << self._half_bits) - 1
        left, right = place >> self._half_bits, place & mask
        for number in range(_ROUNDS):
            tag = int.from_bytes(self._mac.of(number.to_bytes(8) + right.to_bytes(8)))
            left, right = right, left ^ (tag & mask)
        return left << self._half_bits | right
