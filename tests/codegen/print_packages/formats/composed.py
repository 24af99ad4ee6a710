"""Composers put through their steps without a database: codes, and files as one worker or many would write them."""

import io
from collections.abc import Callable

from codegen.addresses import Addresses, Signer
from codegen.cipher import EpochKeys, SerialCipher
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.print_packages.composing import Composer
from codegen.print_packages.listed_codes import ListedCodes, Stretch, Wording
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_specs import MarkSpec

CIPHER = SerialCipher(2, EpochKeys.derive(bytes(range(32))))
ORIGIN, GTIN = "https://id.example.com", Gtin("09521234543213")


def addresses(signer: Signer | None = None) -> Addresses:
    return Addresses.of(origin=ORIGIN, gtin=GTIN, profile=Profile.GS1, signer=signer)


def listed(codes: int, *, canary_rows: tuple[int, ...] = (1, 5), signer: Signer | None = None) -> ListedCodes:
    return ListedCodes(
        CIPHER,
        stretch=Stretch(first_counter=40, codes=codes, canary_first=90_000_000, canary_rows=canary_rows),
        wording=Wording(addresses=addresses(signer), gtin=GTIN, lot="L-7", kind=Kind.ITEM_OUTER),
    )


def press(spec: MarkSpec, *, signer: Signer | None = None, mask: int | None = 3) -> MarkPress:
    return MarkPress(spec, addresses=addresses(signer), gtin=GTIN, mask=mask)


def written(make: Callable[[], Composer], *, rows_per_step: int | None = None, at_once: bool = True) -> bytes:
    """The whole file: by one composer, or by another one for each step, as if every worker died after one."""
    composer = make()
    out, notes = composer.head(), b""
    step = rows_per_step or composer.rows_per_step
    for row in range(0, composer.rows, step):
        composer = composer if at_once else make()
        for piece in composer.body(row, min(step, composer.rows - row), offset=len(out)):
            out += piece.content
            notes += piece.notes
    return out + b"".join(composer.tail(io.BytesIO(notes), offset=len(out)))
