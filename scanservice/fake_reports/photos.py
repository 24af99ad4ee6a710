"""Photos that come with reports: drawn anew, and kept under a random name.

Promises: what is kept is a JPEG that we wrote ourselves from pixels alone, so that no place, camera, thumbnail or hidden file travels with
it; it stands upright, is at most SIDE_PX_MAX wide and high, and has a megabyte or less, noise apart. What may be opened at all is decided in codegen.symbology.photos.
"""

import io
import os
import secrets
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from codegen.symbology.photos import opened

PHOTOS_MAX: Final = 4
SIDE_PX_MAX: Final = 2048
# (longest side, quality), until a photo has no more than BYTES_MAX; the last of them whatever it has.
DRAWN: Final = ((SIDE_PX_MAX, 85), (SIDE_PX_MAX, 70), (1448, 70), (1024, 70))
BYTES_MAX: Final = 1 << 20
NAME_BYTES: Final = 16

_FOLDER: Final = "fake_reports"
_WHITE: Final = (255, 255, 255)


def cleaned(raw: bytes) -> bytes:
    """The photo as we keep it. Refuses as codegen.symbology.photos does."""
    with opened(raw) as picture:
        return _drawn_anew(picture)


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


def _drawn_anew(opened: Image.Image) -> bytes:
    opened.draft("RGB", (SIDE_PX_MAX, SIDE_PX_MAX))
    picture: Image.Image = opened.convert("RGBA") if opened.mode in {"P", "LA", "PA", "RGBA"} else opened.convert("RGB")
    picture.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    turned = ImageOps.exif_transpose(picture)
    # A new picture takes the pixels and nothing else: no EXIF, no profile, no comment.
    clean = Image.new("RGB", turned.size, _WHITE)
    clean.paste(turned, mask=turned if turned.mode == "RGBA" else None)
    drawn = b""
    for side, quality in DRAWN:
        clean.thumbnail((side, side))
        out = io.BytesIO()
        clean.save(out, "JPEG", quality=quality, optimize=True)
        drawn = out.getvalue()
        if len(drawn) <= BYTES_MAX:
            break
    return drawn
