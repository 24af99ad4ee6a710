"""What may be opened at all, whoever sent it."""

from io import BytesIO

import pytest
from PIL import Image

from codegen.labels import logos
from codegen.symbology import photos
from codegen.symbology.photos import JPEG_SCANS_MAX, PIXELS_MAX, PhotoHeic, PhotoTooManyPixels, PhotoTooManyScans, PhotoUnreadable


def begun(brand: bytes) -> bytes:
    """The first box of a file of the ISO base media format."""
    return b"\x00\x00\x00\x18ftyp" + brand + bytes(200)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_an_iphones_own_kind_of_photo_is_refused_with_what_to_do(brand: bytes) -> None:
    with pytest.raises(PhotoHeic, match=r"screenshot.*Most Compatible"):
        photos.codes(begun(brand))


def test_a_film_is_no_photo_of_an_iphone() -> None:
    with pytest.raises(PhotoUnreadable) as refused:
        photos.codes(begun(b"isom"))
    assert refused.type is PhotoUnreadable


def progressive(side: int) -> bytes:
    out = BytesIO()
    Image.new("L", (side, side)).save(out, "JPEG", progressive=True)
    return out.getvalue()


def test_a_small_file_that_asks_for_many_passes_over_a_picture_is_refused_before_the_first() -> None:
    jpeg = progressive(64)
    assert photos.codes(jpeg) == ()
    last = jpeg.rindex(b"\xff\xda")
    again = jpeg[last:-2] * (JPEG_SCANS_MAX + 1)
    with pytest.raises(PhotoTooManyScans):
        photos.codes(jpeg[:-2] + again + jpeg[-2:])
    with pytest.raises(logos.LogoUnreadable):
        logos.read(jpeg[:-2] + again + jpeg[-2:])


def test_a_progressive_photo_is_held_whole_and_may_be_less_large() -> None:
    side = int(PIXELS_MAX**0.5) + 1
    with pytest.raises(PhotoTooManyPixels):
        photos.codes(progressive(side))
    plain = BytesIO()
    Image.new("L", (side, side)).save(plain, "JPEG")
    assert photos.codes(plain.getvalue()) == ()
