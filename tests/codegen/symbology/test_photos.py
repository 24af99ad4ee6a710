"""What may be opened at all, whoever sent it."""

import pytest

from codegen.symbology import photos
from codegen.symbology.photos import PhotoHeic, PhotoUnreadable


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
