"""The file of a print package, written a step at a time and continued after a crash with the very same bytes.

Promises: what `write_step` answers is on disk (fsync); a file that is longer than was said is cut back, one that is shorter or gone is begun
again; a file has its final name only when it is whole. Refuses nothing: a full disk comes through as OSError, and `discard` gives the room back.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codegen.print_packages.package_rows import PackageRows
from codegen.print_packages.sealed_files import CHUNK_BYTES, TAG_BYTES, FileKey, chunks_of

STEP_BYTES = 256 * CHUNK_BYTES  # 64 MiB of content between two commits
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    bytes: int
    sha256: str


class Digests:
    """SHA-256 of content and of the file as it lies on disk, up to `content_bytes` of content: one job's memory between its steps."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.content_bytes = 0
        self.content = hashlib.sha256()
        self.file = hashlib.sha256()


class PackageFile:
    """`key` seals the content for its recipient; None: it lies open."""

    def __init__(self, rows: PackageRows, *, key: FileKey | None, path: Path) -> None:
        self._rows = rows
        self._key = key
        self._path = path
        self._part = path.with_name(f"{path.name}.part")

    def write_step(self, done: int, digests: Digests, *, bytes_max: int = STEP_BYTES) -> int:
        """Content on disk after this step; `done` was before it. Steps end between chunks, or at the end of the content."""
        if not self._part.exists() and self._path.exists():
            self._path.replace(self._part)  # finished, and killed before anybody was told
        self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._part.exists() or self._part.stat().st_size < self._disk_bytes(done):
            done = 0
        if digests.content_bytes != done:
            self._digest_again(done, digests)
        stop = min(done + max(1, bytes_max // CHUNK_BYTES) * CHUNK_BYTES, self._rows.size_bytes)
        with self._part.open("r+b" if self._part.exists() else "xb") as out:
            out.truncate(self._disk_bytes(done))
            out.seek(0, os.SEEK_END)
            for piece in self._pieces(done, stop, digests):
                digests.file.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        digests.content_bytes = stop
        if stop == self._rows.size_bytes:
            self._part.replace(self._path)
        return stop

    def sums(self, digests: Digests) -> tuple[Sums, Sums | None]:
        """(of the content, of the sealed file) once all is written."""
        content = Sums(bytes=self._rows.size_bytes, sha256=digests.content.hexdigest())
        if self._key is None:
            return content, None
        return content, Sums(bytes=self._disk_bytes(self._rows.size_bytes), sha256=digests.file.hexdigest())

    def discard(self) -> None:
        self._part.unlink(missing_ok=True)

    def _disk_bytes(self, content_bytes: int) -> int:
        if self._key is None or not content_bytes:
            return content_bytes
        return len(self._key.head) + content_bytes + TAG_BYTES * chunks_of(content_bytes)

    def _pieces(self, start: int, stop: int, digests: Digests) -> Iterator[bytes]:
        if self._key is not None and start == 0:
            yield self._key.head
        chunks = _rechunked(self._rows.read(start, stop)) if self._key is not None else self._rows.read(start, stop)
        for number, piece in enumerate(chunks, start=start // CHUNK_BYTES):
            digests.content.update(piece)
            if self._key is None:
                yield piece
            else:
                yield self._key.chunk(piece, number=number, last=(number + 1) * CHUNK_BYTES >= self._rows.size_bytes)

    def _digest_again(self, done: int, digests: Digests) -> None:
        """After a restart: content is computed, the file is read."""
        digests.forget()
        for piece in self._rows.read(0, done):
            digests.content.update(piece)
        left = self._disk_bytes(done)
        if left:
            with self._part.open("rb") as written:
                while left and (piece := written.read(min(READ_BYTES, left))):
                    digests.file.update(piece)
                    left -= len(piece)
        digests.content_bytes = done


def _rechunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    kept = bytearray()
    for piece in pieces:
        kept += piece
        whole = len(kept) // CHUNK_BYTES * CHUNK_BYTES
        for start in range(0, whole, CHUNK_BYTES):
            yield bytes(kept[start : start + CHUNK_BYTES])
        del kept[:whole]
    if kept:
        yield bytes(kept)
