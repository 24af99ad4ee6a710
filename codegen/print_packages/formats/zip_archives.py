"""ZIP archives written from front to back, of stored members whose names are equally long (APPNOTE 6.3.10, with its ZIP64 records).

Promises: a member costs eight bytes of notes while the archive grows, whatever its size; the directory at the end is made from them a stretch
at a time. All members carry the same date, so that the same members give the same archive. Pure.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

NOTE = struct.Struct("<II")  # CRC-32 and size of a member
NOTES_AT_ONCE = 1 << 14
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_EXTRA = struct.Struct("<HHQ")  # ZIP64: where the member begins
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_END = struct.Struct("<IHHHHIIH")
_VERSION, _VERSION64 = 20, 45
_UTF_8 = 1 << 11
_DATE = 1 << 5 | 1  # the first of January 1980, where the format's time begins
_MAX16, _MAX32 = 2**16 - 1, 2**32 - 1  # "look into the ZIP64 record"
ZIP64_FROM = _MAX32


def member(name: bytes, content: bytes) -> tuple[bytes, bytes]:
    """(what stands in the archive, its note)"""
    crc = zlib.crc32(content)
    head = _LOCAL.pack(0x04034B50, _VERSION, _UTF_8, 0, 0, _DATE, crc, len(content), len(content), len(name), 0)
    return head + name + content, NOTE.pack(crc, len(content))


def directory(notes: BinaryIO, *, name_of: Callable[[int, int], list[bytes]], offset: int) -> Iterator[bytes]:
    """Everything behind the last member. `name_of(first, count)` are the members' names again, and `offset` is where the directory begins."""
    number = at = size = 0
    while raw := notes.read(NOTES_AT_ONCE * NOTE.size):
        entries = []
        for name, (crc, length) in zip(name_of(number, len(raw) // NOTE.size), NOTE.iter_unpack(raw), strict=True):
            entries.append(_entry(name, crc=crc, length=length, at=at))
            at += _LOCAL.size + len(name) + length
            number += 1
        piece = b"".join(entries)
        size += len(piece)
        yield piece
    if at != offset:
        raise ValueError(f"members end at byte {at} by their notes, and at {offset} by the file")
    far = number >= _MAX16 or max(offset, size) >= ZIP64_FROM
    if far:
        yield _END64.pack(0x06064B50, _END64.size - 12, _VERSION64, _VERSION64, 0, 0, number, number, size, offset)
        yield _LOCATOR.pack(0x07064B50, 0, offset + size, 1)
    small = min(number, _MAX16)
    yield _END.pack(0x06054B50, 0, 0, small, small, min(size, _MAX32), _MAX32 if far else offset, 0)


def _entry(name: bytes, *, crc: int, length: int, at: int) -> bytes:
    far = at >= ZIP64_FROM
    extra = _EXTRA.pack(1, 8, at) if far else b""
    version = _VERSION64 if far else _VERSION
    head = _CENTRAL.pack(
        0x02014B50, version, version, _UTF_8, 0, 0, _DATE, crc, length, length,
        len(name), len(extra), 0, 0, 0, 0, _MAX32 if far else at,
    )  # fmt: skip
    return head + name + extra
