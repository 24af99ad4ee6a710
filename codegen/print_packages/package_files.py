"""The file of a print package, written a step at a time and continued after a crash with the very same bytes.

Promises: what `write_step` answers is on disk (fsync); files that are longer than was said are cut back, and where one is shorter or gone
all is begun again; a file has its final name only when it is whole. Beside it lie the composer's notes until then. Refuses nothing: a full
disk comes through as OSError, and `discard` gives the room back.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codegen.print_packages.composing import Composer
from codegen.print_packages.guarding.sealed_files import CHUNK_BYTES, TAG_BYTES, FileKey

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a file is on disk: rows, bytes of content and of notes; `rest` is what the sealed file does not hold yet, sealed apart."""

    rows: int = 0
    content_bytes: int = 0
    note_bytes: int = 0
    rest: bytes = b""


START = Checkpoint()


class JobMemory:
    """What one job remembers of one package between its steps: the composer, and SHA-256 of content and of the file as it lies on disk, up to
    `content_bytes` of content.
    """

    def __init__(self) -> None:
        self.composer: Composer | None = None
        self.forget()

    def forget(self) -> None:
        self.content_bytes = 0
        self.content = hashlib.sha256()
        self.file = hashlib.sha256()


class PackageFile:
    """`key` seals the content for its recipient; None: it lies open."""

    def __init__(self, composer: Composer, *, key: FileKey | None, path: Path) -> None:
        self._composer = composer
        self._key = key
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._notes = path.with_name(f"{path.name}.notes")

    def write_step(self, at: Checkpoint, memory: JobMemory) -> Checkpoint:
        """The composer's next step; `at` is where the file was before."""
        if not self._part.exists() and self._path.exists():
            self._path.replace(self._part)  # finished, and killed before anybody was told
        self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._size_of(self._part) < self._disk_bytes(at) or self._size_of(self._notes) < at.note_bytes:
            at = START
        if memory.content_bytes != at.content_bytes or at.rows == 0:
            self._digest_again(at, memory)
        stop = min(self._composer.rows, at.rows + self._composer.rows_per_step)
        with _opened(self._part, self._disk_bytes(at)) as out, _opened(self._notes, at.note_bytes) as notes:
            ink = _Ink(out, self._key, memory, kept=self._rest_of(at))
            at = self._written(at, stop, ink, notes)
        memory.content_bytes = at.content_bytes
        if at.rows == self._composer.rows:
            self._part.replace(self._path)
            self._notes.unlink()
        return at

    def sums(self, memory: JobMemory) -> tuple[Sums, Sums | None]:
        """(of the content, of the sealed file) once all is written."""
        content = Sums(bytes=memory.content_bytes, sha256=memory.content.hexdigest())
        if self._key is None:
            return content, None
        return content, Sums(bytes=self._key.size_bytes(memory.content_bytes), sha256=memory.file.hexdigest())

    def discard(self) -> None:
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _written(self, at: Checkpoint, stop: int, ink: "_Ink", notes: BinaryIO) -> Checkpoint:
        note_bytes, whole = at.note_bytes, stop == self._composer.rows
        ink.content_bytes = at.content_bytes
        if at.rows == 0:
            ink.write(self._composer.head())
        for piece in self._composer.body(at.rows, stop - at.rows, offset=ink.content_bytes):
            ink.write(piece.content)
            notes.write(piece.notes)
            note_bytes += len(piece.notes)
        notes.flush()
        if whole:
            with self._notes.open("rb") as noted:
                for content in self._composer.tail(noted, offset=ink.content_bytes):
                    ink.write(content)
        rest = ink.end(whole=whole)
        os.fsync(notes.fileno())
        return Checkpoint(rows=stop, content_bytes=ink.content_bytes, note_bytes=note_bytes, rest=rest)

    def _size_of(self, path: Path) -> int:
        return path.stat().st_size if path.exists() else 0

    def _disk_bytes(self, at: Checkpoint) -> int:
        """Of a file that is not whole."""
        if self._key is None or not at.content_bytes:
            return at.content_bytes
        return len(self._key.head) + _chunks_written(at.content_bytes) * (CHUNK_BYTES + TAG_BYTES)

    def _rest_of(self, at: Checkpoint) -> bytes:
        if self._key is None or not at.content_bytes:
            return b""
        return self._key.rest_opened(at.rest, stop=at.content_bytes)

    def _digest_again(self, at: Checkpoint, memory: JobMemory) -> None:
        """After a restart: the file is read, and opened where it is sealed."""
        memory.forget()
        if at.content_bytes:
            with self._part.open("rb") as written:
                if self._key is None:
                    for piece in _read(written, at.content_bytes):
                        memory.content.update(piece)
                        memory.file.update(piece)
                else:
                    memory.file.update(written.read(len(self._key.head)))
                    for number in range(_chunks_written(at.content_bytes)):
                        sealed = written.read(CHUNK_BYTES + TAG_BYTES)
                        memory.file.update(sealed)
                        memory.content.update(self._key.chunk_opened(sealed, number=number))
                    memory.content.update(self._rest_of(at))
        memory.content_bytes = at.content_bytes


class _Ink:
    """Content on its way to the disk, digested, and sealed where there is a key: a chunk is sealed when more is known to follow."""

    def __init__(self, out: BinaryIO, key: FileKey | None, memory: JobMemory, *, kept: bytes) -> None:
        self.content_bytes = 0
        self._out = out
        self._key = key
        self._memory = memory
        self._kept = bytearray(kept)

    def write(self, content: bytes) -> None:
        if not content:
            return
        if self._key is not None and self.content_bytes == 0:
            self._put(self._key.head)
        self._memory.content.update(content)
        if self._key is None:
            self._put(content)
        else:
            self._seal(content, self._key)
        self.content_bytes += len(content)

    def end(self, *, whole: bool) -> bytes:
        """Everything is on disk, save what is returned: the sealed rest of a file that goes on."""
        rest = b""
        if self._key is not None and whole:
            self._put(self._key.chunk(bytes(self._kept), number=_chunks_written(self.content_bytes), last=True))
        elif self._key is not None and self.content_bytes:
            rest = self._key.rest(bytes(self._kept), stop=self.content_bytes)
        self._out.flush()
        os.fsync(self._out.fileno())
        return rest

    def _seal(self, content: bytes, key: FileKey) -> None:
        number = _chunks_written(self.content_bytes)
        self._kept += content
        start = 0
        while len(self._kept) - start > CHUNK_BYTES:
            self._put(key.chunk(bytes(self._kept[start : start + CHUNK_BYTES]), number=number, last=False))
            number, start = number + 1, start + CHUNK_BYTES
        del self._kept[:start]

    def _put(self, raw: bytes) -> None:
        self._memory.file.update(raw)
        self._out.write(raw)


def _chunks_written(content_bytes: int) -> int:
    """Of content that goes on: the last chunk, full or not, waits for what follows."""
    return max(0, content_bytes - 1) // CHUNK_BYTES


def _opened(path: Path, size_bytes: int) -> BinaryIO:
    """Cut back to what was said, and ready to be written on."""
    out = path.open("r+b" if path.exists() else "xb")
    out.truncate(size_bytes)
    out.seek(0, os.SEEK_END)
    return out


def _read(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    while size_bytes and (piece := file.read(min(READ_BYTES, size_bytes))):
        size_bytes -= len(piece)
        yield piece
