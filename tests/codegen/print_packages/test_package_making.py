"""Making packages: killed workers, torn and lost files, two workers, full disks, sealed files."""

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import orders
from codegen.brands import Brand
from codegen.labels import built_in
from codegen.orders import CodeOrder
from codegen.print_packages import manifests, packages
from codegen.print_packages.file_designs import FileDesign, Format, SheetDesign
from codegen.print_packages.formats.parquet_tables import ParquetTable
from codegen.print_packages.guarding import recipients, sealed_files
from codegen.print_packages.guarding.package_locks import Sealing
from codegen.print_packages.package_files import JobMemory
from codegen.print_packages.packages import Package, PackageState, Printing
from tests.codegen import packaging
from tests.codegen.conftest import NOW, Inside, ordered
from tests.codegen.packaging import PASSPHRASE, asked, made, manifest, step
from tests.codegen.print_packages import small_steps
from tests.conftest import Database
from tests.waiting import until

STEPS_COMMITTED = 3  # each syncs the file and its notes
SHEET = SheetDesign(template=built_in.built_in("a4-3x8"), product="茶 Tea")
DESIGNS = {kind: FileDesign(format=kind, sheet=SHEET if kind is Format.PDF else None) for kind in Format}
KINDS = [
    (Format.ROWS, Sealing.OPEN),
    (Format.ROWS, Sealing.SEALED),
    (Format.PARQUET, Sealing.SEALED),
    (Format.PNG_ZIP, Sealing.OPEN),
    (Format.SVG_ZIP, Sealing.SEALED),
    (Format.ZPL, Sealing.OPEN),
    (Format.PDF, Sealing.SEALED),
]


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    small_steps.take(monkeypatch.setattr)


@pytest.fixture
def order(inside: Inside, tea: Brand, gtin: str) -> CodeOrder:
    packaging.printer(inside, tea, "Anna Print", passphrase=PASSPHRASE)
    packaging.printer(inside, tea, "Open House")
    with inside() as session:
        return ordered(session, tea, gtin, quantity=small_steps.CODES[Format.ROWS])


@pytest.fixture(params=KINDS, ids="-".join)
def package(inside: Inside, tea: Brand, order: CodeOrder, request: pytest.FixtureRequest) -> Package:
    kind, sealing = request.param
    return asked(inside, tea, order, "Anna Print", last=small_steps.CODES[kind], design=DESIGNS[kind], sealing=sealing)


@pytest.fixture(params=Sealing)
def lines(inside: Inside, tea: Brand, order: CodeOrder, request: pytest.FixtureRequest) -> Package:
    return asked(inside, tea, order, "Anna Print", sealing=request.param)


def undisturbed(inside: Inside, tea: Brand, package: Package, tmp_path: Path) -> tuple[bytes, bytes]:
    """(content, manifest) of a package that was made at once, elsewhere: a reprint for the same recipient has the same content."""
    with inside() as session:
        order = orders.find(session, package.order_id, tenant_id=tea.tenant_id)
    twin = asked(
        inside, tea, order, package.recipient, last=package.last, design=DESIGNS[package.format], printing=Printing.REPRINT
    )
    return made(inside, tea, twin, tmp_path / "elsewhere"), manifest(inside, tea, twin)


def content(raw: bytes) -> bytes:
    if sealed_files.is_sealed(raw):
        return b"".join(sealed_files.opened(io.BytesIO(raw), passphrase=PASSPHRASE))
    return raw


def test_steps_of_many_workers_make_the_file_of_one(inside: Inside, tea: Brand, package: Package, tmp_path: Path) -> None:
    raw = made(inside, tea, package, tmp_path)
    assert content(raw) == undisturbed(inside, tea, package, tmp_path)[0]
    found = manifests.verify(manifest(inside, tea, package), io.BytesIO(raw), keys=packaging.keys(inside, tea))
    assert found.sealed is (package.sealing is Sealing.SEALED)
    opened = manifests.verify(manifest(inside, tea, package), io.BytesIO(content(raw)), keys=packaging.keys(inside, tea))
    assert (opened.rows, opened.sealed) == (package.rows, False)


