"""One label in PDF's drawing operators: what all labels share, and what is each one's own. Lengths in millimetres, y downwards, as everywhere here.

Promises: the modules of a symbol are one path of rectangles, runs of a row merged, filled at once: no seams between neighbours in viewers that
smooth edges, and no picture that a press could scale. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from codegen.labels import fitting, layout
from codegen.labels.fonts.faces import Face
from codegen.labels.fonts.outlines import EM
from codegen.labels.logos import Logo
from codegen.labels.pdf.document_fonts import DocumentFont
from codegen.labels.pdf.objects import number
from codegen.labels.templates import Align, LabelTemplate, LogoPlace, Shape
from codegen.labels.typesetting import BOLD_STROKE, SetText

# A quarter of an ellipse as one curve: its control points lie so far from the ends, of the half axis.
_KAPPA = Decimal("0.5522847498")

Rows = npt.NDArray[np.uint8]
Fonts = Mapping[Face, tuple[str, DocumentFont]]  # resource name and font


@dataclass(frozen=True, slots=True)
class OwnText:
    """A text that each label has its own of: what stands before and behind the string, and where it begins when it is this wide."""

    font: DocumentFont
    before: str
    left: float
    free: float  # what is left of the room is shared out by this: 0 left, 0.5 centre, 1 right
    room: float
    scale: float
    behind: str

    @classmethod
    def of(cls, text: SetText, fonts: Fonts) -> Self:
        name, font = fonts[text.face]
        return cls(
            font=font,
            before=f"BT{_weight(text)}/{name} {number(text.size_mm)} Tf 1 0 0 -1 ",
            left=float(text.field.x_mm),
            free={Align.LEFT: 0.0, Align.CENTRE: 0.5, Align.RIGHT: 1.0}[text.field.align],
            room=float(text.field.width_mm),
            scale=float(text.size_mm) / EM,
            behind=f" {number(text.baseline_mm())} Tm ",
        )

    def drawn(self, said: str) -> str:
        left = self.left
        if self.free:
            left += (self.room - self.font.width(said) * self.scale) * self.free
        return f"{self.before}{left:.3f}{self.behind}{self.font.written(said)}Tj ET\n"


def shared(template: LabelTemplate, texts: tuple[SetText, ...], fonts: Fonts, *, logo: Logo | None) -> str:
    """Border, logo and the texts that all labels have alike."""
    parts = [_border(template)]
    if template.logo is not None and logo is not None:
        parts.append(_logo(template.logo, logo))
    for text in texts:
        name, font = fonts.get(text.face, ("", None))
        for line, said in enumerate(text.constant or ()):
            assert font is not None  # noqa: S101 - every face of a constant text has its font
            left = number(text.left_mm(font.width(said)))
            parts.append(
                f"BT{_weight(text)}/{name} {number(text.size_mm)} Tf 1 0 0 -1 {left} {number(text.baseline_mm(line))} Tm "
                f"{font.written(said)}Tj ET\n"
            )
    return "".join(parts)


def cutting_marks(template: LabelTemplate) -> str:
    lines = "".join(
        f"{number(x1)} {number(y1)} m {number(x2)} {number(y2)} l\n" for (x1, y1), (x2, y2) in layout.cutting_marks(template)
    )
    return f"{number(layout.LINE_MM)} w\n{lines}S\n" if lines else ""


def symbol_start(template: LabelTemplate, *, side: int, dpi: int) -> str:
    """From here on, a module is one unit."""
    module = fitting.module(template.symbol, side=side, dpi=dpi)
    x, y = (number(corner + module.inset_mm) for corner in (template.symbol.x_mm, template.symbol.y_mm))
    return f"q {number(module.mm)} 0 0 {number(module.mm)} {x} {y} cm\n"


def symbols(rows: Rows, *, side: int) -> Iterator[str]:
    """The dark modules of each symbol. Rows are packed bits, dark 1, quiet zone included."""
    corners = [f"{place % side} {place // side} " for place in range(side * side)]
    widths = [f"{width} 1 re\n" for width in range(side + 1)]
    bits = np.unpackbits(rows, axis=2, count=side)
    edges = np.diff(np.pad(bits, ((0, 0), (0, 0), (1, 1))).view(np.int8), axis=2)
    symbol, row, column = np.nonzero(edges == 1)
    width = np.nonzero(edges == -1)[2] - column
    runs = [corners[place] + widths[one] for place, one in zip((row * side + column).tolist(), width.tolist(), strict=True)]
    ends = np.searchsorted(symbol, np.arange(len(bits) + 1)).tolist()
    for first, last in pairwise(ends):
        yield "".join(runs[first:last]) + "f Q\n"


def _weight(text: SetText) -> str:
    return f" 2 Tr {number(text.size_mm * BOLD_STROKE)} w" if text.field.bold else " 0 Tr"


def _border(template: LabelTemplate) -> str:
    if not template.border:
        return ""
    inset = layout.LINE_MM / 2
    width, height = template.width_mm - 2 * inset, template.height_mm - 2 * inset
    start = f"{number(layout.LINE_MM)} w\n"
    if template.shape is Shape.RECTANGLE:
        return f"{start}{number(inset)} {number(inset)} {number(width)} {number(height)} re S\n"
    a, b, x, y = width / 2, height / 2, template.width_mm / 2, template.height_mm / 2
    path = [f"{number(x + a)} {number(y)} m"]
    for (dx1, dy1), (dx2, dy2), (dx, dy) in (
        ((Decimal(1), _KAPPA), (_KAPPA, Decimal(1)), (0, 1)),
        ((-_KAPPA, Decimal(1)), (Decimal(-1), _KAPPA), (-1, 0)),
        ((Decimal(-1), -_KAPPA), (-_KAPPA, Decimal(-1)), (0, -1)),
        ((_KAPPA, Decimal(-1)), (Decimal(1), -_KAPPA), (1, 0)),
    ):
        points = (x + a * dx1, y + b * dy1, x + a * dx2, y + b * dy2, x + a * dx, y + b * dy)
        path.append(" ".join(map(number, points)) + " c")
    return start + "\n".join(path) + " s\n"


def _logo(place: LogoPlace, logo: Logo) -> str:
    """As large as the box lets its proportions be, in the middle of it. Pictures stand on their feet: y goes up in them."""
    scale = min(place.width_mm / logo.width, place.height_mm / logo.height)
    width, height = logo.width * scale, logo.height * scale
    x, y = place.x_mm + (place.width_mm - width) / 2, place.y_mm + (place.height_mm + height) / 2
    return f"q {number(width)} 0 0 {number(-height)} {number(x)} {number(y)} cm/G Do Q\n"
