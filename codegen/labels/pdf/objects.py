"""The few kinds of PDF objects that label sheets are made of (ISO 32000-1:2008 sections 7.3, 7.5, 7.7.3).

Promises: the same content gives the same bytes: no dates, no random identifiers. Pure.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

HEADER = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
OFFSET_MAX = 10**10 - 1  # ten digits in the cross-reference table
COMPRESSION = 6
_SIX = Decimal("0.000001")


def number(value: Decimal | float) -> str:
    """As short as a reader takes it, to a millionth."""
    text = f"{Decimal(value).quantize(_SIX):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def obj(number_: int, body: str) -> bytes:
    return f"{number_} 0 obj\n{body}\nendobj\n".encode("latin-1")


def stream(number_: int, entries: Mapping[str, str], content: bytes, *, level: int = COMPRESSION) -> bytes:
    packed = zlib.compress(content, level)
    listed = "".join(f"/{key} {value}" for key, value in entries.items())
    head = f"{number_} 0 obj\n<<{listed}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n".encode("latin-1")
    return head + packed + b"\nendstream\nendobj\n"


def references(numbers: Iterable[int]) -> str:
    return "[" + " ".join(f"{one} 0 R" for one in numbers) + "]"


def cross_references(offsets: Iterable[Iterable[int]], *, size: int, start: int, root: int, info: int) -> Iterator[bytes]:
    """Table and trailer. `offsets` are those of objects 1, 2, ..., in runs of any length; `size` counts object 0 too."""
    yield f"xref\n0 {size}\n0000000000 65535 f \n".encode("latin-1")
    for run in offsets:
        yield b"".join(b"%010d 00000 n \n" % offset for offset in run)
    yield f"trailer\n<</Size {size}/Root {root} 0 R/Info {info} 0 R>>\nstartxref\n{start}\n%%EOF\n".encode("latin-1")
