"""The press of one order: its marks drawn by the thousand, as its specification says, whatever the symbology.

Promises: rows of packed bits (most significant first, dark 1, quiet zone included) as `symbol_files` takes them, all of one size; one mask for the
order unless each symbol is to have its best. Refuses GS1 DataMatrix without a GTIN, because AI 21 stands beside AI 01 alone. Pure.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH, Addresses, Texts
from codegen.cipher import SERIAL_LENGTH
from codegen.gs1.gs1_links import Element
from codegen.gtin import Gtin
from codegen.symbology import data_matrices, mark_sizes, mark_specs, qr_forms
from codegen.symbology.affine_symbols import SAMPLE, AffinePress
from codegen.symbology.mark_sizes import MarkSize
from codegen.symbology.mark_specs import MarkSpec, Masking, Symbology
from codegen.symbology.qr_forms import Mode, SymbolForm
from codegen.symbology.symbol_limits import VERSION_MIN

PRESSES_KEPT = 4

Rows = npt.NDArray[np.uint8]


class MarkPress:
    """`mask` None with one mask for the order: the first texts that are asked for decide (`decided`)."""

    def __init__(self, spec: MarkSpec, *, addresses: Addresses, gtin: Gtin, mask: int | None = None) -> None:
        mark_specs.check(spec, gtin=gtin, signed=addresses.signer is not None)
        self.spec = spec
        self._gtin = gtin
        self._mask = mask
        self._press = None
        if spec.symbology is Symbology.QR:
            self._press = _press(_form(spec, addresses), spec.quiet)
            version, modules = self._press.form.version, self._press.form.modules
        else:
            self._matrix = data_matrices.fitted(_elements(gtin, "X" * SERIAL_LENGTH))
            version = modules = self._matrix.modules
        self.size: MarkSize = mark_sizes.measured(spec, version=version, modules=modules)

    @property
    def side(self) -> int:
        """Modules a side, quiet zone included."""
        return self.size.modules + 2 * self.spec.quiet

    def decided(self, sample: Texts) -> int | None:
        """The mask of the order, best for the first of its texts; None where there is none to decide."""
        if self._press is None or self.spec.mask is Masking.SYMBOL:
            return None
        return self._press.best_mask(sample[:SAMPLE])

    def draw(self, texts: Texts) -> Rows:
        """Packed rows, shape (count, side, row_bytes). `texts` are serials, with their signatures behind them where the order is signed."""
        if self._press is None:
            items = (_elements(self._gtin, text.decode("ascii")) for text in texts.tolist())
            return _framed(data_matrices.draw(items, form=self._matrix), quiet=self.spec.quiet, modules=self._matrix.modules)
        if self.spec.mask is Masking.SYMBOL:
            return self._press.draw_best(texts)[0]
        if self._mask is None:
            self._mask = self._press.best_mask(texts[:SAMPLE])
        return self._press.draw(texts, mask=self._mask)


@lru_cache(maxsize=PRESSES_KEPT)
def _press(form: SymbolForm, quiet_zone: int) -> AffinePress:
    """Tens of milliseconds and some megabytes, and the same for all parts of an order and for each step of their making."""
    return AffinePress(form, quiet_zone=quiet_zone)


def _form(spec: MarkSpec, addresses: Addresses) -> SymbolForm:
    segments = [qr_forms.segment(addresses.head, variable=SERIAL_LENGTH)]
    if addresses.signer is not None:
        segments.append(qr_forms.segment(SIGNATURE_KEY, variable=SIGNATURE_LENGTH, mode=Mode.BYTE))
    return qr_forms.fitted(segments, level=spec.level, version_min=spec.version or VERSION_MIN)


def _elements(gtin: Gtin, serial: str) -> tuple[Element, Element]:
    return Element(ai="01", value=gtin), Element(ai="21", value=serial)


def _framed(rows: Rows, *, quiet: int, modules: int) -> Rows:
    """DataMatrix rows with another quiet zone than its usual one."""
    if quiet == data_matrices.QUIET_ZONE:
        return rows
    zone = data_matrices.QUIET_ZONE
    bits = np.unpackbits(rows, axis=2, count=modules + 2 * zone)[:, zone : zone + modules, zone : zone + modules]
    return np.packbits(np.pad(bits, ((0, 0), (quiet, quiet), (quiet, quiet))), axis=2)
