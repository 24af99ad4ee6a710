"""What a kind of package file has to offer so that it is written in steps: the promise between `package_files`, which writes, seals, digests
and goes on after a crash, and the composers, which know what a file of their kind looks like.

A composer is handed its rows (`listed_codes.ListedCodes`) and gives bytes, strictly one after another; it never sees the file. Between two
steps a transaction commits, and the worker may be killed at any moment: the next one, in another process, makes a new composer and goes on
with the first row that was not committed. So:

- What `body` gives follows from its arguments alone. A composer may remember things to be quick, never to be right.
- What is needed at the end (where each page begins, the checksum of each picture) goes into notes: bytes that are kept in a file beside the
  package, cut back together with it after a crash, and read from their start by `tail`.
- Memory does not grow with the rows: pieces are small (a megabyte or so), and nothing is kept for each row.
- The size of the file need not be known before; progress is told in rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The next bytes of the file, and the next bytes of the notes."""

    content: bytes
    notes: bytes = b""


class Composer(Protocol):
    """One file. `rows` are counted from 0, canaries among them."""

    @property
    def rows(self) -> int:
        """How many rows the file lists: at least one."""

    @property
    def rows_per_step(self) -> int:
        """Rows between two commits, under some seconds of work: whole sheets, whole row groups. Steps begin at its multiples."""

    @property
    def fingerprint(self) -> str:
        """Names and versions of libraries whose next version may write other bytes ("zlib 1.3.1"); empty where all bytes are our own.

        A file that was begun with another fingerprint is begun again.
        """

    def head(self) -> bytes:
        """What stands before the first row."""

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        """Rows `first` to `first + count - 1`, the first byte of which is byte `offset` of the file."""

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        """What stands behind the last row. `notes` is read from its start, and `offset` is the size of the file so far."""
