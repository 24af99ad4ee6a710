"""Are symbols good to print? A sample is read back by an independent reader, clean, blurred, turned and grainy.

Promises: `check` names every symbol of the sample that a reader did not read as it was meant, and under which treatment. A clean symbol must
also be whole: the expected error correction level, and none of the correction used. Chance is a generator passed in. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import zxingcpp

from codegen.symbology.symbol_limits import Level

Rows = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]

PIXELS_PER_MODULE = 6
BLUR_MODULES = 0.35  # deviation of the blur in modules: ink that runs, a camera a little out of focus
TURN_DEGREES = 17.0
NOISE = 20.0  # deviation of the grain, of 255 levels
_DARK, _LIGHT = 0, 255


class Treatment(StrEnum):
    CLEAN = "clean"
    BLURRED = "blurred"
    TURNED = "turned"
    GRAINY = "grainy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader found. `unused_correction` is 1.0 where nothing had to be corrected."""

    text: str
    level: str
    unused_correction: float
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A symbol that was not read as it was meant. `row` counts from 0 in the sample."""

    row: int
    treatment: Treatment
    read: str | None


def check(rows: Rows, *, side: int, texts: Sequence[str], level: Level, chance: np.random.Generator) -> list[Fault]:
    """The faults of a sample of QR symbols; none is the answer to hope for."""
    found: list[Fault] = []
    for row, (packed, text) in enumerate(zip(rows, texts, strict=True)):
        for treatment, picture in treated(pictured(packed, side=side), chance=chance):
            reading = read(picture)
            good = reading is not None and reading.text == text
            if good and reading is not None and treatment is Treatment.CLEAN:
                good = reading.level == level.value and reading.unused_correction == 1.0
            if not good:
                found.append(Fault(row=row, treatment=treatment, read=None if reading is None else reading.text))
    return found


def treated(picture: Picture, *, chance: np.random.Generator) -> Iterator[tuple[Treatment, Picture]]:
    ways: dict[Treatment, Callable[[Picture], Picture]] = {
        Treatment.CLEAN: lambda clean: clean,
        Treatment.BLURRED: lambda clean: blurred(clean, deviation=BLUR_MODULES * PIXELS_PER_MODULE),
        Treatment.TURNED: lambda clean: turned(clean, degrees=TURN_DEGREES),
        Treatment.GRAINY: lambda clean: grainy(clean, deviation=NOISE, chance=chance),
    }
    for treatment, way in ways.items():
        yield treatment, way(picture)


def pictured(packed: Rows, *, side: int, pixels: int = PIXELS_PER_MODULE) -> Picture:
    """One symbol's packed rows as a grey picture."""
    dark = np.unpackbits(packed, axis=1, count=side).view(np.bool_)
    grey: Picture = np.where(dark, _DARK, _LIGHT).astype(np.uint8).repeat(pixels, axis=0).repeat(pixels, axis=1)
    return grey


def read(picture: Picture) -> Reading | None:
    """What zxing-cpp reads, or None where it finds no QR code or several.

    It is asked for QR codes alone: among the modules of a large symbol it now and then finds four digits of Interleaved 2 of 5.
    """
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.QRCode)
    if len(found) != 1:
        return None
    extra = found[0].extra
    return Reading(
        text=str(found[0].text),
        level=str(extra.get("ECLevel", "")),
        unused_correction=float(extra.get("UEC", 0)),
        version=int(extra.get("Version", 0)),
    )


def blurred(picture: Picture, *, deviation: float) -> Picture:
    """A Gaussian blur, along rows and then along columns; what lies outside is light."""
    reach = max(1, round(3 * deviation))
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps**2) / (2 * deviation**2))
    weights /= weights.sum()
    grey = picture.astype(np.float32)
    for axis in (0, 1):
        padding = [(reach, reach) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(grey, padding, constant_values=_LIGHT)
        length = picture.shape[axis]
        slices = (padded.take(np.arange(start, start + length), axis=axis) for start in range(2 * reach + 1))
        grey = np.sum([weight * part for weight, part in zip(weights, slices, strict=True)], axis=0)
    return np.clip(grey, _DARK, _LIGHT).astype(np.uint8)


def turned(picture: Picture, *, degrees: float) -> Picture:
    """Turned about its middle on a light ground large enough for all of it, with bilinear sampling."""
    height, width = picture.shape
    side = int(np.ceil(np.hypot(height, width)))
    angle = np.deg2rad(degrees)
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    source_row = np.cos(angle) * rows - np.sin(angle) * columns + (height - 1) / 2
    source_column = np.sin(angle) * rows + np.cos(angle) * columns + (width - 1) / 2
    padded = np.pad(picture.astype(np.float32), 1, constant_values=_LIGHT)
    row = np.clip(source_row + 1, 0, height + 0.999)
    column = np.clip(source_column + 1, 0, width + 0.999)
    top, left = row.astype(np.intp), column.astype(np.intp)
    down, right = row - top, column - left
    mixed = (1 - down) * ((1 - right) * padded[top, left] + right * padded[top, left + 1])
    mixed += down * ((1 - right) * padded[top + 1, left] + right * padded[top + 1, left + 1])
    grey: Picture = mixed.astype(np.uint8)
    return grey


def grainy(picture: Picture, *, deviation: float, chance: np.random.Generator) -> Picture:
    noise = chance.normal(0, deviation, picture.shape)
    grey: Picture = np.clip(picture + noise, _DARK, _LIGHT).astype(np.uint8)
    return grey
