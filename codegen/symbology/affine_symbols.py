"""Millions of QR symbols of one form: for fixed version, level, mask and length, every module is an affine function over GF(2) of the text.

    symbol(text) = symbol(zeros) xor T1[first pair] xor T2[second pair] ...

Reed-Solomon codes are linear and masks are constants, so one row of modules for each bit of the text says everything. `qrcode` draws those
rows, one symbol for each bit; a table for each pair of characters (or byte) adds them up beforehand; a symbol then costs as many XORs as it has
variable pairs. What comes out is bit for bit what `qrcode` draws.

Promises: rows of packed bits, most significant first, dark modules 1, quiet zone included. Refuses characters that the mode lacks. Pure.
Masks are compared by the penalty of ISO/IEC 18004:2015 section 7.8.3 over the whole symbol, the lowest number winning a draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qrcode.main import QRCode
from qrcode.util import ALPHA_NUM, QRData

from codegen.symbology import mask_penalty
from codegen.symbology.qr_forms import MASKS, Mode, Segment, SymbolForm
from codegen.symbology.symbol_limits import QUIET_ZONE_MAX

QUIET_ZONE = 4
SAMPLE = 64  # symbols by which an order's mask is chosen
_CHUNK = 1024  # symbols drawn at a time: their rows stay in the second-level cache
_CHUNK_SCORED = 4096  # and scored at a time: below, numpy's price of a call shows; above, the third-level cache ends
_WORD_BYTES = 8
_BASE = len(ALPHA_NUM)
_BITS_OF_PAIR, _BITS_OF_SINGLE, _BITS_OF_BYTE = 11, 6, 8
# Rows are differences to texts whose groups all have this number, not zero: `qrcode` 8.2 cannot divide a block that is zeros throughout.
_ORIGIN = 1
_NO_PAIR = 2**16 - 1

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint8]
Texts = npt.NDArray[np.bytes_]


def _all_pairs() -> npt.NDArray[np.uint16]:
    """The number of every pair of bytes, by the pair read as one word in this machine's order of bytes."""
    values = np.full(256, _NO_PAIR, dtype=np.uint32)
    values[np.frombuffer(ALPHA_NUM, dtype=np.uint8)] = np.arange(_BASE, dtype=np.uint32)
    both = values[np.arange(_NO_PAIR + 1, dtype=np.uint16).view(np.uint8).reshape(-1, 2)]
    numbers: npt.NDArray[np.uint16] = np.minimum(both[:, 0] * _BASE + both[:, 1], _NO_PAIR).astype(np.uint16)
    return numbers


