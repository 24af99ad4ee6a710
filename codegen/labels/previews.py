"""Pictures of one label and of one sheet as SVG, in the size at which they are printed.

Promises: letters are outlines and modules are those that the press draws, so the picture shows what will be printed, whatever fonts the reader's
machine has; no styles, scripts or addresses inside, so that any page may show it. Refuses what cannot be printed, by the part at fault.

    label_svg(template, uri="HTTPS://ID.EXAMPLE/01/09521234543213/21/0816MZTTBH7PFP77PTNS", mark=MarkSpec(), texts=LabelWords(...))
"""

import base64
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache

import numpy as np

from codegen.addresses import SIGNATURE_KEY, Addresses
from codegen.cipher import SERIAL_LENGTH
from codegen.gtin import Gtin
from codegen.labels import fitting, layout, typesetting
from codegen.labels.fonts.faces import Face, outline_of
from codegen.labels.fonts.outlines import EM
from codegen.labels.logos import Logo
from codegen.labels.templates import LabelTemplate, Shape
from codegen.labels.typesetting import BOLD_STROKE, SetText
from codegen.labels.words import LabelWords
from codegen.symbology import symbol_files
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_specs import MarkSpec

PRESSES_KEPT = 4  # 5 MB each
_THOUSANDTH = Decimal("0.001")


def label_svg(
    template: LabelTemplate, *, uri: str, mark: MarkSpec, texts: LabelWords, logo: Logo | None = None, row: int = 1, rows: int = 1
) -> str:
    """One label. `uri` is what its symbol holds: an address whose last part before `?s=` is the serial."""
    fitting.check(template)
    inner = "".join(_label(template, [uri], mark=mark, texts=texts, logo=logo, row=row, rows=max(row, rows)))
    return _document(template.width_mm, template.height_mm, inner, shape=template.shape)


def sheet_svg(
    template: LabelTemplate, *, uris: Sequence[str], mark: MarkSpec, texts: LabelWords, logo: Logo | None = None, rows: int = 0
) -> str:
    """The first sheet. A single address is shown on every label of it; with several, labels without one stay empty."""
    fitting.check(template)
    page = template.page
    corners = list(layout.corners(template))
    parts = list(_label(template, uris[: page.labels], mark=mark, texts=texts, logo=logo, row=1, rows=max(rows, len(uris), 1)))
    drawn = ""
    if len(parts) == 1:
        drawn = f'<defs><g id="label">{parts[0]}</g></defs>'
        parts = ['<use href="#label"/>'] * page.labels
    placed = [f'<g transform="translate({_mm(x)} {_mm(y)})">{part}</g>' for (x, y), part in zip(corners, parts, strict=False)]
    if template.cutting_marks:
        lines = "".join(f"M{_mm(x1)} {_mm(y1)}L{_mm(x2)} {_mm(y2)}" for (x1, y1), (x2, y2) in layout.cutting_marks(template))
        placed.append(f'<path fill="none" stroke="#000" stroke-width="{layout.LINE_MM}" d="{lines}"/>')
    return _document(page.width_mm, page.height_mm, drawn + "".join(placed), shape=Shape.RECTANGLE)


def _label(
    template: LabelTemplate, uris: Sequence[str], *, mark: MarkSpec, texts: LabelWords, logo: Logo | None, row: int, rows: int
) -> Iterator[str]:
    """Each label in a coordinate system of its own."""
    if not uris:
        return
    set_texts = typesetting.set_texts(template, texts, rows=rows)
    constant = _border(template) + _logo(template, logo)
    constant += "".join(_text(one, said, line=line) for one in set_texts for line, said in enumerate(one.constant or ()))
    serials = [uri.partition("?")[0].rpartition("/")[2] for uri in uris]
    place = template.symbol
    paths, side = _symbols(uris, mark=mark, gtin=texts.gtin)
    module = fitting.module(place, side=side, dpi=mark.dpi)
    at = f"translate({_mm(place.x_mm + module.inset_mm)} {_mm(place.y_mm + module.inset_mm)}) scale({module.mm:.6f})"
    for number, (serial, path) in enumerate(zip(serials, paths, strict=True), start=row):
        own = "".join(
            _text(one, texts.said(one.field, serial=serial, row=number, rows=rows)) for one in set_texts if one.constant is None
        )
        yield f'{constant}<path transform="{at}" shape-rendering="crispEdges" d="{path}"/>{own}'


