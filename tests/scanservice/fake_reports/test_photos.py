"""Photos from strangers: what is kept of them, and what is refused before it costs anything."""

import io
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from codegen.symbology.photos import PHOTO_BYTES_MAX, PhotoTooLarge, PhotoTooManyPixels, PhotoUnreadable
from scanservice.fake_reports import photos
from tests.conftest import NOW

ORIENTATION, GPS_FOLDER, MAKER = 0x0112, 0x8825, 0x010F
SECRET = b"taken at Alice's home"


def picture(kind: str, *, size: tuple[int, int] = (40, 20), mode: str = "RGB", **saving: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode != "L" else 128).save(out, kind, **saving)
    return out.getvalue()


def from_a_phone(*, size: tuple[int, int] = (40, 20)) -> bytes:
    """A JPEG turned by its EXIF, with place, maker, comment and something behind its end."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKER] = SECRET.decode()
    exif.get_ifd(GPS_FOLDER)[2] = (31.0, 12.0, 30.0)
    return picture("JPEG", size=size, exif=exif, comment=SECRET, icc_profile=SECRET * 20) + SECRET


def claiming(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says it has so many pixels."""
    chunks = b""
    for name, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ):
        chunks += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_nothing_but_pixels_is_kept_and_the_picture_stands_upright() -> None:
    raw = from_a_phone()
    assert SECRET in raw
    kept = photos.cleaned(raw)
    assert SECRET not in kept
    with Image.open(io.BytesIO(kept)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (20, 40)
        assert not opened.getexif()
        assert {"comment", "icc_profile", "exif"}.isdisjoint(opened.info)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "I;16"),
        ("WEBP", "RGBA"),
        ("JPEG", "CMYK"),
        ("JPEG", "L"),
    ],
)
def test_every_usual_kind_becomes_a_jpeg(kind: str, mode: str) -> None:
    pixels = np.zeros((30, 50), dtype=np.uint16)
    raw = picture(kind, size=(50, 30), mode=mode) if mode != "I;16" else _saved(Image.fromarray(pixels))
    with Image.open(io.BytesIO(photos.cleaned(raw))) as opened:
        assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (50, 30))


def _saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_what_is_see_through_lies_on_white() -> None:
    raw = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(raw, "PNG")
    with Image.open(io.BytesIO(photos.cleaned(raw.getvalue()))) as opened:
        assert opened.getpixel((4, 4)) == (255, 255, 255)


def test_large_photos_are_made_smaller() -> None:
    with Image.open(io.BytesIO(photos.cleaned(from_a_phone(size=(4000, 3000))))) as opened:
        assert opened.size == (1536, 2048)


def test_a_small_file_that_claims_to_be_enormous_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PhotoTooManyPixels):
        photos.cleaned(claiming(4001, 4000))
    for side in (20_000, 2**31 - 1):
        with pytest.raises((PhotoTooManyPixels, PhotoUnreadable)):
            photos.cleaned(claiming(side, side))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%PDF-1.7",
        picture("GIF"),
        picture("TIFF"),
        picture("BMP"),
        picture("PNG")[:60],
        from_a_phone()[:200],
        claiming(10, 10),
    ],
    ids=["empty", "text", "svg", "pdf", "gif", "tiff", "bmp", "half a png", "half a jpeg", "no pixels"],
)
def test_what_is_no_photo_is_refused_whatever_it_calls_itself(raw: bytes) -> None:
    with pytest.raises(PhotoUnreadable):
        photos.cleaned(raw)


def test_a_file_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(PhotoTooLarge):
        photos.cleaned(bytes(PHOTO_BYTES_MAX + 1))


@given(at=st.integers(0, 10**6), new=st.binary(min_size=1, max_size=40), kind=st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_a_damaged_file_is_refused_or_drawn_anew_and_never_an_error(at: int, new: bytes, kind: str) -> None:
    raw = picture(kind)
    at %= len(raw)
    try:
        kept = photos.cleaned(raw[:at] + new + raw[at + len(new) :])
    except (PhotoUnreadable, PhotoTooManyPixels):
        return
    assert kept.startswith(b"\xff\xd8")


def test_files_of_failed_transactions_are_swept_and_no_others(tmp_path: Path) -> None:
    kept, lost = (photos.keep(b"jpeg", objects_dir=tmp_path, tenant_id=7) for _ in range(2))
    assert kept != lost
    file = photos.path(kept, objects_dir=tmp_path, tenant_id=7)
    assert file.stat().st_mode & 0o077 == 0
    past, future = NOW - timedelta(days=10_000), NOW + timedelta(days=10_000)
    assert photos.sweep({kept}, objects_dir=tmp_path, tenant_id=7, before=past) == 0
    assert photos.sweep({kept}, objects_dir=tmp_path, tenant_id=7, before=future) == 1
    assert file.exists()
    photos.remove([kept, kept], objects_dir=tmp_path, tenant_id=7)
    assert not file.exists()
