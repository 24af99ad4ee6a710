"""What masks cost: the penalty of ISO/IEC 18004:2015 section 7.8.3 for many symbols under all eight masks at once.

Bits are turned on their side: a word holds one module of 64 symbols, so that a shift along a row is a slice and an operation serves 64 symbols.
Counting is done by carry-save adders, fifteen planes of bits into four. Pure.

    N1  a run of 5 + i equal modules in a row or column: 3 + i
    N2  each square of 2 x 2 equal modules: 3
    N3  dark-light-dark-dark-dark-light-dark with four light modules before or behind it: 40 for each side
    N4  each whole 5 % that dark modules are away from one half: 10
"""

import numpy as np
import numpy.typing as npt

N2 = 3
N3 = 40
N4 = 10
_WORD_BITS = 64
_BYTE_MAX = 255
_ADDED = 15  # planes that become one of ones, twos, fours and eights
_RUN = 5
_FINDER = 7
_LIGHT = 4
_APART = _FINDER + _LIGHT  # so far are two such patterns at least, with the light side in the same direction

Planes = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


def penalties(modules: Bits, masks: Bits) -> Counts:
    """Penalties, shape (masks, count), of `modules` (count, size, size) XORed with each of `masks` (masks, size, size); all 0 or 1."""
    count, size, _ = modules.shape
    planes = _on_side(modules)
    every = np.array([0, 2**_WORD_BITS - 1], dtype=np.uint64)
    found = np.empty((len(masks), count), dtype=np.int64)
    for number, mask in enumerate(masks):
        dark = planes ^ every[mask][:, :, np.newaxis]
        found[number] = _penalty(dark)[:count]
    found += N4 * _balance(modules, masks, size=size)
    return found


def _penalty(dark: Planes) -> Counts:
    across = np.ascontiguousarray(dark.transpose(1, 0, 2))
    rows, row_changes = _along(across)
    columns, column_changes = _along(dark)
    blocks: Planes = row_changes[:, :-1] | row_changes[:, 1:]
    blocks |= column_changes[:, :-1].transpose(1, 0, 2)
    blocks |= column_changes[:, 1:].transpose(1, 0, 2)
    return rows + columns + N2 * _counted(np.invert(blocks))


def _along(dark: Planes) -> tuple[Counts, Planes]:
    """(penalties of N1 and N3 along the first axis, changes between neighbours on it)."""
    changes: Planes = dark[1:] ^ dark[:-1]
    pairs: Planes = changes[1:] | changes[:-1]
    broken: Planes = pairs[2:] | pairs[:-2]  # somewhere among five
    runs: Planes = np.invert(broken)
    # A run of n has n - 4 places where five are equal and one where it begins: n - 4 + 2.
    begins = runs.copy()
    begins[1:] &= broken[:-1]
    penalty = _counted(runs) + 2 * _counted(_folded(begins, apart=_RUN))

    finder: Planes = dark[: 1 - _FINDER] & changes[: 2 - _FINDER]
    finder &= dark[2:-4]
    finder &= dark[3:-3]
    finder &= dark[4:-2]
    finder &= changes[5:]
    finder &= dark[6:]
    either: Planes = dark[1:] | dark[:-1]
    light: Planes = np.invert(either[2:] | either[:-2])
    behind: Planes = finder[:-_LIGHT] & light[_FINDER:]
    before: Planes = finder[_LIGHT:] & light[:-_FINDER]
    both = np.concatenate((_folded(behind, apart=_APART), _folded(before, apart=_APART)))
    penalty += N3 * _counted(both)
    return penalty, changes


def _folded(planes: Planes, *, apart: int) -> Planes:
    """Fewer planes with as many bits set, where bits that are set stand at least `apart` from one another on the first axis."""
    whole = len(planes) // apart * apart
    blocks = planes[:whole].reshape(-1, apart, *planes.shape[1:])
    folded: Planes = np.bitwise_or.reduce(blocks, axis=1)
    if whole < len(planes):
        folded = np.concatenate((folded, np.bitwise_or.reduce(planes[whole:], axis=0, keepdims=True)))
    return folded


def _counted(planes: Planes) -> Counts:
    """How many bits are set for each symbol, over all planes."""
    flat = planes.reshape(-1, planes.shape[-1])
    height = len(flat) // _ADDED
    whole = height * _ADDED
    ones, twos, fours, eights = _fifteen(*flat[:whole].reshape(_ADDED, height, -1))
    total = _sum(ones) + _sum(flat[whole:])
    total += 2 * _sum(twos)
    total += 4 * _sum(fours)
    total += 8 * _sum(eights)
    return total


def _fifteen(*planes: Planes) -> tuple[Planes, Planes, Planes, Planes]:
    sums, carries = zip(
        *(_added(planes[start], planes[start + 1], planes[start + 2]) for start in range(0, _ADDED, 3)), strict=True
    )
    one, carry = _added(sums[0], sums[1], sums[2])
    ones, last = _added(one, sums[3], sums[4])
    first_twos, first_fours = _added(carries[0], carries[1], carries[2])
    more_twos, more_fours = _added(carries[3], carries[4], carry)
    twos, last_fours = _added(first_twos, more_twos, last)
    fours, eights = _added(first_fours, more_fours, last_fours)
    return ones, twos, fours, eights


def _added(one: Planes, two: Planes, three: Planes) -> tuple[Planes, Planes]:
    """A full adder: sum and carry of three bits."""
    differs = one ^ two
    carry = one & two
    total = differs ^ three
    differs &= three
    carry |= differs
    return total, carry


def _sum(planes: Planes) -> Counts:
    bits: Bits = np.unpackbits(planes.view(np.uint8), axis=1)
    # The sum of so many bits fits a byte, and bytes are summed fastest.
    total = np.zeros(bits.shape[1], dtype=np.int64)
    for start in range(0, len(bits), _BYTE_MAX):
        total += bits[start : start + _BYTE_MAX].sum(axis=0, dtype=np.uint8)
    return total


def _balance(modules: Bits, masks: Bits, *, size: int) -> Counts:
    """N4 in steps: |dark / all - 1/2| in units of 5 %, rounded down, by whole numbers."""
    total = size * size
    flat = np.packbits(modules.reshape(len(modules), total), axis=1)
    over = np.packbits(masks.reshape(len(masks), total), axis=1)
    dark: Counts = np.bitwise_count(flat[np.newaxis] ^ over[:, np.newaxis]).sum(axis=2, dtype=np.int64)
    steps: Counts = np.abs(20 * dark - 10 * total) // total
    return steps


def _on_side(modules: Bits) -> Planes:
    """(size, size, words): bit i of the words is the module of symbol i; missing symbols are light."""
    count, size, _ = modules.shape
    words = -(-count // _WORD_BITS)
    turned = modules.reshape(count, size * size).T
    if count % _WORD_BITS:
        turned = np.pad(turned, ((0, 0), (0, words * _WORD_BITS - count)))
    packed: Planes = np.packbits(np.ascontiguousarray(turned), axis=1).view(np.uint64).reshape(size, size, words)
    return packed
