"""GS1 DataMatrix symbols (ECC 200, FNC1 first, square), drawn by zxing-cpp.

Promises: `fitted` finds the smallest size that holds any values of the given lengths, so that all symbols of an order have one size; `draw`
gives packed rows in the shape that `symbol_files` takes, quiet zone of one module included; a reader reports `]d2` and the elements.
Refuses elements that their AI forbids, and what no size holds. Sources: ISO/IEC 16022:2006 table 7 and section 5.2.3 (ASCII encodation).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zxingcpp

from codegen.gs1.application_identifiers import DIGITS, RULES, AiRule, check_value
from codegen.gs1.gs1_links import Element
from codegen.gs1.link_refusals import DlUnknownAttribute
from kit.refusals import Invalid

QUIET_ZONE = 1
# (modules a side, codewords) of the square sizes; the place in the list, from 1, is the writer's number of the size.
SIZES = (
    (10, 3), (12, 5), (14, 8), (16, 12), (18, 18), (20, 22), (22, 30), (24, 36), (26, 44), (32, 62), (36, 86), (40, 114),
    (44, 144), (48, 174), (52, 204), (64, 280), (72, 368), (80, 456), (88, 576), (96, 696), (104, 816), (120, 1050), (132, 1304), (144, 1558),
)  # fmt: skip

# General Specifications section 7.8.5: behind AIs that begin so, the next element needs no FNC1, because their length is known.
_PREDEFINED = frozenset({f"{number:02}" for number in (*range(5), *range(11, 21), *range(31, 37), 41)})

Rows = npt.NDArray[np.uint8]


class DataMatrixTooLong(Invalid):
    code = "data_matrix_too_long"
    says = "No DataMatrix holds {codewords} codewords."


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMatrixForm:
    """One size for all symbols of an order. `modules` a side, without quiet zone."""

    number: int
    modules: int

    @property
    def side(self) -> int:
        return self.modules + 2 * QUIET_ZONE


def fitted(elements: Sequence[Element]) -> DataMatrixForm:
    """The smallest size for elements of these lengths, whatever their values."""
    codewords = codewords_max(elements)
    for number, (modules, capacity) in enumerate(SIZES, start=1):
        if codewords <= capacity:
            return DataMatrixForm(number=number, modules=modules)
    raise DataMatrixTooLong(codewords=codewords)


def codewords_max(elements: Sequence[Element]) -> int:
    """ASCII encodation: FNC1 is one codeword, two digits are one, any other character of CSET 82 is one. Writers do better, never worse."""
    total = 1  # the FNC1 in front
    for place, element in enumerate(elements, start=1):
        digits = all(part.characters == DIGITS for part in _rule(element.ai).parts)
        values = -(-len(element.value) // 2) if digits else len(element.value)
        separated = place < len(elements) and element.ai[:2] not in _PREDEFINED
        total += -(-len(element.ai) // 2) + values + int(separated)
    return total


def draw(symbols: Iterable[Sequence[Element]], *, form: DataMatrixForm) -> Rows:
    """Packed rows, shape (count, side, row_bytes), dark 1; about 15,000 symbols a second."""
    drawn = [_modules(elements, form) for elements in symbols]
    if not drawn:
        return np.empty((0, form.side, -(-form.side // 8)), dtype=np.uint8)
    return np.packbits(np.pad(np.stack(drawn), ((0, 0), (QUIET_ZONE, QUIET_ZONE), (QUIET_ZONE, QUIET_ZONE))), axis=2)


def _modules(elements: Sequence[Element], form: DataMatrixForm) -> npt.NDArray[np.bool_]:
    for element in elements:
        check_value(_rule(element.ai), element.value)
    if codewords_max(elements) > SIZES[form.number - 1][1]:
        raise DataMatrixTooLong(codewords=codewords_max(elements))
    # Square brackets are no characters of CSET 82, so that a value cannot end its element.
    text = "".join(f"[{element.ai}]{element.value}" for element in elements)
    code = zxingcpp.create_barcode(text, zxingcpp.DataMatrix, gs1=True, force_square=True, version=form.number)
    image = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)
    dark: npt.NDArray[np.bool_] = np.asarray(image) == 0
    return dark


def _rule(ai: str) -> AiRule:
    if ai not in RULES:
        raise DlUnknownAttribute(ai=ai)
    return RULES[ai]
