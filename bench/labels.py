"""What does a label on a PDF sheet cost? Ours are written page by page; the control draws the same modules and texts with reportlab's canvas.

Both make A4 sheets of 24 labels with symbol and texts, vector modules, compressed pages.
"""

import io
from functools import partial

import numpy as np
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bench.figures import Report, Rounds, core_s
from bench.ground import Ground
from codegen.keys import keyring
from codegen.labels import order_sheets
from codegen.labels.pdf.sheets import LabelSheets
from codegen.symbology import qr_forms
from codegen.symbology.affine_symbols import AffinePress
from codegen.symbology.symbol_limits import Level

SHEETS = "labels of A4 sheets, 24 a page"
ROLL = "labels of a roll, 40 x 30 mm"
REPORTLAB = "control: reportlab's canvas"

UNIT = "a second of one core"
COUNT = 12_000
ROLL_COUNT = 6_000
CONTROL_COUNT = 240
LABELS = 24
MODULE_PT = 1.4


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=COUNT, lot="LABELS")
    with ground.onemark.transaction(ground.tenant_id) as session:
        now, kek = ground.onemark.clock.now(), ground.onemark.settings.kek_bytes
        ask = partial(order_sheets.of_order, session, order, tenant_id=ground.tenant_id, kek=kek, now=now, actor="bench")
        sheets, roll = ask(template="a4-3x8"), ask(template="roll-40x30", last=ROLL_COUNT)
        cipher = keyring.cipher(session, tenant_id=ground.tenant_id, epoch=order.epoch, kek=kek)
    serials = cipher.serials(order.first_counter, CONTROL_COUNT)
    press = AffinePress(
        qr_forms.fitted([qr_forms.segment("HTTPS://ID.EXAMPLE/01/09521234543213/21/", variable=20)], level=Level.M)
    )
    bits = np.unpackbits(press.draw(serials, mask=0), axis=2, count=press.side)
    names = [serial.decode() for serial in serials.tolist()]
    samples = Rounds()
    for _ in range(rounds):
        samples.note(SHEETS, UNIT, COUNT / core_s(partial(_written, sheets)))
        samples.note(ROLL, UNIT, ROLL_COUNT / core_s(partial(_written, roll)))
        samples.note(REPORTLAB, UNIT, CONTROL_COUNT / core_s(partial(_canvas, bits, names)))
    size = _written(sheets)
    return Report(
        title="Label sheets",
        measured=samples.measured(),
        ratios=(samples.ratio(SHEETS, REPORTLAB), samples.ratio(ROLL, REPORTLAB)),
        notes=(
            "Aim for one core: 3,000 labels a second.",
            f"A round: {COUNT:,} labels on sheets, {ROLL_COUNT:,} on a roll, {CONTROL_COUNT} by the control; {size / COUNT:.0f} bytes a label on sheets.",
        ),
    )


def _written(sheets: LabelSheets) -> int:
    return sum(len(piece) for piece in order_sheets.pieces(sheets, progress=lambda _count: None))


def _canvas(bits: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], names: list[str]) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    edges = np.diff(np.pad(bits, ((0, 0), (0, 0), (1, 1))).view(np.int8), axis=2)
    for number, name in enumerate(names):
        left, down = 20 + number % 3 * 187, 30 + number % LABELS // 3 * 96
        rows, columns = np.nonzero(edges[number] == 1)
        widths = np.nonzero(edges[number] == -1)[1] - columns
        path = canvas.beginPath()
        for row, column, width in zip(rows.tolist(), columns.tolist(), widths.tolist(), strict=True):
            path.rect(left + column * MODULE_PT, down + row * MODULE_PT, width * MODULE_PT, MODULE_PT)
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.setFont("Helvetica", 7)
        for line, text in enumerate(("Alpine Oolong", "GTIN 09521234543213", "LOT L1", name)):
            canvas.drawString(left + 70, down + 10 * line, text)
        if number % LABELS == LABELS - 1:
            canvas.showPage()
    canvas.save()
    return out.getvalue()
