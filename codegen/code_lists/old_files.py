"""Finished files of codes go after a while: exports and print packages. What they held can be made again from the order.

Promises: the row stays, says that and why the file is gone, and `retry` makes the very same file again; running twice is harmless.
Refuses nothing: a file that is gone already is as good as removed.
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import models
from codegen.code_lists import exports
from codegen.print_packages import package_contents
from codegen.print_packages.package_models import Package

FILES_AT_ONCE = 50
GONE = "The file was old and has been removed. Ask for it again to have it made anew."


def remove(session: Session, *, tenant_id: int, before: datetime, objects_dir: Path) -> int:
    """One step; commit after it, and go on until it returns 0."""
    old_exports = session.scalars(
        select(models.Export)
        .where(models.Export.tenant_id == tenant_id, models.Export.state == "ready", models.Export.updated_at < before)
        .order_by(models.Export.updated_at)
        .limit(FILES_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for export in old_exports:
        exports.paths(export, objects_dir)[0].unlink(missing_ok=True)
        export.state, export.error, export.rows_done = "failed", GONE, 0
    old_packages = session.scalars(
        select(Package)
        .where(Package.tenant_id == tenant_id, Package.state == "ready", Package.updated_at < before)
        .order_by(Package.updated_at)
        .limit(FILES_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for package in old_packages:
        package_contents.path(package, objects_dir).unlink(missing_ok=True)
        package.state, package.error = "failed", GONE
    session.flush()
    return len(old_exports) + len(old_packages)
