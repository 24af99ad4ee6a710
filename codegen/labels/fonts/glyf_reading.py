"""Glyphs of TrueType fonts read into outlines (OpenType 1.9, tables `loca` and `glyf`), parts put together where a glyph is made of others.

Promises: the outline that the font draws without hints. Refuses parts of parts beyond a small depth with ValueError.
"""

import struct

from codegen.labels.fonts.outlines import Outline, quadratic

PARTS_DEEP_MAX = 4
_HEAD = 10  # bytes of number of contours and box
_ON_CURVE, _X_SHORT, _Y_SHORT, _REPEAT, _X_SAME, _Y_SAME = 1, 2, 4, 8, 16, 32
_WORDS, _IS_OFFSET, _SCALE, _MORE, _TWO_SCALES, _MATRIX = 1, 2, 8, 32, 64, 128

Point = tuple[float, float, bool]


class TrueTypeGlyphs:
    """The glyphs of a font whose `indexToLocFormat` is long or not."""

    def __init__(self, *, loca: memoryview, glyf: memoryview, long: bool) -> None:
        self._glyf = glyf
        count = len(loca) // (4 if long else 2)
        places = struct.unpack(f">{count}{'I' if long else 'H'}", loca[: count * (4 if long else 2)])
        self._places = places if long else tuple(2 * place for place in places)

    def outline(self, glyph: int) -> Outline:
        drawn = Outline()
        for contour in self._contours(glyph, deep=0):
            _draw(drawn, contour)
        return drawn

    def _contours(self, glyph: int, *, deep: int) -> list[list[Point]]:
        if deep > PARTS_DEEP_MAX:
            raise ValueError("a glyph is made of parts too deeply")
        raw = self._glyf[self._places[glyph] : self._places[glyph + 1]]
        if not len(raw):
            return []
        contours = struct.unpack(">h", raw[:2])[0]
        return _simple(raw, contours) if contours >= 0 else self._parts(raw, deep=deep)

    def _parts(self, raw: memoryview, *, deep: int) -> list[list[Point]]:
        found: list[list[Point]] = []
        at, flags = _HEAD, _MORE
        while flags & _MORE:
            flags, glyph = struct.unpack(">HH", raw[at : at + 4])
            at += 4
            dx, dy = struct.unpack(">hh" if flags & _WORDS else ">bb", raw[at : at + (4 if flags & _WORDS else 2)])
            at += 4 if flags & _WORDS else 2
            scales = 1 if flags & _SCALE else 2 if flags & _TWO_SCALES else 4 if flags & _MATRIX else 0
            values = [value / 16384 for value in struct.unpack(f">{scales}h", raw[at : at + 2 * scales])]
            at += 2 * scales
            a, b, c, d = {0: (1, 0, 0, 1), 1: (*values, 0, 0, *values), 2: (*values[:1], 0, 0, *values[1:]), 4: tuple(values)}[
                scales
            ]
            if not flags & _IS_OFFSET:
                dx = dy = 0
            found.extend(
                [(a * x + c * y + dx, b * x + d * y + dy, on) for x, y, on in contour]
                for contour in self._contours(glyph, deep=deep + 1)
            )
        return found


def _simple(raw: memoryview, contours: int) -> list[list[Point]]:
    ends = struct.unpack(f">{contours}H", raw[_HEAD : _HEAD + 2 * contours])
    at = _HEAD + 2 * contours
    at += 2 + struct.unpack(">H", raw[at : at + 2])[0]
    points = ends[-1] + 1 if ends else 0
    flags: list[int] = []
    while len(flags) < points:
        flag = raw[at]
        at += 1
        flags.append(flag)
        if flag & _REPEAT:
            flags.extend([flag] * raw[at])
            at += 1
    xs, at = _coordinates(raw, at, flags, short=_X_SHORT, same=_X_SAME)
    ys, at = _coordinates(raw, at, flags, short=_Y_SHORT, same=_Y_SAME)
    every = [(float(x), float(y), bool(flag & _ON_CURVE)) for x, y, flag in zip(xs, ys, flags, strict=True)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    return [every[start : end + 1] for start, end in zip(starts, ends, strict=True)]


def _coordinates(raw: memoryview, at: int, flags: list[int], *, short: int, same: int) -> tuple[list[int], int]:
    found: list[int] = []
    value = 0
    for flag in flags:
        if flag & short:
            value += raw[at] if flag & same else -raw[at]
            at += 1
        elif not flag & same:
            value += struct.unpack(">h", raw[at : at + 2])[0]
            at += 2
        found.append(value)
    return found, at


def _draw(outline: Outline, contour: list[Point]) -> None:
    """Points off the curve are controls; between two of them lies a point that nobody wrote down."""
    if not contour:
        return
    first = next((number for number, point in enumerate(contour) if point[2]), None)
    if first is None:
        (x0, y0, _), (x1, y1, _) = contour[-1], contour[0]
        points = [((x0 + x1) / 2, (y0 + y1) / 2, True), *contour]
    else:
        points = contour[first:] + contour[:first]
    start = points[0][:2]
    outline.move(*start)
    here, control = start, None
    for x, y, on in [*points[1:], (*start, True)]:
        if control is None:
            if on:
                outline.line(x, y)
                here = (x, y)
            else:
                control = (x, y)
            continue
        end = (x, y) if on else ((control[0] + x) / 2, (control[1] + y) / 2)
        quadratic(outline, here, control, end)
        here, control = end, None if on else (x, y)