_PAIRS = _all_pairs()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Neighbouring characters that are encoded as one number. `start` and `width` count characters of the segment."""

    segment: int
    start: int
    width: int
    bits: int


class AffinePress:
    """Draws symbols of one form. Building one takes as many `qrcode` symbols as the variable text has bits: tens of milliseconds."""

    __slots__ = ("_bases", "_groups", "_tables", "form", "quiet_zone", "row_bytes", "side")

    def __init__(self, form: SymbolForm, *, quiet_zone: int = QUIET_ZONE) -> None:
        if not 0 <= quiet_zone <= QUIET_ZONE_MAX:
            raise ValueError(f"a quiet zone has 0 to {QUIET_ZONE_MAX} modules, not {quiet_zone}")
        self.form = form
        self.quiet_zone = quiet_zone
        self.side = form.modules + 2 * quiet_zone
        self.row_bytes = -(-self.side // 8)
        self._groups = tuple(_groups(form))
        origin = [_text_of_origin(segment, self._groups, number) for number, segment in enumerate(form.segments)]
        self._bases = np.stack([self._packed(_drawn(form, origin, mask=mask)) for mask in range(MASKS)])
        self._tables = tuple(self._table(group, origin) for group in self._groups)
        for table in self._tables:
            self._bases ^= table[_ORIGIN]  # now the symbol of zeros

    def draw(self, texts: Texts, *, mask: int) -> Rows:
        """Packed rows of the symbols of `texts`, shape (count, side, row_bytes); `texts` hold the variable characters alone."""
        _check_mask(mask)
        out, words = self._room(len(texts))
        for start in range(0, len(texts), _CHUNK):
            part = words[start : start + _CHUNK]
            self._add_up(texts[start : start + _CHUNK], part)
            part ^= self._bases[mask]
        return out

    def draw_best(self, texts: Texts) -> tuple[Rows, npt.NDArray[np.uint8]]:
        """Packed rows, each symbol under its own best mask, and those masks."""
        out, words = self._room(len(texts))
        masks = np.empty(len(texts), dtype=np.uint8)
        for start in range(0, len(texts), _CHUNK_SCORED):
            part = words[start : start + _CHUNK_SCORED]
            self._add_up(texts[start : start + _CHUNK_SCORED], part)
            best = self._penalties(part).argmin(axis=0).astype(np.uint8)
            masks[start : start + _CHUNK_SCORED] = best
            part ^= self._bases[best]
        return out, masks

    def penalties(self, texts: Texts) -> npt.NDArray[np.int64]:
        """What each mask costs each text, shape (8, count)."""
        _, words = self._room(len(texts))
        found = np.empty((MASKS, len(texts)), dtype=np.int64)
        for start in range(0, len(texts), _CHUNK_SCORED):
            part = words[start : start + _CHUNK_SCORED]
            self._add_up(texts[start : start + _CHUNK_SCORED], part)
            found[:, start : start + _CHUNK_SCORED] = self._penalties(part)
        return found

    def best_mask(self, sample: Texts) -> int:
        """The mask that costs a sample least; one mask for a whole order then costs nothing while drawing."""
        if not len(sample):
            raise ValueError("a mask cannot be chosen by an empty sample")
        return int(self.penalties(sample).sum(axis=1).argmin())

    def matrices(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Packed rows as booleans of shape (count, side, side), quiet zone included."""
        return np.unpackbits(rows, axis=2, count=self.side).view(np.bool_)

    def _room(self, count: int) -> tuple[Rows, Words]:
        """The same memory twice: as rows of bytes, and as words that are XORed eight bytes at a time."""
        used = self.side * self.row_bytes
        words = np.empty((count, -(-used // _WORD_BYTES)), dtype=np.uint64)
        return words.view(np.uint8)[:, :used].reshape(count, self.side, self.row_bytes), words

    def _add_up(self, texts: Texts, out: Words) -> None:
        """The linear part: everything but what all texts share."""
        numbers = self._numbers(texts)
        picked = np.empty_like(out)
        # Clipping never happens: numbers are checked. It only spares numpy a check of its own and a buffer.
        np.take(self._tables[0], numbers[0], axis=0, out=out, mode="clip")
        for table, number in zip(self._tables[1:], numbers[1:], strict=True):
            np.take(table, number, axis=0, out=picked, mode="clip")
            np.bitwise_xor(out, picked, out=out)

    def _numbers(self, texts: Texts) -> npt.NDArray[np.intp]:
        """The number that each group's characters make, shape (groups, count)."""
        width = self.form.variable
        if texts.dtype.itemsize != width:
            raise ValueError(f"this form takes texts of {width} characters, not {texts.dtype.itemsize}")
        columns = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
        parts: list[npt.NDArray[np.intp]] = []
        first = 0
        for segment in self.form.segments:
            variable = columns[:, first : first + segment.variable]
            first += segment.variable
            parts.append(variable.T.astype(np.intp) if segment.mode is Mode.BYTE else _pair_numbers(segment, variable))
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _penalties(self, linear: Words) -> npt.NDArray[np.int64]:
        size, zone = self.form.modules, self.quiet_zone
        used = self.side * self.row_bytes
        rows = linear.view(np.uint8)[:, :used].reshape(len(linear), self.side, self.row_bytes)
        modules = np.unpackbits(rows[:, zone : zone + size], axis=2, count=zone + size)[:, :, zone:]
        bases = self._bases.view(np.uint8)[:, :used].reshape(MASKS, self.side, self.row_bytes)
        masked = np.unpackbits(bases[:, zone : zone + size], axis=2, count=zone + size)[:, :, zone:]
        return mask_penalty.penalties(modules, masked)

    def _packed(self, modules: npt.NDArray[np.bool_]) -> Words:
        out, words = self._room(1)
        words[:] = 0
        out[0] = np.packbits(np.pad(modules, self.quiet_zone), axis=1)
        packed: Words = words[0]
        return packed

    def _table(self, group: _Group, origin: list[bytes]) -> Words:
        """For every number of a group, the modules that it turns around: the span of one row for each bit."""
        table = np.zeros((1, self._bases.shape[1]), dtype=np.uint64)
        for bit in range(group.bits):
            texts = list(origin)
            texts[group.segment] = _with_number(origin[group.segment], group, _ORIGIN ^ 1 << bit)
            row = self._packed(_drawn(self.form, texts, mask=0)) ^ self._bases[0]
            table = np.concatenate((table, table ^ row))
        return table


def _check_mask(mask: int) -> None:
    if not 0 <= mask < MASKS:
        raise ValueError(f"a mask is 0 to {MASKS - 1}, not {mask}")


def _groups(form: SymbolForm) -> Iterator[_Group]:
    """The groups that hold a variable character; the first of them may begin with a fixed one."""
    for number, segment in enumerate(form.segments):
        if segment.mode is Mode.BYTE:
            for start in range(len(segment.fixed), segment.length):
                yield _Group(segment=number, start=start, width=1, bits=_BITS_OF_BYTE)
        elif segment.variable:
            for start in range(len(segment.fixed) // 2 * 2, segment.length, 2):
                width = min(2, segment.length - start)
                yield _Group(segment=number, start=start, width=width, bits=_BITS_OF_PAIR if width > 1 else _BITS_OF_SINGLE)


def _pair_numbers(segment: Segment, variable: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Two characters at a time from a table of all pairs of bytes; who stands alone at the end gets a zero before it."""
    leading = len(segment.fixed) % 2
    alone = segment.length % 2
    pairs = np.empty((len(variable), leading + segment.variable + alone), dtype=np.uint8)
    if leading:
        pairs[:, 0] = segment.fixed[-1]
    pairs[:, leading : leading + segment.variable] = variable
    if alone:
        pairs[:, -1] = pairs[:, -2]
        pairs[:, -2] = ALPHA_NUM[0]
    numbers = np.take(_PAIRS, pairs.view(np.uint16))
    if numbers.max(initial=0) == _NO_PAIR:
        row = int((numbers == _NO_PAIR).any(axis=1).argmax())
        raise ValueError(f"text {row} has a character that alphanumeric mode lacks")
    return numbers.T.astype(np.intp)


def _text_of_origin(segment: Segment, groups: tuple[_Group, ...], number: int) -> bytes:
    """The segment's text with every group at the origin of the affine map."""
    text = segment.fixed + bytes(segment.variable)
    for group in groups:
        if group.segment == number:
            text = _with_number(text, group, _ORIGIN)
    return text


def _with_number(text: bytes, group: _Group, number: int) -> bytes:
    if group.bits == _BITS_OF_BYTE:
        characters = bytes((number,))
    elif group.width == 1:
        characters = ALPHA_NUM[number : number + 1]
    else:
        characters = bytes((ALPHA_NUM[number // _BASE], ALPHA_NUM[number % _BASE]))
    return text[: group.start] + characters + text[group.start + group.width :]


def _drawn(form: SymbolForm, texts: list[bytes], *, mask: int) -> npt.NDArray[np.bool_]:
    """What `qrcode` draws, without quiet zone."""
    code = QRCode(version=form.version, error_correction=form.level.constant, border=0, mask_pattern=mask)
    for segment, text in zip(form.segments, texts, strict=True):
        code.add_data(QRData(text, mode=segment.mode.indicator, check_data=False))
    code.make(fit=False)
    return np.array(code.get_matrix(), dtype=np.bool_)
