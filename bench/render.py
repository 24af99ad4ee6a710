"""What does a symbol cost? Those of an order are drawn by XOR; the controls draw each one from its text.

All draw the same addresses of a real order, at level M. `qrcode` appears twice: as it is mostly called, choosing version and mask for each symbol,
and with both given, which is all that our fixed mask asks of it. zxing-cpp's writer chooses a mask for each symbol, as our best mask does.
"""

from collections.abc import Callable
from functools import partial

import zxingcpp
from qrcode.main import QRCode

from bench.figures import Report, Rounds, core_s
from bench.ground import Ground
from codegen import digital_link, symbols
from codegen.gs1.gs1_links import Element
from codegen.keys import keyring
from codegen.symbology import data_matrices, qr_forms, symbol_files
from codegen.symbology.affine_symbols import SAMPLE, AffinePress, Texts
from codegen.symbology.symbol_limits import Level

PRESS = "making a press (once for an order)"
FIXED = "symbols, one mask for the order"
BEST = "symbols, best mask for each"
PNG = "PNG files, 10 pixels a module"
SVG = "SVG documents"
DATA_MATRIX = "GS1 DataMatrix symbols"
QRCODE = "control: qrcode, as usually called"
QRCODE_FIXED = "control: qrcode, version and mask given"
ZXING = "control: zxing-cpp's writer"
SEGNO_PNG = "control: segno PNG, 10 pixels a module"
SEGNO_SVG = "control: segno SVG"

UNIT = "a second of one core"
FIXED_COUNT = 1 << 18
BLOCK = 1 << 14  # as a stream of packages draws them; 260,000 symbols at once would measure how new memory is mapped
BEST_COUNT = 1 << 15
FILES_COUNT = 4_096
DATA_MATRIX_COUNT = 4_096
ZXING_COUNT = 2_000
QRCODE_COUNT = 40
QRCODE_FIXED_COUNT = 400
SEGNO_COUNT = 100
PIXELS_PER_MODULE = 10
ORIGIN = "HTTPS://ID.EXAMPLE.COM"


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=FIXED_COUNT, lot="RENDER")
    with ground.onemark.transaction(ground.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=ground.tenant_id, epoch=order.epoch, kek=ground.onemark.settings.kek_bytes)
    prefix = digital_link.prefix(ORIGIN, order.gtin, order.profile)
    serials = cipher.serials(order.first_counter, FIXED_COUNT)
    form = qr_forms.fitted([qr_forms.segment(prefix, variable=serials.dtype.itemsize)], level=Level.M)
    press = AffinePress(form)
    mask = press.best_mask(serials[:SAMPLE])
    uris = [prefix + serial.decode() for serial in serials[:ZXING_COUNT].tolist()]
    samples = Rounds()
    for _ in range(rounds):
        samples.note(PRESS, "ms of one core", core_s(partial(AffinePress, form)) * 1000)
        _noted(samples, FIXED, FIXED_COUNT, partial(_blocks, partial(press.draw, mask=mask), serials))
        _noted(samples, BEST, BEST_COUNT, partial(_blocks, press.draw_best, serials[:BEST_COUNT]))
        _files(samples, press, serials[:FILES_COUNT], mask=mask)
        _data_matrices(samples, order.gtin, [serial.decode() for serial in serials[:DATA_MATRIX_COUNT].tolist()])
        _controls(samples, uris, version=form.version, mask=mask)
    return _report(samples, length=len(uris[0]), version=form.version)


def _noted(samples: Rounds, what: str, count: int, work: Callable[[], object]) -> None:
    samples.note(what, UNIT, count / core_s(work))


def _blocks(draw: Callable[[Texts], object], serials: Texts) -> None:
    for start in range(0, len(serials), BLOCK):
        draw(serials[start : start + BLOCK])


def _files(samples: Rounds, press: AffinePress, serials: Texts, *, mask: int) -> None:
    """From serials to files, drawing included."""

    def pngs() -> None:
        for _ in symbol_files.pngs(press.draw(serials, mask=mask), side=press.side, pixels_per_module=PIXELS_PER_MODULE):
            pass

    def svgs() -> None:
        for _ in symbol_files.svgs(press.draw(serials, mask=mask), side=press.side):
            pass

    _noted(samples, PNG, len(serials), pngs)
    _noted(samples, SVG, len(serials), svgs)


def _data_matrices(samples: Rounds, gtin: str, serials: list[str]) -> None:
    items = [(Element(ai="01", value=gtin), Element(ai="21", value=serial)) for serial in serials]
    form = data_matrices.fitted(items[0])
    _noted(samples, DATA_MATRIX, len(items), partial(data_matrices.draw, items, form=form))


def _controls(samples: Rounds, uris: list[str], *, version: int, mask: int) -> None:
    def usual(uri: str) -> None:
        code = QRCode(error_correction=Level.M.constant)
        code.add_data(uri)
        code.get_matrix()

    def fixed(uri: str) -> None:
        code = QRCode(version=version, error_correction=Level.M.constant, mask_pattern=mask)
        code.add_data(uri, optimize=0)
        code.make(fit=False)
        code.get_matrix()

    def zxing(uri: str) -> None:
        zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(uri, zxingcpp.QRCode, ec_level="M"), scale=1)

    controls: tuple[tuple[str, int, Callable[[str], object]], ...] = (
        (QRCODE, QRCODE_COUNT, usual),
        (QRCODE_FIXED, QRCODE_FIXED_COUNT, fixed),
        (ZXING, ZXING_COUNT, zxing),
        (SEGNO_PNG, SEGNO_COUNT, partial(symbols.png, pixels_per_module=PIXELS_PER_MODULE)),
        (SEGNO_SVG, SEGNO_COUNT, symbols.svg),
    )
    for what, count, draw in controls:
        _noted(samples, what, count, partial(_each, draw, uris[:count]))


def _each(draw: Callable[[str], object], uris: list[str]) -> None:
    for uri in uris:
        draw(uri)


def _report(samples: Rounds, *, length: int, version: int) -> Report:
    return Report(
        title="Render",
        measured=samples.measured(),
        ratios=(
            samples.ratio(FIXED, QRCODE, aim=">= 1,000"),
            samples.ratio(FIXED, QRCODE_FIXED),
            samples.ratio(FIXED, ZXING, aim=">= 10"),
            samples.ratio(BEST, QRCODE),
            samples.ratio(BEST, ZXING),
            samples.ratio(PNG, SEGNO_PNG),
            samples.ratio(SVG, SEGNO_SVG),
        ),
        notes=(
            f"Addresses of {length} characters, upper case, level M: version {version} of QR, quiet zone of 4 modules included.",
            "Aims for one core: 500,000 symbols a second under one mask, 80,000 each under its best mask, 5,000 PNG files.",
            (
                f"A round: {FIXED_COUNT:,} symbols under one mask and {BEST_COUNT:,} under their best, {BLOCK:,} at a time, {FILES_COUNT:,} PNG files and as many SVG "
                f"documents, {DATA_MATRIX_COUNT:,} DataMatrix symbols; {ZXING_COUNT:,} by zxing-cpp, {QRCODE_COUNT} and {QRCODE_FIXED_COUNT} by "
                f"qrcode, {SEGNO_COUNT} PNG and SVG each by segno."
            ),
        ),
    )
