"""Codes as people give them: typed, scanned or pasted; a serial alone, a Digital Link, or a short code behind any origin.

Forgives what people do to a code by hand (case, I, L, O, spaces, hyphens). Refuses what names no serial, in the words of
codegen.digital_link. Pure: whether the code is ours is another question.
"""

from urllib.parse import urlsplit

from codegen import cipher, digital_link
from codegen.gtin import Gtin

TEXT_LENGTH_MAX = 2000


def read(text: str) -> tuple[str, Gtin | None]:
    """(serial in canonical letters, the GTIN of a Digital Link or None) of a URL, a path or a bare serial."""
    wanted = text.strip()[:TEXT_LENGTH_MAX]
    if "/" not in wanted:
        return cipher.normalise(wanted), None
    try:
        path = urlsplit(wanted if "//" in wanted or wanted.startswith("/") else f"//{wanted}").path
    except ValueError as error:
        raise digital_link.DlSyntax(why=str(error)) from error
    short = digital_link.short_serial(path.upper())
    if short is not None:
        return short, None
    address = digital_link.parse(path)
    return cipher.normalise(address.serial), address.gtin
