"""What is in a print package, and where its file lies: everything that follows from the package's row and the keys of its epoch.

Promises: the same row gives the same rows, canaries and keys for ever; no key seals two contents, because keys follow from all that makes the
content. Refuses nothing.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from codegen import marking, orders, url_signatures
from codegen.cipher import SerialCipher
from codegen.labels import library
from codegen.labels.pdf.sheets import LabelSheets
from codegen.labels.words import LabelWords
from codegen.orders import CodeOrder
from codegen.print_packages import manifests
from codegen.print_packages.composing import Composer
from codegen.print_packages.file_designs import FileDesign, Format, SheetDesign
from codegen.print_packages.formats import zpl_labels
from codegen.print_packages.formats.parquet_tables import ParquetTable
from codegen.print_packages.formats.picture_zips import Picture, PictureZip
from codegen.print_packages.formats.row_files import RowFile
from codegen.print_packages.formats.zpl_labels import ZplLabels
from codegen.print_packages.guarding import canaries
from codegen.print_packages.listed_codes import Holding, ListedCodes, Stretch, Wording
from codegen.print_packages.package_models import Package
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_specs import MarkSpec
from kit import seals

_FOLDER = "packages"
# What stands in a recipe and does not make the content.
_NOT_CONTENT = frozenset({"sealing", "head"})


def purpose(row: Package) -> str:
    """What makes two packages have the same canaries: a reprint of the same rows for the same recipient is the same list again."""
    return f"canaries {row.order_id} {row.recipient_id} {row.content} {row.first_counter}-{row.last_counter} {row.canaries}"


def canary_rows(row: Package, cipher: SerialCipher) -> tuple[int, ...]:
    size = rows_of(row)
    return canaries.places(cipher.keys.canary, purpose=purpose(row).encode(), rows=size, canaries=row.canaries)


def rows_of(row: Package) -> int:
    return row.last_counter - row.first_counter + 1 + row.canaries


def listed(session: Session, row: Package, order: CodeOrder, cipher: SerialCipher) -> ListedCodes:
    canary_first = 0
    if row.canary_order_id is not None:
        canary_first = orders.find(session, row.canary_order_id, tenant_id=row.tenant_id).first_counter
    return ListedCodes(
        cipher,
        stretch=Stretch(
            first_counter=row.first_counter,
            codes=row.last_counter - row.first_counter + 1,
            canary_first=canary_first,
            canary_rows=canary_rows(row, cipher),
        ),
        wording=Wording(
            addresses=url_signatures.addresses_of(order, cipher, origin=row.recipe["origin"]),
            gtin=order.gtin,
            lot=order.lot,
            kind=order.kind_of(row.first_counter),
            holding=_holding(order, row.first_counter),
        ),
    )


def composer(session: Session, row: Package, order: CodeOrder, cipher: SerialCipher) -> Composer:
    """What writes the file. Refuses designs that the order's mark does not fit."""
    design = FileDesign.from_plain(row.recipe)
    codes = listed(session, row, order, cipher)
    if design.format is Format.ROWS:
        return RowFile(codes, template=design.template, cipher=cipher)
    if design.format is Format.PARQUET:
        return ParquetTable(codes, template=design.template, cipher=cipher)
    spec, mask = MarkSpec.from_plain(row.recipe["mark"]), row.recipe["mask"]
    press = marking.press_of(order, cipher, origin=row.recipe["origin"], spec=spec, mask=mask)
    if design.format is Format.PDF:
        return _sheets(session, row, codes, press, design.sheet)
    if design.format is Format.ZPL:
        layout = zpl_labels.laid_out(spec, press.size, design.label)
        bare = marking.press_of(order, cipher, origin=row.recipe["origin"], spec=replace(spec, quiet_modules=0), mask=mask)
        return ZplLabels(codes, press=bare, layout=layout, text=spec.text)
    return PictureZip(codes, press=press, picture=Picture.PNG if design.format is Format.PNG_ZIP else Picture.SVG)


def _sheets(session: Session, row: Package, codes: ListedCodes, press: MarkPress, sheet: SheetDesign | None) -> LabelSheets:
    assert sheet is not None  # noqa: S101 - a design without one was refused
    wording = codes.wording
    return LabelSheets(
        codes,
        template=sheet.template,
        press=press,
        words=LabelWords(product=sheet.product, gtin=wording.gtin, lot=wording.lot, kind=sheet.kind),
        logo=library.logo_of(session, sheet.template, tenant_id=row.tenant_id),
    )


def secrets(row: Package, cipher: SerialCipher) -> tuple[bytes, bytes]:
    """(file key, the lock's own secret): they follow from everything that makes the content, so no key ever seals two contents."""
    content: dict[str, Any] = {name: value for name, value in row.recipe.items() if name not in _NOT_CONTENT}
    digest = hashlib.sha256(manifests.canonical({**content, "id": str(row.id), "purpose": purpose(row)})).hexdigest()
    return (
        seals.derive(cipher.keys.package, f"onemark/1/package/file {digest}"),
        seals.derive(cipher.keys.package, f"onemark/1/package/lock {digest}"),
    )


def path(row: Package, objects_dir: Path) -> Path:
    return objects_dir / _FOLDER / str(row.tenant_id) / str(row.id)


def _holding(order: CodeOrder, counter: int) -> Holding | None:
    """What holds the codes of the block that `counter` is of."""
    if order.packaging is None:
        return None
    block = order.packaging.block_of(counter - order.first_counter)
    if block.parent_first is None:
        return None
    return Holding(
        children_first=order.first_counter + block.first,
        parent_first=order.first_counter + block.parent_first,
        per_parent=block.per_parent,
    )
