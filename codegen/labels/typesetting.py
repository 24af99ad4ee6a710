"""Texts of a label set in type: the face that has the letters, the size at which they fit, and where the line begins.

Promises: a line that is too wide is set smaller, down to six tenths of its size and never below 3 points, the same for all labels of an
order; what is still too wide is refused by its number, so nothing is cut off or runs into its neighbour. Pure.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from codegen.labels.fitting import LINE_HEIGHT, MM_PER_POINT
from codegen.labels.fonts import faces
from codegen.labels.fonts.faces import Face
from codegen.labels.fonts.outlines import EM
from codegen.labels.templates import SIZE_PT_MIN, Align, LabelTemplate, TextField
from codegen.labels.words import LabelWords
from kit.refusals import Invalid

SHRINK_MOST = Decimal("0.6")
ASCENT = Decimal("0.95")  # from the top of a line's box to its base line, of the size: room for Chinese letters and accents
BOLD_STROKE = Decimal("0.04")  # there is one weight: bold letters get an outline of this part of their size
_STEP = Decimal("0.1")
# Behind a space, and before or behind a Chinese letter that no closing mark follows.
_BREAKS = re.compile(
    r"(?<= )(?=[^ ])|(?<=[\u2e80-\ufaff])(?=[^\s，。、；：！？）》」』,.;:!?)])|(?<=[^\s（《「『(])(?=[\u2e80-\u2fff\u3040-\ufaff])"
)


class TextTooLong(Invalid):
    code = "text_too_long"
    says = "Text {number} ({text!r}) does not fit {width_mm} mm, not even in {size_pt} points."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetText:
    """A field with its face and size; `constant` are the lines that it has on every label, None where each has its own."""

    field: TextField
    face: Face
    size_pt: Decimal
    constant: tuple[str, ...] | None

    @property
    def size_mm(self) -> Decimal:
        return self.size_pt * MM_PER_POINT

    def baseline_mm(self, line: int = 0) -> Decimal:
        """From the label's upper edge. What is set smaller keeps its first base line."""
        return self.field.y_mm + self.field.size_pt * MM_PER_POINT * ASCENT + line * self.size_mm * LINE_HEIGHT

    def left_mm(self, width: int) -> Decimal:
        """Where a line of `width` thousandths of its size begins."""
        free = self.field.width_mm - self.size_mm * width / EM
        return self.field.x_mm + {Align.LEFT: Decimal(0), Align.CENTRE: free / 2, Align.RIGHT: free}[self.field.align]


def set_texts(template: LabelTemplate, words: LabelWords, *, rows: int) -> tuple[SetText, ...]:
    """Fields that say nothing (blank labels have no product) are left out."""
    found = []
    for number, field in enumerate(template.texts, start=1):
        candidates = words.widest(field, rows=rows)
        if any(text.strip() for text in candidates):
            found.append(_set(field, candidates, number=number))
    return tuple(found)


def _set(field: TextField, candidates: list[str], *, number: int) -> SetText:
    face = faces.face_for("".join(sorted(set("".join(candidates)))))
    widest = max(candidates, key=face.width)
    least = max(SIZE_PT_MIN, field.size_pt * SHRINK_MOST)
    size_pt = field.size_pt
    while size_pt >= least:
        lines = _lines(face, widest, room=int(field.width_mm / (size_pt * MM_PER_POINT) * EM))
        if lines is not None and len(lines) <= field.lines:
            return SetText(field=field, face=face, size_pt=size_pt, constant=None if field.source.of_row else tuple(lines))
        size_pt -= _STEP
    raise TextTooLong(number=number, text=widest, width_mm=field.width_mm, size_pt=least)


def _lines(face: Face, text: str, *, room: int) -> list[str] | None:
    """The text broken where it may be; None where a word alone is wider than `room`."""
    lines = [""]
    for word in _BREAKS.split(text.strip()):
        if face.width((lines[-1] + word).rstrip()) <= room:
            lines[-1] += word
        elif face.width(word.rstrip()) <= room:
            lines.append(word)
        else:
            return None
    return [line.strip() for line in lines if line.strip()]
