"""Logos on labels: pictures that people upload, read as pictures and written anew, so that nothing but pixels of theirs is kept.

Promises: whatever the file called itself, its content decides; the logo is at most so many pixels a side, on white where it was transparent, in
grey where it has no colour; the same pixels have the same name (SHA-256 of the picture). Refuses files that are no PNG or JPEG, damaged ones, and
those whose size would fill the memory. Pure.
"""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageChops, UnidentifiedImageError

from codegen.symbology import photos
from kit.refusals import Invalid

UPLOAD_BYTES_MAX = 4 << 20
PIXELS_MAX = 40_000_000
SIDE_PIXELS_MAX = 1200  # 50 mm at 600 dots an inch
_KINDS = ("PNG", "JPEG")


class LogoUnreadable(Invalid):
    code = "logo_unreadable"
    says = "The file is no PNG or JPEG picture, or it is damaged."


class LogoTooLarge(Invalid):
    code = "logo_too_large"
    says = "A logo has at most {bytes_max} bytes and {pixels_max} pixels."


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """`channels` is 1 (grey) or 3; `name` is the SHA-256 of `png`."""

    name: str
    png: bytes = field(repr=False)
    width: int
    height: int
    channels: int

    def pixels(self) -> bytes:
        """Rows from above, a byte for each channel."""
        with Image.open(io.BytesIO(self.png)) as picture:
            return picture.tobytes()


def read(upload: bytes) -> Logo:
    """A logo from what somebody uploaded."""
    if len(upload) > UPLOAD_BYTES_MAX:
        raise _too_large()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked before any pixel is read
            with Image.open(io.BytesIO(upload), formats=_KINDS) as opened:
                if opened.width * opened.height > PIXELS_MAX:
                    raise _too_large()
                if opened.format == "JPEG":
                    photos.check_scans(upload)
                opened.load()
                return _written(_on_white(opened))
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (UnidentifiedImageError, photos.PhotoTooManyScans, OSError, ValueError, SyntaxError, struct.error) as error:
        raise LogoUnreadable from error


def of_png(png: bytes) -> Logo:
    """A logo that was kept."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return Logo(
            name=hashlib.sha256(png).hexdigest(),
            png=png,
            width=picture.width,
            height=picture.height,
            channels=len(picture.getbands()),
        )


def _on_white(picture: Image.Image) -> Image.Image:
    rgba = picture.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    flat = Image.alpha_composite(ground, rgba).convert("RGB")
    flat.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))
    red, green, blue = flat.split()
    if ImageChops.difference(red, green).getbbox() is None and ImageChops.difference(red, blue).getbbox() is None:
        return red
    return flat


def _written(picture: Image.Image) -> Logo:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return of_png(out.getvalue())


def _too_large() -> LogoTooLarge:
    return LogoTooLarge(bytes_max=UPLOAD_BYTES_MAX, pixels_max=PIXELS_MAX)