def test_a_worker_killed_in_the_middle_leaves_a_file_that_the_next_one_finishes_byte_by_byte(
    inside: Inside, database: Database, tea: Brand, package: Package, tmp_path: Path
) -> None:
    worker = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.codegen.print_packages.package_worker",
            database.app_url,
            str(tea.tenant_id),
            str(package.id),
            str(tmp_path),
            str(2 * STEPS_COMMITTED + 1),
        ],
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL
    (part,) = tmp_path.rglob("*.part")
    with inside() as session:
        found = packages.find(session, package.id, tenant_id=tea.tenant_id)
    assert (found.state, found.rows_done) == (PackageState.RUNNING, STEPS_COMMITTED * package.codes // 10)
    assert part.stat().st_size > 0
    until(lambda: step(inside, tea, package, tmp_path, JobMemory()) is not None, what="the lock of the dead")
    raw = made(inside, tea, package, tmp_path)
    assert content(raw) == undisturbed(inside, tea, package, tmp_path)[0]
    assert (
        manifests.verify(manifest(inside, tea, package), io.BytesIO(raw), keys=packaging.keys(inside, tea)).rows == package.rows
    )


def test_a_worker_killed_before_its_commit_leaves_nothing_in_the_file(
    inside: Inside, tea: Brand, lines: Package, tmp_path: Path
) -> None:
    step(inside, tea, lines, tmp_path, JobMemory())
    (part,) = tmp_path.rglob("*.part")
    with part.open("ab") as torn:
        torn.write(b"TORN" * 1000)
    assert content(made(inside, tea, lines, tmp_path)) == undisturbed(inside, tea, lines, tmp_path)[0]


def test_a_file_that_was_finished_before_anybody_was_told_is_taken_up_again(
    inside: Inside, tea: Brand, lines: Package, tmp_path: Path
) -> None:
    step(inside, tea, lines, tmp_path, JobMemory())
    (part,) = tmp_path.rglob("*.part")
    part.rename(part.with_suffix(""))
    assert content(made(inside, tea, lines, tmp_path)) == undisturbed(inside, tea, lines, tmp_path)[0]


def test_a_part_that_was_lost_is_written_again(inside: Inside, tea: Brand, lines: Package, tmp_path: Path) -> None:
    memory = JobMemory()
    step(inside, tea, lines, tmp_path, memory)
    (part,) = tmp_path.rglob("*.part")
    part.unlink()
    step(inside, tea, lines, tmp_path, memory)
    raw = made(inside, tea, lines, tmp_path)
    assert manifests.verify(manifest(inside, tea, lines), io.BytesIO(raw), keys=packaging.keys(inside, tea))


def test_a_second_worker_finds_the_package_busy(inside: Inside, tea: Brand, lines: Package, tmp_path: Path) -> None:
    with inside() as session:
        packages.retry(session, tenant_id=tea.tenant_id, package_id=lines.id, now=NOW)  # holds the row
        assert step(inside, tea, lines, tmp_path, JobMemory()) is None
    assert list(tmp_path.rglob("*.part")) == []


def test_a_full_disk_is_said_leaves_nothing_and_the_package_can_be_tried_again(
    inside: Inside, tea: Brand, package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(inside, tea, package, tmp_path, JobMemory())
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        failed = step(inside, tea, package, tmp_path, JobMemory())
    assert failed is not None
    assert (failed.state, failed.error, failed.rows_done) == (PackageState.FAILED, "No space left on device", 0)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert step(inside, tea, package, tmp_path, JobMemory()) == failed
    with inside() as session:
        assert packages.retry(session, tenant_id=tea.tenant_id, package_id=package.id, now=NOW).state is PackageState.QUEUED
    assert content(made(inside, tea, package, tmp_path)) == undisturbed(inside, tea, package, tmp_path)[0]


def full_disk(_file: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_sealed_file_shows_no_code_and_opens_for_its_recipient(
    inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path
) -> None:
    raw = made(inside, tea, asked(inside, tea, order, "Anna Print", sealing=Sealing.SEALED), tmp_path)
    assert tea.scan_origin.upper().encode() not in raw
    assert content(raw).count(b"\n") == small_steps.CODES[Format.ROWS] + 21
    with pytest.raises(sealed_files.SealedForAnother):
        list(sealed_files.opened(io.BytesIO(raw), passphrase="wrong horse battery"))


def test_a_recipient_without_a_lock_gets_no_sealed_file(inside: Inside, tea: Brand, order: CodeOrder) -> None:
    with pytest.raises(recipients.RecipientWithoutLock):
        asked(inside, tea, order, "Open House", sealing=Sealing.SEALED)
    assert asked(inside, tea, order, "Open House")  # the refused one took no rows


def test_a_file_that_another_version_of_a_library_began_is_begun_again_under_another_key(
    inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = asked(inside, tea, order, "Anna Print", last=200, design=DESIGNS[Format.PARQUET], sealing=Sealing.SEALED)
    step(inside, tea, package, tmp_path, JobMemory())
    (part,) = tmp_path.rglob("*.part")
    head = part.read_bytes()[:50]
    monkeypatch.setattr(ParquetTable, "fingerprint", "pyarrow 99")
    raw = made(inside, tea, package, tmp_path)
    assert raw[:50] != head
    assert content(raw) == undisturbed(inside, tea, package, tmp_path)[0]


def test_one_jobs_memory_spares_work_and_changes_nothing(inside: Inside, tea: Brand, package: Package, tmp_path: Path) -> None:
    memory, moved = JobMemory(), None
    while moved is None or not moved.finished:
        moved = step(inside, tea, package, tmp_path, memory)
    with inside() as session:
        raw = packages.file_of(session, package.id, tenant_id=tea.tenant_id, objects_dir=tmp_path).read_bytes()
    assert content(raw) == undisturbed(inside, tea, package, tmp_path)[0]
    assert [file.suffix for file in tmp_path.rglob("*") if file.is_file()] == ["", ""]
