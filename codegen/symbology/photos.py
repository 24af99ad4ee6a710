"""Photos of strangers: opened within limits, whatever they are sent for, and the codes that one shows.

Promises: a photo is looked at before a pixel of it is decoded, so that a small file cannot become a huge picture; QR codes and DataMatrix
are found turned, blurred and at an angle (zxing-cpp). Refuses what is no JPEG, PNG or WebP whatever its name says, and photos beyond
the limits; of an iPhone's HEIC it says what to do. Pure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import ClassVar, Final

import zxingcpp
from PIL import Image

from kit.refusals import Invalid, Refusal, TooLarge

PHOTO_BYTES_MAX: Final = 7 << 20
# A JPEG is decoded at a fraction of its size; the others have to be decoded whole, at up to six bytes a pixel.
JPEG_PIXELS_MAX: Final = 64_000_000
PIXELS_MAX: Final = 16_000_000
# Of a progressive JPEG; a usual one has ten, and each takes the time of the whole picture, however few bytes it has.
JPEG_SCANS_MAX: Final = 100
# More than enough for a symbol that fills a tenth of the picture, and a tenth of the time.
SIDE_MAX: Final = 2_000
CODES_MAX: Final = 10
# By Pillow's names. It reads no HEIC; phones that take such photos hand out a JPEG when a page asks for one.
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_JPEGS: Final = frozenset({"JPEG", "MPO"})
# ISO/IEC 23008-12 section 10: a file of the ISO base media format that begins with one of these brands.
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


class PhotoTooLarge(TooLarge):
    code: ClassVar[str] = "photo_too_large"
    says: ClassVar[str] = "A photo may have at most {megabytes_max} MB."


class PhotoTooManyPixels(TooLarge):
    code: ClassVar[str] = "photo_too_many_pixels"
    says: ClassVar[str] = "A picture of this kind may have at most {megapixels_max} megapixels. Please take a usual photo."


class PhotoUnreadable(Invalid):
    code: ClassVar[str] = "photo_unreadable"
    says: ClassVar[str] = "This is no photo that we can read. JPEG, PNG and WebP work."


class PhotoTooManyScans(PhotoUnreadable):
    code: ClassVar[str] = "photo_too_many_scans"
    says: ClassVar[str] = "This JPEG is made of too many layers. Please take a usual photo, or save it anew."


class PhotoHeic(PhotoUnreadable):
    code: ClassVar[str] = "photo_heic"
    says: ClassVar[str] = (
        "This is a HEIC photo, which we cannot read. Send it as JPEG: take a screenshot of it and choose that, "
        "or set the iPhone to JPEG (Settings, Camera, Formats, Most Compatible) and take it again."
    )


@contextmanager
def opened(photo: bytes) -> Iterator[Image.Image]:
    """The picture, for whoever decodes it inside the `with`: what fails there makes it unreadable."""
    if len(photo) > PHOTO_BYTES_MAX:
        raise PhotoTooLarge(megabytes_max=PHOTO_BYTES_MAX >> 20)
    try:
        with Image.open(BytesIO(photo), formats=_FORMATS) as picture:
            _check_pixels(picture)
            if picture.format in _JPEGS:
                check_scans(photo)
            yield picture
    except (Refusal, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(PIXELS_MAX) from error
    except Exception as error:  # a decoder fails in many ways on a file made to make it fail; to us it is no photo
        raise (PhotoHeic if _is_heic(photo) else PhotoUnreadable) from error


def codes(photo: bytes) -> tuple[str, ...]:
    """The texts of the codes in a photo, the largest first; none where there is none."""
    with opened(photo) as picture:
        picture.draft("L", (SIDE_MAX, SIDE_MAX))
        grey = picture.convert("L")
    grey.thumbnail((SIDE_MAX, SIDE_MAX))
    wanted = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix])
    found = zxingcpp.read_barcodes(grey, formats=wanted)
    readable = [one for one in found if one.valid and one.text]
    return tuple(one.text for one in sorted(readable, key=_area, reverse=True)[:CODES_MAX])


def _area(found: zxingcpp.Barcode) -> int:
    corner, opposite = found.position.top_left, found.position.bottom_right
    return int(abs((opposite.x - corner.x) * (opposite.y - corner.y)))


def check_scans(jpeg: bytes) -> None:
    """By the markers that begin scans (ISO/IEC 10918-1 B.1.1.3), which what is coded never holds."""
    if jpeg.count(b"\xff\xda") > JPEG_SCANS_MAX:
        raise PhotoTooManyScans


def _check_pixels(picture: Image.Image) -> None:
    # A progressive one is held whole in any case, as coefficients.
    reduced = picture.format in _JPEGS and "progressive" not in picture.info
    pixels_max = JPEG_PIXELS_MAX if reduced else PIXELS_MAX
    if picture.width * picture.height > pixels_max:
        raise _too_many_pixels(pixels_max)


def _is_heic(photo: bytes) -> bool:
    return photo[4:8] == b"ftyp" and photo[8:12] in _HEIC_BRANDS


def _too_many_pixels(pixels_max: int) -> PhotoTooManyPixels:
    return PhotoTooManyPixels(megapixels_max=pixels_max // 1_000_000)
