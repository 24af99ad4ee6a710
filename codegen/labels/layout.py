"""Where things lie on a sheet: the corners of its labels, and the marks along which it is cut. Lengths in millimetres from the upper left corner.

Promises: labels follow one another along rows; cutting marks stand in the page's margins alone, never on a label, and are left out where a
margin has no room for them. Pure.
"""

from collections.abc import Iterator
from decimal import Decimal

from codegen.labels.templates import LabelTemplate

LINE_MM = Decimal("0.1")
MARK_MM = Decimal(3)
MARK_GAP_MM = Decimal(1)

Point = tuple[Decimal, Decimal]


def corners(template: LabelTemplate) -> Iterator[Point]:
    """The upper left corner of each label of a page."""
    page = template.page
    for row in range(page.rows):
        for column in range(page.columns):
            yield (
                page.left_mm + column * (template.width_mm + page.gap_across_mm),
                page.top_mm + row * (template.height_mm + page.gap_down_mm),
            )


def cutting_marks(template: LabelTemplate) -> Iterator[tuple[Point, Point]]:
    """Lines from one point to another."""
    page = template.page
    across = {x + edge for x, _ in corners(template) for edge in (Decimal(0), template.width_mm)}
    down = {y + edge for _, y in corners(template) for edge in (Decimal(0), template.height_mm)}
    for start, end in _margin(min(down), max(down), page.height_mm):
        for x in sorted(across):
            yield (x, start), (x, end)
    for start, end in _margin(min(across), max(across), page.width_mm):
        for y in sorted(down):
            yield (start, y), (end, y)


def _margin(first: Decimal, last: Decimal, page: Decimal) -> Iterator[Point]:
    """Where marks begin and end before the first and behind the last label."""
    for room, inner, way in ((first, first, -1), (page - last, last, 1)):
        length = min(MARK_MM, room - MARK_GAP_MM)
        if length > 0:
            yield inner + way * MARK_GAP_MM, inner + way * (MARK_GAP_MM + length)
