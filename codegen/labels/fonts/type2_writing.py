"""A font of a few letters written as a CID-keyed CFF table (Adobe Technical Notes 5176 and 5177), to be embedded in a document.

Promises: the same outlines give the same bytes; letter i has CID i+1, CID 0 is empty. What was read from a font of either kind comes out
without hints and subroutines.
"""

from collections.abc import Sequence

from codegen.labels.fonts.outlines import EM, Outline

LETTERS_MAX = 4000
_ADOBE, _IDENTITY = 391, 392  # the first two strings of one's own
_MOVE, _LINE, _CURVE, _ENDCHAR = 21, 5, 8, 14


def written(name: str, outlines: Sequence[Outline]) -> bytes:
    if not 1 <= len(outlines) <= LETTERS_MAX:
        raise ValueError(f"a document's font has 1 to {LETTERS_MAX} letters, not {len(outlines)}")
    count = len(outlines) + 1
    glyphs = _index([bytes((_ENDCHAR,)), *map(_charstring, outlines)])
    charset = b"\x02" + (1).to_bytes(2) + (count - 2).to_bytes(2)
    select = b"\x03" + (1).to_bytes(2) + (0).to_bytes(2) + b"\x00" + count.to_bytes(2)
    private = _entry(20, 0) + _entry(21, 0)  # defaultWidthX, nominalWidthX: each charstring says its own width
    before = b"\x01\x00\x04\x04" + _index([name.encode("ascii")])
    strings = _index([b"Adobe", b"Identity"]) + _index([])
    start = len(before) + len(_index([_top(count, (0, 0, 0, 0))])) + len(strings)
    places = {}
    for part, raw in (("charset", charset), ("select", select), ("glyphs", glyphs), ("private", private)):
        places[part] = start
        start += len(raw)
    fonts = _index([_long(len(private)) + _long(places["private"]) + bytes((18,))])
    top = _top(count, (places["charset"], places["select"], places["glyphs"], start))
    return before + _index([top]) + strings + charset + select + glyphs + private + fonts


def _top(count: int, places: tuple[int, int, int, int]) -> bytes:
    charset, select, glyphs, fonts = map(_long, places)
    return (
        _number(_ADOBE) + _number(_IDENTITY) + _number(0) + b"\x0c\x1e"  # ROS, which has to come first
        + _number(-EM) + _number(-EM) + _number(2 * EM) + _number(2 * EM) + b"\x05"  # FontBBox, generously
        + _number(count) + b"\x0c\x22"  # CIDCount
        + charset + b"\x0f" + select + b"\x0c\x25" + glyphs + b"\x11" + fonts + b"\x0c\x24"
    )  # fmt: skip


def _charstring(outline: Outline) -> bytes:
    """The advance stands before the first operator."""
    out = bytearray(_number(outline.advance))
    x = y = 0
    for kind, values in outline.steps:
        for at in range(0, len(values), 2):
            to_x, to_y = int(values[at]), int(values[at + 1])
            out += _number(to_x - x) + _number(to_y - y)
            x, y = to_x, to_y
        out.append({"M": _MOVE, "L": _LINE, "C": _CURVE}[kind])
    out.append(_ENDCHAR)
    return bytes(out)


def _index(pieces: Sequence[bytes]) -> bytes:
    if not pieces:
        return b"\x00\x00"
    offsets = [1]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return len(pieces).to_bytes(2) + b"\x04" + b"".join(offset.to_bytes(4) for offset in offsets) + b"".join(pieces)


def _entry(operator: int, value: int) -> bytes:
    return _number(value) + bytes((operator,))


def _long(value: int) -> bytes:
    """Always five bytes, so that places may be filled in later."""
    return b"\x1d" + value.to_bytes(4, signed=True)


def _number(value: int) -> bytes:
    if -107 <= value <= 107:  # noqa: PLR2004 - note 5176, table 3
        return bytes((value + 139,))
    if 108 <= value <= 1131:  # noqa: PLR2004
        high, low = divmod(value - 108, 256)
        return bytes((high + 247, low))
    if -1131 <= value <= -108:  # noqa: PLR2004
        high, low = divmod(-value - 108, 256)
        return bytes((high + 251, low))
    return b"\x1c" + value.to_bytes(2, signed=True)
