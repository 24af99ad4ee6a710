"""ZPL: a line is a label, and what a printer makes of it is the symbol of its row with its serial beneath."""

import io
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import zplkit
import zxingcpp
from PIL import Image

from codegen.print_packages.file_designs import LabelMm
from codegen.print_packages.formats import zpl_labels
from codegen.print_packages.formats.zpl_labels import LabelSmallerThanMark, ZplLabels
from codegen.symbology.mark_specs import MarkSpec, ReadableLine, Symbology
from tests.codegen.print_packages.formats.composed import GTIN, listed, press, written

CODES = 30


def labels(spec: MarkSpec, label: LabelMm | None = None) -> ZplLabels:
    layout = zpl_labels.laid_out(spec, press(spec).size, label)
    return ZplLabels(listed(CODES), press=press(replace(spec, quiet_modules=0)), layout=layout, text=spec.text)


def printed(line: bytes, *, dpi: int) -> Image.Image:
    found = re.match(rb"\^XA\^PW(\d+)\^LL(\d+)", line)
    assert found is not None
    document = zplkit.render(line, zplkit.Options(profile="specification", width=int(found[1]), height=int(found[2]), dpi=dpi))
    assert [warning for warning in document.warnings if not warning.startswith("Resident fonts use captured")] == []
    (scene,) = document.labels
    return Image.open(io.BytesIO(scene.png())).convert("L")


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (MarkSpec(dpi=203), None),
        (MarkSpec(dpi=300, module_mm=Decimal("0.4")), LabelMm(width=Decimal(40), height=Decimal(30))),
        (MarkSpec(dpi=203, text=ReadableLine.NONE), LabelMm(width=Decimal(25), height=Decimal(25))),
        (MarkSpec(dpi=203, symbology=Symbology.GS1_DATAMATRIX), LabelMm(width=Decimal(50), height=Decimal(30))),
    ],
)
def test_a_printer_draws_the_symbol_of_each_row(spec: MarkSpec, label: LabelMm | None) -> None:
    lines = written(lambda: labels(spec, label)).splitlines()
    part = listed(CODES).part(0, CODES + 2)
    assert len(lines) == len(part.serials)
    for line, uri, serial in list(zip(lines, part.uris(), part.serials.tolist(), strict=True))[::7]:
        picture = np.asarray(printed(line, dpi=spec.dpi))
        (read,) = zxingcpp.read_barcodes(picture)
        assert read.text == (uri if spec.symbology is Symbology.QR else f"(01){GTIN}(21){serial.decode()}")
        fields = re.findall(rb"\^FD([^^]*)\^FS", line)
        assert b"".join(fields).replace(b" ", b"") == (b"" if spec.text is ReadableLine.NONE else serial)


def test_modules_are_whole_dots_and_the_bitmap_is_the_press_s() -> None:
    spec = MarkSpec(dpi=203)
    line = written(lambda: labels(spec)).splitlines()[0]
    picture = np.asarray(printed(line, dpi=203)) < 128
    bare = press(replace(spec, quiet_modules=0))
    modules = np.unpackbits(bare.draw(listed(CODES).part(0, 1).texts), axis=2, count=bare.side)[0].astype(bool)
    dots = bare.size.module_dots
    quiet = 4 * dots
    drawn = picture[quiet : quiet + bare.side * dots, quiet : quiet + bare.side * dots]
    assert (drawn == modules.repeat(dots, axis=0).repeat(dots, axis=1)).all()
    assert not picture[:quiet].any()


def test_the_readable_lines_stand_below_the_symbol_and_on_the_label() -> None:
    spec = MarkSpec(dpi=300)
    layout = zpl_labels.laid_out(spec, press(spec).size, LabelMm(width=Decimal(40), height=Decimal(40)))
    picture = (
        np.asarray(
            printed(written(lambda: labels(spec, LabelMm(width=Decimal(40), height=Decimal(40)))).splitlines()[0], dpi=300)
        )
        < 128
    )
    below = picture[layout.text_top :]
    assert below.any()
    assert not below[-1].any()
    assert layout.text_top + 2 * layout.line_dots <= layout.height


def test_a_label_smaller_than_its_mark_is_refused() -> None:
    with pytest.raises(LabelSmallerThanMark, match=r"20\.828"):
        labels(MarkSpec(), LabelMm(width=Decimal(30), height=Decimal(20)))


def test_another_worker_after_each_step_writes_the_same_bytes() -> None:
    spec = MarkSpec(dpi=203)
    assert written(lambda: labels(spec), rows_per_step=7, at_once=False) == written(lambda: labels(spec))
