"""Codes in photos: what a phone's camera or an uploaded picture shows.

Promises: QR codes and DataMatrix are found turned, blurred and at an angle (zxing-cpp); a picture is looked at before it is unpacked, so
that a small file cannot become a huge picture. Refuses what is no JPEG, PNG or WebP, and pictures beyond the limits. Pure.
"""

from io import BytesIO
from typing import ClassVar, Final

import zxingcpp
from PIL import Image, UnidentifiedImageError

from kit.refusals import Invalid, TooLarge

PHOTO_BYTES_MAX: Final = 8 << 20
# A JPEG is decoded at a fraction of its size; the others have to be decoded whole, at up to four bytes a pixel.
JPEG_PIXELS_MAX: Final = 50_000_000
PIXELS_MAX: Final = 16_000_000
# More than enough for a symbol that fills a tenth of the picture, and a tenth of the time.
SIDE_MAX: Final = 2_000
CODES_MAX: Final = 10
_FORMATS: Final = ("JPEG", "PNG", "WEBP")


class PhotoTooLarge(TooLarge):
    code: ClassVar[str] = "photo_too_large"
    says: ClassVar[str] = "A picture may have at most {megabytes_max} MB and {megapixels_max} megapixels."


class PhotoUnreadable(Invalid):
    code: ClassVar[str] = "photo_unreadable"
    says: ClassVar[str] = "This is no picture that can be read here: take a JPEG, PNG or WebP."


def codes(photo: bytes) -> tuple[str, ...]:
    """The texts of the codes in a photo, the largest first; none where there is none."""
    if len(photo) > PHOTO_BYTES_MAX:
        raise _too_large(PIXELS_MAX)
    try:
        with Image.open(BytesIO(photo), formats=_FORMATS) as opened:
            pixels_max = JPEG_PIXELS_MAX if opened.format in {"JPEG", "MPO"} else PIXELS_MAX
            if opened.width * opened.height > pixels_max:
                raise _too_large(pixels_max)
            opened.draft("L", (SIDE_MAX, SIDE_MAX))
            grey = opened.convert("L")
    except Image.DecompressionBombError as error:
        raise _too_large(PIXELS_MAX) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PhotoUnreadable from error
    grey.thumbnail((SIDE_MAX, SIDE_MAX))
    wanted = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix])
    found = zxingcpp.read_barcodes(grey, formats=wanted)
    readable = [one for one in found if one.valid and one.text]
    return tuple(one.text for one in sorted(readable, key=_area, reverse=True)[:CODES_MAX])


def _area(found: zxingcpp.Barcode) -> int:
    corner, opposite = found.position.top_left, found.position.bottom_right
    return int(abs((opposite.x - corner.x) * (opposite.y - corner.y)))


def _too_large(pixels_max: int) -> PhotoTooLarge:
    return PhotoTooLarge(megabytes_max=PHOTO_BYTES_MAX >> 20, megapixels_max=pixels_max // 1_000_000)
