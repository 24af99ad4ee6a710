"""The outline of one letter: where a pen moves, in thousandths of the letter's size, y upwards.

Both kinds of font files end here, so that a picture and a printed sheet have the same letters whatever is installed where they are seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

EM = 1000


@dataclass(slots=True, kw_only=True)
class Outline:
    """`steps` are ("M", x, y), ("L", x, y) and ("C", x1, y1, x2, y2, x, y), all absolute; each contour begins with M and is closed."""

    advance: int = 0
    steps: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)

    def move(self, x: float, y: float) -> None:
        self.steps.append(("M", (x, y)))

    def line(self, x: float, y: float) -> None:
        self.steps.append(("L", (x, y)))

    def curve(self, *points: float) -> None:
        self.steps.append(("C", points))

    def scaled(self, units_per_em: int, *, advance: int) -> "Outline":
        """In thousandths of an em, rounded: what documents are written in."""
        scale = EM / units_per_em
        steps = [(kind, tuple(float(round(value * scale)) for value in values)) for kind, values in self.steps]
        return Outline(advance=round(advance * scale), steps=steps)


def quadratic(outline: Outline, start: Sequence[float], control: Sequence[float], end: Sequence[float]) -> None:
    """TrueType's curve as the cubic one that is the very same."""
    (x0, y0), (x1, y1), (x2, y2) = start, control, end
    outline.curve(x0 + 2 / 3 * (x1 - x0), y0 + 2 / 3 * (y1 - y0), x2 + 2 / 3 * (x1 - x2), y2 + 2 / 3 * (y1 - y2), x2, y2)
