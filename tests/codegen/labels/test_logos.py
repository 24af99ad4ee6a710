"""Logos: whatever is uploaded, pixels alone are kept."""

import io
import struct
import zlib

import pytest
from PIL import Image

from codegen.labels import logos
from codegen.labels.logos import LogoTooLarge, LogoUnreadable


def picture(*, colour: tuple[int, int, int] = (0, 0, 0), size: tuple[int, int] = (60, 40), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def test_png_and_jpeg_are_read_and_written_anew() -> None:
    for kind in ("PNG", "JPEG"):
        found = logos.read(picture(colour=(255, 0, 0), kind=kind) + b"<script>hidden behind the picture</script>")
        assert (found.width, found.height, found.channels) == (60, 40, 3)
        assert b"script" not in found.png
        assert len(found.pixels()) == 60 * 40 * 3
    assert logos.of_png(found.png) == found


def test_what_is_transparent_becomes_white_and_what_has_no_colour_grey() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")
    found = logos.read(out.getvalue())
    assert (found.channels, set(found.pixels())) == (1, {255})


def test_a_large_picture_is_made_smaller() -> None:
    assert logos.read(picture(size=(2400, 100))).width == 1200


@pytest.mark.parametrize(
    "upload",
    [
        b"",
        b"GIF89a" + bytes(100),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        picture()[:60],
        picture(kind="GIF"),
        picture(kind="BMP"),
    ],
    ids=["empty", "gif head", "svg", "cut short", "gif", "bmp"],
)
def test_other_files_are_refused_whatever_they_are_called(upload: bytes) -> None:
    with pytest.raises(LogoUnreadable):
        logos.read(upload)


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_read() -> None:
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    for upload in (bomb, bytes(logos.UPLOAD_BYTES_MAX + 1)):
        with pytest.raises(LogoTooLarge):
            logos.read(upload)
