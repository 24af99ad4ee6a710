"""Sheets of labels as print packages: killed workers, and the same file for ever."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.brands import Brand
from codegen.labels.pdf import sheets
from codegen.print_packages import manifests
from codegen.print_packages.file_designs import DesignMalformed, FileDesign, Format, SheetDesign
from codegen.print_packages.package_files import JobMemory
from codegen.print_packages.packages import Printing
from tests.codegen import packaging
from tests.codegen.conftest import Inside, ordered
from tests.codegen.labels.samples import A4, ROLL
from tests.codegen.labels.test_sheets import seen
from tests.codegen.packaging import asked, made, manifest, step
from tests.codegen.print_packages import small_steps
from tests.conftest import Database
from tests.waiting import until

CODES = 150
DESIGN = FileDesign(format=Format.PDF, sheet=SheetDesign(template=A4, product="Tea"))


def test_a_worker_killed_in_the_middle_leaves_sheets_that_the_next_one_finishes_byte_by_byte(
    inside: Inside, database: Database, tea: Brand, gtin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps.take(monkeypatch.setattr)
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=CODES)
    package = asked(inside, tea, order, "Anna Print", design=DESIGN)
    arguments = (database.app_url, str(tea.tenant_id), str(package.id), str(tmp_path), "5")
    worker = subprocess.run([sys.executable, "-m", "tests.codegen.print_packages.package_worker", *arguments], check=False)
    assert worker.returncode == -signal.SIGKILL
    assert list(tmp_path.rglob("*.part"))
    until(lambda: step(inside, tea, package, tmp_path, JobMemory()) is not None, what="the lock of the dead")
    raw = made(inside, tea, package, tmp_path)
    twin = asked(inside, tea, order, "Anna Print", design=DESIGN, printing=Printing.REPRINT)
    monkeypatch.setattr(sheets, "ROWS_PER_STEP", 10_000)
    assert made(inside, tea, twin, tmp_path / "elsewhere") == raw
    found = manifests.verify(manifest(inside, tea, package), io.BytesIO(raw), keys=packaging.keys(inside, tea))
    assert (found.codes, found.rows) == (CODES, CODES + len(found.skip))
    assert len([text for page in range(-(-found.rows // 24)) for text in seen(raw, page)]) == found.rows


def test_a_pdf_has_a_label_template_and_nothing_else_has(inside: Inside, tea: Brand, gtin: str) -> None:
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=CODES)
    for design in (FileDesign(format=Format.PDF), FileDesign(sheet=SheetDesign(template=ROLL, product="Tea"))):
        with pytest.raises(DesignMalformed):
            asked(inside, tea, order, "Anna Print", design=design)
    assert FileDesign.from_plain(DESIGN.as_plain()) == DESIGN
