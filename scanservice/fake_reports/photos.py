"""Photos from strangers: read by their content, drawn anew, and kept under a random name.

Promises: what is kept is a JPEG that we wrote ourselves from pixels alone, so that no place, camera, thumbnail or hidden file travels with
it; it stands upright and is at most SIDE_PX_MAX wide and high. Refuses what is no JPEG, PNG or WebP whatever its name says, and, before a
pixel is decoded, files and pictures above their limits: a small file may claim to be enormous.
"""

import io
import os
import secrets
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from PIL import Image, ImageOps

from kit.refusals import Invalid, TooLarge

PHOTOS_MAX: Final = 4
PHOTO_BYTES_MAX: Final = 7 << 20
# A JPEG is decoded at a fraction of its size; the others have to be decoded whole, at up to four bytes a pixel.
JPEG_PIXELS_MAX: Final = 64_000_000
PIXELS_MAX: Final = 16_000_000
SIDE_PX_MAX: Final = 2048
QUALITY: Final = 85
NAME_BYTES: Final = 16
# Formats by Pillow's names. It reads no HEIC; phones that take such photos hand out a JPEG when a page asks for one.
FORMATS: Final = ("JPEG", "PNG", "WEBP")

_FOLDER: Final = "fake_reports"
_WHITE: Final = (255, 255, 255)


class PhotoTooLarge(TooLarge):
    code: ClassVar[str] = "photo_too_large"
    says: ClassVar[str] = "A photo may have at most {megabytes_max} MB."


class PhotoUnreadable(Invalid):
    code: ClassVar[str] = "photo_unreadable"
    says: ClassVar[str] = "This is no photo that we can read. JPEG, PNG and WebP work."


class PhotoTooManyPixels(Invalid):
    code: ClassVar[str] = "photo_too_many_pixels"
    says: ClassVar[str] = "This picture has too many pixels: {width} by {height}."


def cleaned(raw: bytes) -> bytes:
    """The photo as we keep it."""
    if len(raw) > PHOTO_BYTES_MAX:
        raise PhotoTooLarge(megabytes_max=PHOTO_BYTES_MAX >> 20)
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as opened:
            _check_size(opened)
            return _drawn_anew(opened)
    except (PhotoTooManyPixels, MemoryError):
        raise
    except Exception as error:  # a decoder fails in many ways on a file made to make it fail; to us it is no photo
        raise PhotoUnreadable from error


def keep(photo: bytes, *, objects_dir: Path, tenant_id: int) -> str:
    """Writes a cleaned photo to disk and returns its name. Where the transaction fails the file is left to `sweep`."""
    name = secrets.token_hex(NAME_BYTES)
    final = path(name, objects_dir=objects_dir, tenant_id=tenant_id)
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(photo)
        out.flush()
        os.fsync(out.fileno())
    return name


def path(name: str, *, objects_dir: Path, tenant_id: int) -> Path:
    return objects_dir / _FOLDER / str(tenant_id) / f"{name}.jpg"


def remove(names: Collection[str], *, objects_dir: Path, tenant_id: int) -> None:
    for name in names:
        path(name, objects_dir=objects_dir, tenant_id=tenant_id).unlink(missing_ok=True)


def sweep(known: Collection[str], *, objects_dir: Path, tenant_id: int, before: datetime) -> int:
    """Removes files older than `before` that no report knows: their transactions failed after they were written."""
    swept = 0
    for file in (objects_dir / _FOLDER / str(tenant_id)).glob("*.jpg"):
        if file.stem not in known and file.stat().st_mtime < before.timestamp():
            file.unlink(missing_ok=True)
            swept += 1
    return swept


def _check_size(opened: Image.Image) -> None:
    width, height = opened.size
    pixels_max = JPEG_PIXELS_MAX if opened.format in {"JPEG", "MPO"} else PIXELS_MAX
    if width * height > pixels_max:
        raise PhotoTooManyPixels(width=width, height=height)


def _drawn_anew(opened: Image.Image) -> bytes:
    opened.draft("RGB", (SIDE_PX_MAX, SIDE_PX_MAX))
    picture: Image.Image = opened.convert("RGBA") if opened.mode in {"P", "LA", "PA", "RGBA"} else opened.convert("RGB")
    picture.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    turned = ImageOps.exif_transpose(picture)
    # A new picture takes the pixels and nothing else: no EXIF, no profile, no comment.
    clean = Image.new("RGB", turned.size, _WHITE)
    clean.paste(turned, mask=turned if turned.mode == "RGBA" else None)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
