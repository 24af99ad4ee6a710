"""Sheets of labels as one PDF, written page by page: a composer of `codegen.print_packages.composing`.

Promises: vector modules, embedded letters, the same bytes for the same codes whoever goes on where another stopped; a page is forgotten as soon as
it is written, so a million labels take no more memory than a thousand. Refuses templates whose parts do not fit, and more codes than a
document can address.
"""

import zlib
from array import array
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import BinaryIO

from codegen.labels import fitting, layout, typesetting
from codegen.labels.fonts.faces import Face
from codegen.labels.logos import Logo
from codegen.labels.pdf import document_fonts, label_drawing
from codegen.labels.pdf.document_fonts import DocumentFont
from codegen.labels.pdf.label_drawing import OwnText
from codegen.labels.pdf.objects import HEADER, cross_references, number, obj, references, stream
from codegen.labels.templates import LabelTemplate
from codegen.labels.typesetting import SetText
from codegen.labels.words import SERIAL_LETTERS, LabelWords
from codegen.print_packages.composing import Piece
from codegen.print_packages.listed_codes import ListedCodes
from codegen.symbology.mark_presses import MarkPress
from codegen.symbols import MM_PER_INCH
from kit.refusals import Invalid

CODES_MAX = 2_000_000  # some 2 GB: readers of PDF give up not far beyond
ROWS_PER_STEP = 12_000  # two or three seconds
ROWS_AT_ONCE = 512  # drawn together
KIDS_MAX = 1000  # of a node of the page tree
_PAGE_LEVEL = 3  # more effort saves a twentieth of the bytes and takes half as long again
_CATALOG, _PAGES, _RESOURCES, _INFO, _LABEL, _MARKS, _LOGO, _FONTS = range(1, 9)
_POINTS_PER_MM = 72 / MM_PER_INCH
_DIGITS = "0123456789"


class SheetsTooMany(Invalid):
    code = "sheets_too_many"
    says = "One PDF holds at most {codes_max} labels, not {codes}. Make parts of fewer."


