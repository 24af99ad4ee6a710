"""Which fonts labels are set in: Noto Sans SC where it is installed, for Latin and Chinese alike; else Bitstream Vera, which has no Chinese.

Promises: a text is set in the first face that has all its letters; a letter that none has is refused by name, never printed as an empty box.
Noto Sans SC is found as the package `pylopdf_fonts_zh_cn` or where systems keep it (Debian's `fonts-noto-cjk`, Arch's and Fedora's alike).
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import reportlab

from codegen.labels.fonts.font_files import FontFile
from codegen.labels.fonts.outlines import Outline
from kit.refusals import Invalid

_PACKAGE, _PACKAGED = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"
# A collection of Japanese, Korean, and then the letters as China writes them.
_COLLECTION, _CHINESE = "NotoSansCJK-Regular.ttc", 2
_FOLDERS = ("opentype/noto", "noto-cjk", "google-noto-cjk", "google-noto-sans-cjk-fonts", "noto")
_SYSTEM = Path("/usr/share/fonts")


class LetterMissing(Invalid):
    code = "letter_missing"
    says = "No installed font has the letter {letter!r} of {text!r}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """`edition` changes when the file does."""

    name: str
    edition: str
    file: FontFile = field(repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        return f"{self.name} {self.edition}"

    def has(self, text: str) -> bool:
        return all(self.file.has(letter) for letter in text)

    def width(self, text: str) -> int:
        """In thousandths of the letters' size."""
        return sum(outline_of(self, letter).advance for letter in text)


@cache
def faces() -> tuple[Face, ...]:
    return tuple(_found())


@cache
def outline_of(face: Face, letter: str) -> Outline:
    return face.file.outline(letter)


def face_for(text: str) -> Face:
    for face in faces():
        if face.has(text):
            return face
    missing = next((letter for letter in text if not any(face.has(letter) for face in faces())), text[0])
    raise LetterMissing(letter=missing, text=text)


def _found() -> Iterator[Face]:
    chinese = _chinese()
    if chinese is not None:
        yield _face("NotoSansSC", *chinese)
    yield _face("BitstreamVera", Path(reportlab.__file__).parent / "fonts" / "Vera.ttf", 0)


def _chinese() -> tuple[Path, int] | None:
    packaged = importlib.util.find_spec(_PACKAGE)
    if packaged is not None and packaged.origin is not None:
        return Path(packaged.origin).with_name(_PACKAGED), 0
    for folder in _FOLDERS:
        path = _SYSTEM / folder / _COLLECTION
        if path.is_file():
            return path, _CHINESE
    return None


def _face(name: str, path: Path, number: int) -> Face:
    file = FontFile(path, number=number)
    return Face(name=name, edition=file.edition, file=file)
