"""Charstrings of the Compact Font Format read into outlines: Adobe Technical Notes 5176 (CFF) and 5177 (Type 2 charstrings).

Promises: the outline of a glyph of any CID-keyed or name-keyed font without arithmetic operators, which makers of fonts no longer write.
Refuses others with ValueError. Hints are read over: presses have dots enough.
"""

from dataclasses import dataclass

from codegen.labels.fonts.outlines import Outline

CALLS_DEEP_MAX = 10
_CHARSTRINGS, _PRIVATE, _SUBRS, _FD_ARRAY, _FD_SELECT = 17, 18, 19, 1236, 1237
_ESCAPE = 12
_STEMS = frozenset({1, 3, 18, 23})
_MASKS = frozenset({19, 20})
_ENDCHAR, _RETURN, _CALLSUBR, _CALLGSUBR = 14, 11, 10, 29


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An INDEX structure: `count` pieces; `end` is the byte behind it."""

    raw: memoryview
    offsets_at: int
    width: int
    count: int
    end: int

    def __getitem__(self, number: int) -> memoryview:
        start, stop = (self._offset(one) for one in (number, number + 1))
        base = self.offsets_at + (self.count + 1) * self.width - 1
        return self.raw[base + start : base + stop]

    def _offset(self, number: int) -> int:
        at = self.offsets_at + number * self.width
        return int.from_bytes(self.raw[at : at + self.width])


class CompactFont:
    """The `CFF ` table of a font file."""

    def __init__(self, raw: memoryview) -> None:
        names = _index(raw, raw[2])
        tops = _index(raw, names.end)
        strings = _index(raw, tops.end)
        self._global = _index(raw, strings.end)
        top = _dict(tops[0])
        self._glyphs = _index(raw, int(top[_CHARSTRINGS][0]))
        self._raw = raw
        if _FD_ARRAY in top:
            fonts = _index(raw, int(top[_FD_ARRAY][0]))
            self._local = [self._subrs(_dict(fonts[number])) for number in range(fonts.count)]
            self._select_at: int | None = int(top[_FD_SELECT][0])
        else:
            self._local, self._select_at = [self._subrs(top)], None

    @property
    def count(self) -> int:
        return self._glyphs.count

    def outline(self, glyph: int) -> Outline:
        drawn = _Drawing(self._global, self._local[self._font_of(glyph)])
        drawn.run(self._glyphs[glyph], deep=0)
        return drawn.outline

    def _subrs(self, font: dict[int, list[float]]) -> Index | None:
        size, at = (int(value) for value in font.get(_PRIVATE, [0, 0]))
        private = _dict(self._raw[at : at + size])
        return _index(self._raw, at + int(private[_SUBRS][0])) if _SUBRS in private else None

    def _font_of(self, glyph: int) -> int:
        if self._select_at is None:
            return 0
        at = self._select_at
        if self._raw[at] == 0:
            return self._raw[at + 1 + glyph]
        ranges = int.from_bytes(self._raw[at + 1 : at + 3])
        found = 0
        for number in range(ranges):
            entry = at + 3 + 3 * number
            if int.from_bytes(self._raw[entry : entry + 2]) > glyph:
                break
            found = self._raw[entry + 2]
        return found


class _Drawing:
    """The machine that runs one charstring."""

    def __init__(self, everywhere: Index, here: Index | None) -> None:
        self.outline = Outline()
        self._global, self._local = everywhere, here
        self._stack: list[float] = []
        self._stems = 0
        self._x = self._y = 0.0

    def run(self, code: memoryview, *, deep: int) -> bool:  # noqa: C901 - one step of the machine after another
        """True: the glyph is finished."""
        if deep > CALLS_DEEP_MAX:
            raise ValueError("subroutines call one another too deeply")
        at = 0
        while at < len(code):
            byte = code[at]
            if byte >= 32 or byte == 28:  # noqa: PLR2004 - numbers begin so (note 5177, section 3.2)
                value, at = _number(code, at)
                self._stack.append(value)
                continue
            at += 1
            if byte in _STEMS:
                self._stems += len(self._stack) // 2
                self._stack.clear()
            elif byte in _MASKS:
                self._stems += len(self._stack) // 2
                self._stack.clear()
                at += -(-self._stems // 8)
            elif byte in {_CALLSUBR, _CALLGSUBR}:
                if self.run(self._called(byte), deep=deep + 1):
                    return True
            elif byte == _RETURN:
                return False
            elif byte == _ENDCHAR:
                return True
            else:
                if byte == _ESCAPE:
                    byte = 1200 + code[at]
                    at += 1
                self._draw(byte)
                self._stack.clear()
        return False

    def _called(self, operator: int) -> memoryview:
        subrs = self._global if operator == _CALLGSUBR else self._local
        if subrs is None:
            raise ValueError("a glyph calls a subroutine that is not there")
        few, many = 1240, 33900  # note 5177, section 4.7: below so many subroutines the numbers are shifted by less
        bias = 107 if subrs.count < few else 1131 if subrs.count < many else 32768
        return subrs[int(self._stack.pop()) + bias]

    def _draw(self, operator: int) -> None:  # noqa: C901, PLR0912 - a table of operators reads best as one
        stack = self._stack
        match operator:
            case 21:
                self._move(*stack[-2:])
            case 22:
                self._move(stack[-1], 0)
            case 4:
                self._move(0, stack[-1])
            case 5:
                self._lines(stack)
            case 6 | 7:
                for number, length in enumerate(stack):
                    across = (number % 2 == 0) == (operator == 6)  # noqa: PLR2004 - hlineto begins across
                    self._line(length if across else 0, 0 if across else length)
            case 8:
                self._curves(stack)
            case 24:
                self._curves(stack[:-2])
                self._line(*stack[-2:])
            case 25:
                self._lines(stack[:-6])
                self._curves(stack[-6:])
            case 26 | 27:
                self._parallel(stack, down=operator == 26)  # noqa: PLR2004 - vvcurveto
            case 30 | 31:
                self._alternating(stack, across=operator == 31)  # noqa: PLR2004 - hvcurveto
            case 1234:
                a, b, c, d, e, f, g = stack
                self._curve(a, 0, b, c, d, 0)
                self._curve(e, 0, f, -c, g, 0)
            case 1235:
                self._curves(stack[:12])
            case 1236:
                a, b, c, d, e, f, g, h, i = stack
                self._curve(a, b, c, d, e, 0)
                self._curve(f, 0, g, h, i, -(b + d + h))
            case 1237:
                width, height = sum(stack[0:10:2]), sum(stack[1:10:2])
                last = (stack[10], -height) if abs(width) > abs(height) else (-width, stack[10])
                self._curves([*stack[:10], *last])
            case _:
                raise ValueError(f"charstrings with operator {operator} are not read")

    def _move(self, dx: float, dy: float) -> None:
        self._x, self._y = self._x + dx, self._y + dy
        self.outline.move(self._x, self._y)

    def _line(self, dx: float, dy: float) -> None:
        self._x, self._y = self._x + dx, self._y + dy
        self.outline.line(self._x, self._y)

    def _curve(self, *d: float) -> None:
        x1, y1 = self._x + d[0], self._y + d[1]
        x2, y2 = x1 + d[2], y1 + d[3]
        self._x, self._y = x2 + d[4], y2 + d[5]
        self.outline.curve(x1, y1, x2, y2, self._x, self._y)

    def _lines(self, values: list[float]) -> None:
        for at in range(0, len(values) - 1, 2):
            self._line(values[at], values[at + 1])

    def _curves(self, values: list[float]) -> None:
        for at in range(0, len(values) - 5, 6):
            self._curve(*values[at : at + 6])

    def _parallel(self, values: list[float], *, down: bool) -> None:
        """Vvcurveto and hhcurveto: curves that begin and end in one direction."""
        aside = values[0] if len(values) % 4 else 0.0
        for at in range(len(values) % 4, len(values) - 3, 4):
            a, b, c, d = values[at : at + 4]
            self._curve(*((aside, a, b, c, 0, d) if down else (a, aside, b, c, d, 0)))
            aside = 0.0

    def _alternating(self, values: list[float], *, across: bool) -> None:
        """Hvcurveto and vhcurveto: curves that begin in one direction and end in the other."""
        curves = len(values) // 4
        for number in range(curves):
            a, b, c, d = values[4 * number : 4 * number + 4]
            extra = values[-1] if number == curves - 1 and len(values) % 4 else 0.0
            self._curve(*((a, 0, b, c, extra, d) if across else (0, a, b, c, d, extra)))
            across = not across


def _index(raw: memoryview, at: int) -> Index:
    count = int.from_bytes(raw[at : at + 2])
    if not count:
        return Index(raw=raw, offsets_at=at + 3, width=1, count=0, end=at + 2)
    width = raw[at + 2]
    last = at + 3 + count * width
    size = int.from_bytes(raw[last : last + width])
    return Index(raw=raw, offsets_at=at + 3, width=width, count=count, end=last + width + size - 1)


def _dict(raw: memoryview) -> dict[int, list[float]]:
    """Operands by operator; those of two bytes are 1200 and the second one."""
    found: dict[int, list[float]] = {}
    operands: list[float] = []
    at = 0
    while at < len(raw):
        byte = raw[at]
        if byte <= 21:  # noqa: PLR2004 - operators end here (note 5176, section 4)
            at += 1
            if byte == _ESCAPE:
                byte = 1200 + raw[at]
                at += 1
            found[byte], operands = operands, []
        elif byte == 29:  # noqa: PLR2004
            operands.append(int.from_bytes(raw[at + 1 : at + 5], signed=True))
            at += 5
        elif byte == 30:  # noqa: PLR2004 - a real number in nibbles; none of those that are asked for is one
            while raw[at] & 15 != 15:  # noqa: PLR2004
                at += 1
            at += 1
            operands.append(0.0)
        else:
            value, at = _number(raw, at)
            operands.append(value)
    return found


def _number(code: memoryview, at: int) -> tuple[float, int]:
    """(value, the byte behind it), as dictionaries and charstrings have them alike."""
    first = code[at]
    match first:
        case 28:
            return int.from_bytes(code[at + 1 : at + 3], signed=True), at + 3
        case 255:
            return int.from_bytes(code[at + 1 : at + 5], signed=True) / 65536, at + 5
        case _ if first <= 246:  # noqa: PLR2004
            return first - 139, at + 1
        case _ if first <= 250:  # noqa: PLR2004
            return (first - 247) * 256 + code[at + 1] + 108, at + 2
        case _:
            return -(first - 251) * 256 - code[at + 1] - 108, at + 2