class LabelSheets:
    """`press` draws the marks of the order that `codes` are of; it has to know its mask when somebody else may go on."""

    def __init__(
        self, codes: ListedCodes, *, template: LabelTemplate, press: MarkPress, words: LabelWords, logo: Logo | None = None
    ) -> None:
        if codes.rows > CODES_MAX:
            raise SheetsTooMany(codes=codes.rows, codes_max=CODES_MAX)
        fitting.check(template)
        self._codes = codes
        self._template = template
        self._press = press
        self._words = words
        self._logo = logo
        self._texts = typesetting.set_texts(template, words, rows=codes.rows)
        self._symbol_start = label_drawing.symbol_start(template, side=press.side, dpi=press.spec.dpi)

    @property
    def rows(self) -> int:
        return self._codes.rows

    @property
    def rows_per_step(self) -> int:
        labels = self._template.page.labels
        return max(1, ROWS_PER_STEP // labels) * labels

    @property
    def fingerprint(self) -> str:
        used = sorted({text.face.fingerprint for text in self._texts})
        return "; ".join([f"zlib {zlib.ZLIB_RUNTIME_VERSION}", *used])

    @property
    def pages(self) -> int:
        return -(-self.rows // self._template.page.labels)

    def head(self) -> bytes:
        return HEADER + b"".join(self._first_objects)

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        labels = self._template.page.labels
        if first % labels:
            raise ValueError(f"row {first} does not begin a page of {labels}")
        at_once = max(1, ROWS_AT_ONCE // labels) * labels
        for start in range(first, first + count, at_once):
            drawn = self._labels(start, min(at_once, first + count - start))
            page = start // labels
            while content := self._page_content(drawn):
                objects = self._page_objects(page, content)
                yield Piece(content=b"".join(objects), notes=array("Q", (offset, offset + len(objects[0]))).tobytes())
                offset += sum(map(len, objects))
                page += 1

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        first_node = self._page_number(self.pages)
        pages = [self._page_number(page) + 1 for page in range(self.pages)] if self.pages <= KIDS_MAX else None
        offsets: list[int] = []
        nodes = []
        if pages is None:
            for start in range(0, self.pages, KIDS_MAX):
                kids = range(start, min(start + KIDS_MAX, self.pages))
                numbers = references(self._page_number(page) + 1 for page in kids)
                node = first_node + start // KIDS_MAX
                nodes.append(node)
                written = obj(node, f"<</Type/Pages/Parent {_PAGES} 0 R/Count {len(kids)}/Kids{numbers}>>")
                offsets.append(offset)
                offset += len(written)
                yield written
        size = f"[0 0 {self._points(self._template.page.width_mm)} {self._points(self._template.page.height_mm)}]"
        root = obj(
            _PAGES,
            f"<</Type/Pages/Count {self.pages}/MediaBox{size}/Resources {_RESOURCES} 0 R/Kids{references(pages or nodes)}>>",
        )
        yield root
        yield from cross_references(
            self._offsets(notes, root=offset, nodes=offsets),
            size=first_node + len(nodes),
            start=offset + len(root),
            root=_CATALOG,
            info=_INFO,
        )

    def _offsets(self, notes: BinaryIO, *, root: int, nodes: list[int]) -> Iterator[list[int]]:
        """Of all objects in the order of their numbers. The page tree's root was written last, and has number 2."""
        at = len(HEADER)
        first = []
        for written in self._first_objects:
            first.append(at)
            at += len(written)
        first.insert(_PAGES - 1, root)
        yield first
        # Notes are words of this machine's order of bytes: they never leave it.
        while raw := notes.read(8 * (1 << 15)):
            yield array("Q", raw).tolist()
        yield nodes

    @cached_property
    def _fonts(self) -> dict[Face, tuple[str, DocumentFont]]:
        letters: dict[Face, set[str]] = {}
        for text in self._texts:
            said = text.constant if text.constant is not None else (_letters_of(text, self._words),)
            letters.setdefault(text.face, set()).update(*said)
        return {
            face: (f"F{place}", DocumentFont(face, used, number=_FONTS + place * document_fonts.OBJECTS))
            for place, (face, used) in enumerate(letters.items())
        }

    @cached_property
    def _own(self) -> list[tuple[SetText, OwnText]]:
        return [(text, OwnText.of(text, self._fonts)) for text in self._texts if text.constant is None]

    @cached_property
    def _first_objects(self) -> list[bytes]:
        """What stands before the pages, in the order of numbers, without the page tree's root."""
        fonts = "".join(f"/{name} {font.number} 0 R" for name, font in self._fonts.values())
        pictures = f"/L {_LABEL} 0 R/M {_MARKS} 0 R" + (f"/G {_LOGO} 0 R" if self._logo is not None else "")
        page = self._template.page
        box = {"Type": "/XObject", "Subtype": "/Form", "Resources": f"{_RESOURCES} 0 R"}
        label = label_drawing.shared(self._template, self._texts, self._fonts, logo=self._logo)
        marks = label_drawing.cutting_marks(self._template) if self._template.cutting_marks else ""
        return [
            obj(_CATALOG, f"<</Type/Catalog/Pages {_PAGES} 0 R/ViewerPreferences<</PrintScaling/None>>>>"),
            obj(_RESOURCES, f"<</Font<<{fonts}>>/XObject<<{pictures}>>>>"),
            obj(_INFO, "<</Producer(Onemark)>>"),
            stream(
                _LABEL,
                {**box, "BBox": f"[0 0 {number(self._template.width_mm)} {number(self._template.height_mm)}]"},
                label.encode("ascii"),
            ),
            stream(_MARKS, {**box, "BBox": f"[0 0 {number(page.width_mm)} {number(page.height_mm)}]"}, marks.encode("ascii")),
            self._logo_object(),
            *(written for _, font in self._fonts.values() for written in font.objects),
        ]

    def _logo_object(self) -> bytes:
        if self._logo is None:
            return obj(_LOGO, "null")
        space = "/DeviceGray" if self._logo.channels == 1 else "/DeviceRGB"
        sizes = {"Width": str(self._logo.width), "Height": str(self._logo.height), "ColorSpace": space, "BitsPerComponent": "8"}
        return stream(_LOGO, {"Type": "/XObject", "Subtype": "/Image", **sizes}, self._logo.pixels())

    def _labels(self, first: int, count: int) -> Iterator[str]:
        """Each label's own operators."""
        listed = self._codes.part(first, count)
        paths = label_drawing.symbols(self._press.draw(listed.texts), side=self._press.side)
        serials = [serial.decode("ascii") for serial in listed.serials.tolist()]
        for row, (serial, path) in enumerate(zip(serials, paths, strict=True), start=first + 1):
            texts = [own.drawn(self._words.said(text.field, serial=serial, row=row, rows=self.rows)) for text, own in self._own]
            yield self._symbol_start + path + "".join(texts)

    def _page_content(self, labels: Iterator[str]) -> bytes:
        """The operators of one page, or nothing where no label is left."""
        placed = [
            f"q 1 0 0 1 {x} {y} cm/L Do\n{own}Q\n"
            for (x, y), own in zip(self._corners, islice(labels, len(self._corners)), strict=False)
        ]
        if not placed:
            return b""
        return "".join([self._page_start, *placed]).encode("ascii")

    @cached_property
    def _corners(self) -> list[tuple[str, str]]:
        return [(number(x), number(y)) for x, y in layout.corners(self._template)]

    @cached_property
    def _page_start(self) -> str:
        """From here on lengths are millimetres from the upper left corner."""
        scale = number(_POINTS_PER_MM)
        marks = "/M Do\n" if self._template.cutting_marks else ""
        return f"{scale} 0 0 -{scale} 0 {self._points(self._template.page.height_mm)} cm\n{marks}"

    def _page_objects(self, page: int, content: bytes) -> tuple[bytes, bytes]:
        number_ = self._page_number(page)
        parent = _PAGES if self.pages <= KIDS_MAX else self._page_number(self.pages) + page // KIDS_MAX
        return (
            stream(number_, {}, content, level=_PAGE_LEVEL),
            obj(number_ + 1, f"<</Type/Page/Parent {parent} 0 R/Contents {number_} 0 R>>"),
        )

    def _page_number(self, page: int) -> int:
        """The object of a page's content; the page itself is the next one."""
        return _FONTS + len(self._fonts) * document_fonts.OBJECTS + 2 * page

    def _points(self, mm: Decimal) -> str:
        return number((mm * _POINTS_PER_MM).quantize(Decimal("0.001")))


def _letters_of(text: SetText, words: LabelWords) -> str:
    return "".join(words.widest(text.field, rows=1)) + SERIAL_LETTERS + _DIGITS
