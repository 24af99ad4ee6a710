"""The plain list of an order's codes as CSV: `url,serial,gtin,lot,kind,parent_serial,pin`, UTF-8, one line for each code.

Promises: lines of one order are equally long, so line k lies at a known byte and a broken file can be continued; nothing in it starts
like a spreadsheet formula (orders refuse such lots); memory does not grow with the quantity. Lines are written by numpy, a chunk at a
time: a row of bytes is the same for all codes but for the serial, which stands in it twice.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from codegen import digital_link
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.orders import CodeOrder, require_issued
from codegen.ranges import checked_rows
from kit.refusals import Invalid

HEADER = b"url,serial,gtin,lot,kind,parent_serial,pin\n"
ROWS_PER_CHUNK = 1 << 15

Progress = Callable[[int], None]


class FileNotWritable(Invalid):
    code = "file_not_writable"
    says = "{path} cannot be written: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A line with blanks for the serial, and the two places where it goes."""

    line: bytes
    url_serial_at: int
    serial_at: int

    @classmethod
    def of(cls, order: CodeOrder, *, origin: str) -> Self:
        url = digital_link.prefix(origin, order.gtin, order.profile).encode()
        blank = b"-" * SERIAL_LENGTH
        tail = f",{order.gtin},{order.lot},{order.kind},,\n".encode()
        return cls(line=url + blank + b"," + blank + tail, url_serial_at=len(url), serial_at=len(url) + SERIAL_LENGTH + 1)

    def bytes_of(self, rows: int) -> int:
        """The size of a file of that many codes, header included."""
        return len(HEADER) + rows * len(self.line)


def write(
    order: CodeOrder,
    cipher: SerialCipher,
    *,
    origin: str,
    out: BinaryIO,
    progress: Progress,
    first: int = 1,
    last: int | None = None,
) -> int:
    """Writes the header and rows `first` to `last` (None: to the end) and returns how many; `progress` hears of rows as they are done."""
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    out.write(HEADER)
    write_rows(order, cipher, layout=Layout.of(order, origin=origin), out=out, progress=progress, first=first, last=last)
    return last - first + 1


def write_rows(
    order: CodeOrder, cipher: SerialCipher, *, layout: Layout, out: BinaryIO, progress: Progress, first: int, last: int
) -> None:
    """Rows alone, without the header. `progress` is given the number of rows written by this call so far."""
    require_issued(order)
    assert cipher.epoch == order.epoch  # noqa: S101 - a cipher of another epoch would print codes that nobody ordered
    rows = last - first + 1
    lines = np.tile(np.frombuffer(layout.line, dtype=np.uint8), (min(rows, ROWS_PER_CHUNK), 1))
    for done in range(0, rows, ROWS_PER_CHUNK):
        count = min(ROWS_PER_CHUNK, rows - done)
        serials = _letters(cipher.serials(order.first_counter + first - 1 + done, count))
        lines[:count, layout.url_serial_at : layout.url_serial_at + SERIAL_LENGTH] = serials
        lines[:count, layout.serial_at : layout.serial_at + SERIAL_LENGTH] = serials
        out.write(lines[:count].data.cast("B"))
        progress(done + count)


def write_file(
    order: CodeOrder,
    cipher: SerialCipher,
    *,
    origin: str,
    path: Path,
    progress: Progress,
    first: int = 1,
    last: int | None = None,
) -> int:
    """The same into a file that appears whole under its name, or not at all; a file that was there is replaced."""
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as out:
            rows = write(order, cipher, origin=origin, out=out, progress=progress, first=first, last=last)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        raise FileNotWritable(path=path, why=(error.strerror or str(error)).lower()) from error
    finally:
        draft.unlink(missing_ok=True)
    return rows


def _letters(serials: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return serials.view(np.uint8).reshape(len(serials), SERIAL_LENGTH)