def _symbols(uris: Sequence[str], *, mark: MarkSpec, gtin: str) -> tuple[list[str], int]:
    """(the dark modules of each symbol as a path, modules a side with quiet zone)"""
    plain, signed, _ = uris[0].partition(SIGNATURE_KEY)
    press = _press(mark, plain[:-SERIAL_LENGTH], gtin, signed=bool(signed))
    head = len(plain) - SERIAL_LENGTH
    own = [uri[head:].replace(SIGNATURE_KEY, "").encode("ascii") for uri in uris]
    rows = press.draw(np.array(own))
    return list(symbol_files.paths(rows, side=press.side)), press.side


@lru_cache(maxsize=PRESSES_KEPT)
def _press(mark: MarkSpec, head: str, gtin: str, *, signed: bool) -> MarkPress:
    """The press of addresses that begin so; nobody asks it for signatures."""
    return MarkPress(mark, addresses=Addresses(head=head, signer=bytes if signed else None), gtin=Gtin(gtin))


def _text(text: SetText, said: str, *, line: int = 0) -> str:
    scale = text.size_mm / EM
    left, baseline = text.left_mm(text.face.width(said)), text.baseline_mm(line)
    bold = f' stroke="#000" stroke-width="{BOLD_STROKE * EM:.0f}"' if text.field.bold else ""
    return f'<path transform="translate({_mm(left)} {_mm(baseline)}) scale({scale:.6f} -{scale:.6f})"{bold} d="{_outlines(text.face, said)}"/>'


def _outlines(face: Face, said: str) -> str:
    parts: list[str] = []
    x = 0
    for letter in said:
        outline = outline_of(face, letter)
        for kind, values in outline.steps:
            points = " ".join(f"{value + (x if number % 2 == 0 else 0):.0f}" for number, value in enumerate(values))
            parts.append(("Z" if kind == "M" and parts else "") + kind + points)
        x += outline.advance
    return "".join(parts) + ("Z" if parts else "")


def _border(template: LabelTemplate) -> str:
    if not template.border:
        return ""
    width, height, inset = template.width_mm, template.height_mm, layout.LINE_MM / 2
    stroke = f'fill="none" stroke="#000" stroke-width="{layout.LINE_MM}"'
    if template.shape is Shape.ROUND:
        return f'<ellipse cx="{width / 2}" cy="{height / 2}" rx="{width / 2 - inset}" ry="{height / 2 - inset}" {stroke}/>'
    return f'<rect x="{inset}" y="{inset}" width="{width - 2 * inset}" height="{height - 2 * inset}" {stroke}/>'


def _logo(template: LabelTemplate, logo: Logo | None) -> str:
    place = template.logo
    if place is None or logo is None:
        return ""
    picture = base64.b64encode(logo.png).decode("ascii")
    return (
        f'<image x="{place.x_mm}" y="{place.y_mm}" width="{place.width_mm}" height="{place.height_mm}" '
        f'href="data:image/png;base64,{picture}"/>'
    )


def _document(width: Decimal, height: Decimal, inner: str, *, shape: Shape) -> str:
    if shape is Shape.ROUND:
        ground = f'<ellipse cx="{width / 2}" cy="{height / 2}" rx="{width / 2}" ry="{height / 2}" fill="#fff"/>'
    else:
        ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}">{ground}{inner}</svg>\n'


def _mm(length: Decimal) -> str:
    return f"{length.quantize(_THOUSANDTH).normalize():f}"
