"""The plain list of an order's codes as CSV: `url,serial,gtin,lot,kind,parent_serial,pin`, UTF-8, one line for each code.

Promises: lines of one block of an order are equally long, so line k lies at a known byte and a broken file can be continued; blocks follow one
another as codegen.packaging lays them out, and `parent_serial` names the case, the pallet, or an inner code's outer one; nothing starts
like a spreadsheet formula (orders refuse such lots); memory does not grow with the quantity. Lines are written by numpy, a chunk at a
time: a row of bytes is the same for all codes of a block but for the serials.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from codegen import url_signatures
from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH, Addresses
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder, require_issued
from codegen.packaging import Block
from kit.refusals import Invalid

HEADER = b"url,serial,gtin,lot,kind,parent_serial,pin\n"
ROWS_PER_CHUNK = 1 << 15

Progress = Callable[[int], None]


class FileNotWritable(Invalid):
    code = "file_not_writable"
    says = "{path} cannot be written: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A line of one block with blanks, and the places of what goes there: serials, and the signature where the order is signed.

    `parent_at` is None where nothing holds the code.
    """

    block: Block
    line: bytes
    url_serial_at: int
    signature_at: int | None
    serial_at: int
    parent_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The lines of an order: of one length within a block, and blocks one after another."""

    lines: tuple[Lines, ...]
    addresses: Addresses

    @classmethod
    def of(cls, order: CodeOrder, cipher: SerialCipher, *, origin: str) -> Self:
        addresses = url_signatures.addresses_of(order, cipher, origin=origin)
        url = addresses.head.encode()
        behind = b"" if not addresses.signature_length else SIGNATURE_KEY.encode() + b"-" * SIGNATURE_LENGTH
        blank = b"-" * SERIAL_LENGTH
        lines = []
        plain = (Block(kind=order.kind, first=0, count=order.quantity),)
        for block in plain if order.packaging is None else order.packaging.blocks:
            head = url + blank + behind + b"," + blank + f",{order.gtin},{order.lot},{block.kind},".encode()
            held = block.parent_first is not None
            lines.append(
                Lines(
                    block=block,
                    line=head + (blank if held else b"") + b",\n",
                    url_serial_at=len(url),
                    signature_at=addresses.plain_length + len(SIGNATURE_KEY) if behind else None,
                    serial_at=addresses.length + 1,
                    parent_at=len(head) if held else None,
                )
            )
        return cls(lines=tuple(lines), addresses=addresses)

    def bytes_of(self, rows: int, *, first: int = 1) -> int:
        """The size of a file of that many codes from row `first` on, header included."""
        return len(HEADER) + sum(
            (end - start) * len(lines.line) for lines, start, end in self.between(first=first, last=first + rows - 1)
        )

    def between(self, *, first: int, last: int) -> Iterator[tuple[Lines, int, int]]:
        """Rows `first` to `last` cut at the ends of blocks: lines, and places (from 0) from start to before end."""
        for lines in self.lines:
            start, end = max(lines.block.first, first - 1), min(lines.block.last + 1, last)
            if start < end:
                yield lines, start, end


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
    write_rows(order, cipher, layout=Layout.of(order, cipher, origin=origin), out=out, progress=progress, first=first, last=last)
    return last - first + 1


def write_rows(
    order: CodeOrder, cipher: SerialCipher, *, layout: Layout, out: BinaryIO, progress: Progress, first: int, last: int
) -> None:
    """Rows alone, without the header. `progress` is given the number of rows written by this call so far."""
    require_issued(order)
    assert cipher.epoch == order.epoch  # noqa: S101 - a cipher of another epoch would print codes that nobody ordered
    written = 0
    for lines, start, end in layout.between(first=first, last=last):
        page = np.tile(np.frombuffer(lines.line, dtype=np.uint8), (min(end - start, ROWS_PER_CHUNK), 1))
        for place in range(start, end, ROWS_PER_CHUNK):
            count = min(ROWS_PER_CHUNK, end - place)
            made = cipher.serials(order.first_counter + place, count)
            serials = _letters(made)
            page[:count, lines.url_serial_at : lines.url_serial_at + SERIAL_LENGTH] = serials
            page[:count, lines.serial_at : lines.serial_at + SERIAL_LENGTH] = serials
            signatures = layout.addresses.signatures(made)
            if lines.signature_at is not None and signatures is not None:
                page[:count, lines.signature_at : lines.signature_at + SIGNATURE_LENGTH] = _letters(signatures)
            if lines.parent_at is not None:
                parents = _parents(order, cipher, lines.block, place=place, count=count)
                page[:count, lines.parent_at : lines.parent_at + SERIAL_LENGTH] = parents
            out.write(page[:count].data.cast("B"))
            written += count
            progress(written)


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


def _parents(order: CodeOrder, cipher: SerialCipher, block: Block, *, place: int, count: int) -> npt.NDArray[np.uint8]:
    """The serials of what holds the codes from `place` on: each parent is computed once, and repeated for its children."""
    first, last = block.parent_of(place), block.parent_of(place + count - 1)
    assert first is not None  # noqa: S101 - asked only of blocks that are held by another
    assert last is not None  # noqa: S101
    serials = _letters(cipher.serials(order.first_counter + first, last - first + 1))
    inside = place - block.first
    return serials[np.arange(inside, inside + count) // block.per_parent - inside // block.per_parent]


def _letters(serials: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return serials.view(np.uint8).reshape(len(serials), serials.dtype.itemsize)
