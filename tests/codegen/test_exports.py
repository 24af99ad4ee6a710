"""Background exports: idempotent requests, steps, crashes at each moment, two workers, a full disk."""

import errno
import io
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from codegen import brands
from codegen.brands import Brand
from codegen.code_lists import exports, listing
from codegen.code_lists.exports import Export, ExportState
from codegen.keys import keyring
from codegen.orders import CodeOrder
from kit.db import transaction
from kit.ids import uuid7
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.conftest import Database

ROWS = 100


@pytest.fixture
def order(inside: Inside, tea: Brand, gtin: str) -> CodeOrder:
    with inside() as session:
        return ordered(session, tea, gtin, quantity=ROWS)


@pytest.fixture
def export(inside: Inside, tea: Brand, order: CodeOrder) -> Export:
    return asked(inside, tea, order.id)


def asked(inside: Inside, tea: Brand, order_id: UUID, *, first: int = 1, last: int | None = None) -> Export:
    with inside() as session:
        return exports.request(
            session,
            tenant_id=tea.tenant_id,
            export_id=uuid7(NOW),
            order_id=order_id,
            first=first,
            last=last,
            now=NOW,
            actor="alice",
        )


def step(inside: Inside, tea: Brand, export: Export, folder: Path, *, rows: int = 30) -> Export | None:
    with inside() as session:
        return exports.advance(
            session, tenant_id=tea.tenant_id, export_id=export.id, kek=KEK, objects_dir=folder, now=NOW, rows_max=rows
        )


def finished(inside: Inside, tea: Brand, export: Export, folder: Path) -> bytes:
    while True:
        moved = step(inside, tea, export, folder)
        assert moved is not None
        if moved.finished:
            break
    with inside() as session:
        return exports.file_of(session, export.id, tenant_id=tea.tenant_id, objects_dir=folder).read_bytes()


def undisturbed(inside: Inside, tea: Brand, order: CodeOrder, *, first: int = 1, last: int | None = None) -> bytes:
    out = io.BytesIO()
    with inside() as session:
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=order.epoch, kek=KEK)
    listing.write(order, cipher, origin=tea.scan_origin, out=out, progress=lambda _rows: None, first=first, last=last)
    return out.getvalue()


def test_steps_make_the_file_and_say_how_far_they_are(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path
) -> None:
    assert (export.state, export.rows_done, export.rows_total) == (ExportState.QUEUED, 0, ROWS)
    seen = [step(inside, tea, export, tmp_path) for _ in range(4)]
    assert [(one.state, one.rows_done) for one in seen if one] == [
        (ExportState.RUNNING, 30),
        (ExportState.RUNNING, 60),
        (ExportState.RUNNING, 90),
        (ExportState.READY, 100),
    ]
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def test_a_part_of_an_order_can_be_asked_for(inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path) -> None:
    export = asked(inside, tea, order.id, first=41, last=75)
    assert export.rows_total == 35
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order, first=41, last=75)


def test_asking_twice_is_asking_once_and_tells_the_worker_once(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export
) -> None:
    with inside() as session:
        again = exports.request(
            session, tenant_id=tea.tenant_id, export_id=export.id, order_id=order.id, now=NOW + timedelta(1), actor="bob"
        )
        assert again == export
        assert session.execute(text("SELECT topic, payload FROM outbox")).all() == [
            ("codegen.export", {"export_id": str(export.id)})
        ]
        with pytest.raises(exports.ExportDiffers):
            exports.request(
                session, tenant_id=tea.tenant_id, export_id=export.id, order_id=order.id, last=5, now=NOW, actor="bob"
            )


def test_a_worker_killed_before_its_commit_leaves_nothing_behind_in_the_file(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path
) -> None:
    def killed_in_the_middle() -> None:
        with inside() as session:
            exports.advance(
                session, tenant_id=tea.tenant_id, export_id=export.id, kek=KEK, objects_dir=tmp_path, now=NOW, rows_max=40
            )
            raise SystemExit

    step(inside, tea, export, tmp_path)
    with pytest.raises(SystemExit):
        killed_in_the_middle()
    (part,) = tmp_path.rglob("*.part")
    with part.open("ab") as torn:
        torn.write(b"HTTPS://TORN")
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def test_a_worker_killed_between_rename_and_commit_has_done_its_work(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path
) -> None:
    def killed_after_the_rename() -> None:
        with inside() as session:
            exports.advance(session, tenant_id=tea.tenant_id, export_id=export.id, kek=KEK, objects_dir=tmp_path, now=NOW)
            raise SystemExit

    with pytest.raises(SystemExit):
        killed_after_the_rename()
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def test_a_part_that_was_lost_is_written_again(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path
) -> None:
    step(inside, tea, export, tmp_path)
    (part,) = tmp_path.rglob("*.part")
    part.unlink()
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def test_a_changed_origin_does_not_split_a_file(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path
) -> None:
    step(inside, tea, export, tmp_path)
    with inside() as session:
        brands.change_origin(session, tenant_id=tea.tenant_id, scan_origin="https://moved.example")
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def test_a_second_worker_finds_the_export_busy(inside: Inside, tea: Brand, export: Export, tmp_path: Path) -> None:
    with inside() as session:
        exports.advance(
            session, tenant_id=tea.tenant_id, export_id=export.id, kek=KEK, objects_dir=tmp_path, now=NOW, rows_max=10
        )
        assert step(inside, tea, export, tmp_path) is None


def test_a_full_disk_is_said_and_the_export_can_be_tried_again(
    inside: Inside, tea: Brand, order: CodeOrder, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(inside, tea, export, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(listing, "write_rows", full_disk)
        failed = step(inside, tea, export, tmp_path)
    assert failed is not None
    assert (failed.state, failed.error, failed.rows_done) == (ExportState.FAILED, "No space left on device", 0)
    assert list(tmp_path.rglob("*.part")) == []
    with inside() as session:
        with pytest.raises(exports.ExportNotReady):
            exports.file_of(session, export.id, tenant_id=tea.tenant_id, objects_dir=tmp_path)
        assert exports.retry(session, tenant_id=tea.tenant_id, export_id=export.id, now=NOW).state is ExportState.QUEUED
    assert finished(inside, tea, export, tmp_path) == undisturbed(inside, tea, order)


def full_disk(*_args: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_no_step_has_moved_for_a_while_is_stuck(inside: Inside, tea: Brand, export: Export, tmp_path: Path) -> None:
    with inside() as session:
        assert exports.stuck(session, tenant_id=tea.tenant_id, now=NOW + timedelta(minutes=1)) == []
        assert exports.stuck(session, tenant_id=tea.tenant_id, now=NOW + timedelta(minutes=3)) == [export.id]
    finished(inside, tea, export, tmp_path)
    with inside() as session:
        assert exports.stuck(session, tenant_id=tea.tenant_id, now=NOW + timedelta(minutes=3)) == []


def test_exports_of_an_order_are_listed_and_another_brands_is_unknown(
    inside: Inside, database: Database, tea: Brand, rival: Brand, order: CodeOrder, export: Export
) -> None:
    with inside() as session:
        assert exports.of_order(session, order.id, tenant_id=tea.tenant_id) == [export]
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session:
        assert exports.of_order(session, order.id, tenant_id=rival.tenant_id) == []
        with pytest.raises(exports.ExportUnknown):
            exports.find(session, export.id, tenant_id=rival.tenant_id)
