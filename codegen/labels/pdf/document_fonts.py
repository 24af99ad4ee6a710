"""Fonts within a document: the letters that it uses and no others, with a table that says which Unicode they are, so that text can be found and copied.

Promises: letters are embedded as outlines, whatever the reader's machine has installed; texts are written as CIDs of two bytes. ISO 32000-1:2008
sections 9.6 to 9.10. Pure.
"""

from collections.abc import Iterable
from functools import cached_property

from codegen.labels.fonts import type2_writing
from codegen.labels.fonts.faces import Face, outline_of
from codegen.labels.fonts.outlines import EM
from codegen.labels.pdf.objects import obj, references, stream

OBJECTS = 5
_MAPPED_AT_ONCE = 100
_TAG = "ONEMRK+"
_ASCENT, _DESCENT, _CAP_HEIGHT, _STEM = 880, -120, 733, 80
_SYMBOLIC = 4


class DocumentFont:
    """`letters` may be given in any order; `number` is the first of its five objects."""

    def __init__(self, face: Face, letters: Iterable[str], *, number: int) -> None:
        self.face = face
        self.number = number
        self._letters = sorted(set(letters))
        self._codes = {letter: f"{cid:04X}" for cid, letter in enumerate(self._letters, start=1)}
        self._advances = {letter: outline_of(face, letter).advance for letter in self._letters}

    def written(self, text: str) -> str:
        """The text as a string operand."""
        return "<" + "".join([self._codes[letter] for letter in text]) + ">"

    def width(self, text: str) -> int:
        """In thousandths of the letters' size."""
        return sum([self._advances[letter] for letter in text])

    @cached_property
    def objects(self) -> list[bytes]:
        name = _TAG + self.face.name
        top, cid_font, descriptor, file, unicode = range(self.number, self.number + OBJECTS)
        widths = " ".join(str(self._advances[letter]) for letter in self._letters)
        outlines = [outline_of(self.face, letter) for letter in self._letters]
        return [
            obj(
                top,
                f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts{references([cid_font])}"
                f"/ToUnicode {unicode} 0 R>>",
            ),
            obj(
                cid_font,
                f"<</Type/Font/Subtype/CIDFontType0/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
                f"/FontDescriptor {descriptor} 0 R/DW {EM}/W[1[{widths}]]>>",
            ),
            obj(
                descriptor,
                f"<</Type/FontDescriptor/FontName/{name}/Flags {_SYMBOLIC}/FontBBox[{-EM} {-EM} {2 * EM} {2 * EM}]/ItalicAngle 0"
                f"/Ascent {_ASCENT}/Descent {_DESCENT}/CapHeight {_CAP_HEIGHT}/StemV {_STEM}/FontFile3 {file} 0 R>>",
            ),
            stream(file, {"Subtype": "/CIDFontType0C"}, type2_writing.written(name, outlines)),
            stream(unicode, {}, self._unicode_map().encode("ascii")),
        ]

    def _unicode_map(self) -> str:
        lines = [f"<{code}><{letter.encode('utf-16-be').hex().upper()}>" for letter, code in self._codes.items()]
        runs = [lines[start : start + _MAPPED_AT_ONCE] for start in range(0, len(lines), _MAPPED_AT_ONCE)]
        mapped = "".join(f"{len(run)} beginbfchar\n" + "\n".join(run) + "\nendbfchar\n" for run in runs)
        return (
            "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n"
            f"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n{mapped}endcmap\n"
            "CMapName currentdict/CMap defineresource pop\nend\nend\n"
        )
