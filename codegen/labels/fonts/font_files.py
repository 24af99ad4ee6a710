"""A font file: which letters it has, how wide they are, and their outlines. OpenType 1.9, with outlines of either kind.

Promises: what is read is never written back; the file is mapped, not loaded. Refuses files that are no fonts with ValueError.
"""

import mmap
import struct
from bisect import bisect_right
from pathlib import Path

from codegen.labels.fonts.glyf_reading import TrueTypeGlyphs
from codegen.labels.fonts.outlines import Outline
from codegen.labels.fonts.type2_reading import CompactFont

_COLLECTION = b"ttcf"
_UNICODE = {(3, 10), (0, 6), (0, 4), (3, 1), (0, 3)}
_SEGMENTS, _GROUPS = 4, 12


class FontFile:
    """`number` is the font's place in a collection."""

    def __init__(self, path: Path, *, number: int = 0) -> None:
        with path.open("rb") as opened:
            self._raw = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        self._tables = self._directory(number)
        head, widths = self._tables["head"], self._tables["hhea"]
        self.units_per_em: int = struct.unpack(">H", head[18:20])[0]
        self.edition = bytes(head[4:12]).hex()  # its revision, and the checksum of the whole file
        self._wide_glyphs: int = struct.unpack(">H", widths[34:36])[0]
        self._letters = _Letters(self._tables["cmap"])
        if "CFF " in self._tables:
            self._glyphs: CompactFont | TrueTypeGlyphs = CompactFont(self._tables["CFF "])
        else:
            self._glyphs = TrueTypeGlyphs(
                loca=self._tables["loca"], glyf=self._tables["glyf"], long=bool(struct.unpack(">h", head[50:52])[0])
            )

    def has(self, letter: str) -> bool:
        return self._letters.glyph(ord(letter)) != 0

    def outline(self, letter: str) -> Outline:
        """In thousandths of an em, with the letter's advance."""
        glyph = self._letters.glyph(ord(letter))
        at = 4 * min(glyph, self._wide_glyphs - 1)
        advance = struct.unpack(">H", self._tables["hmtx"][at : at + 2])[0]
        return self._glyphs.outline(glyph).scaled(self.units_per_em, advance=advance)

    def _directory(self, number: int) -> dict[str, memoryview]:
        raw, at = self._raw, 0
        if bytes(raw[:4]) == _COLLECTION:
            at = struct.unpack(">I", raw[12 + 4 * number : 16 + 4 * number])[0]
        count = struct.unpack(">H", raw[at + 4 : at + 6])[0]
        found = {}
        for entry in range(at + 12, at + 12 + 16 * count, 16):
            tag, _, start, size = struct.unpack(">4sIII", raw[entry : entry + 16])
            found[tag.decode("latin-1")] = raw[start : start + size]
        missing = {"head", "hhea", "hmtx", "cmap"} - set(found)
        if missing:
            raise ValueError(f"the font lacks {min(missing)}")
        return found


class _Letters:
    """The table `cmap`: from characters to glyphs, 0 where there is none."""

    def __init__(self, raw: memoryview) -> None:
        self._starts: list[int] = []
        self._ranges: list[tuple[int, int]] = []  # (last character, first glyph) of runs
        self._scattered: dict[int, int] = {}
        subtables = {}
        for number in range(struct.unpack(">H", raw[2:4])[0]):
            platform, encoding, at = struct.unpack(">HHI", raw[4 + 8 * number : 12 + 8 * number])
            if (platform, encoding) in _UNICODE:
                subtables[struct.unpack(">H", raw[at : at + 2])[0]] = raw[at:]
        if _GROUPS in subtables:
            self._read_groups(subtables[_GROUPS])
        elif _SEGMENTS in subtables:
            self._read_segments(subtables[_SEGMENTS])
        else:
            raise ValueError("the font has no table of Unicode letters")

    def glyph(self, character: int) -> int:
        if character in self._scattered:
            return self._scattered[character]
        place = bisect_right(self._starts, character) - 1
        if place < 0 or character > self._ranges[place][0]:
            return 0
        return self._ranges[place][1] + character - self._starts[place]

    def _read_groups(self, raw: memoryview) -> None:
        for number in range(struct.unpack(">I", raw[12:16])[0]):
            start, last, glyph = struct.unpack(">III", raw[16 + 12 * number : 28 + 12 * number])
            self._starts.append(start)
            self._ranges.append((last, glyph))

    def _read_segments(self, raw: memoryview) -> None:
        count = struct.unpack(">H", raw[6:8])[0] // 2
        lasts, starts, deltas, offsets = (
            struct.unpack(f">{count}H", raw[at : at + 2 * count]) for at in (14, 16 + 2 * count, 16 + 4 * count, 16 + 6 * count)
        )
        for number in range(count):
            if not offsets[number]:
                for character in range(starts[number], lasts[number] + 1):
                    self._scattered[character] = (character + deltas[number]) % 65536
                continue
            for character in range(starts[number], lasts[number] + 1):
                at = 16 + 6 * count + 2 * number + offsets[number] + 2 * (character - starts[number])
                glyph = struct.unpack(">H", raw[at : at + 2])[0] if at + 2 <= len(raw) else 0
                self._scattered[character] = (glyph + deltas[number]) % 65536 if glyph else 0
