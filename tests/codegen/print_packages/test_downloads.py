"""Downloads: counted, written down, and refused beyond the limit."""

from pathlib import Path

import pytest

from codegen.brands import Brand
from codegen.print_packages import downloads, packages
from codegen.print_packages.packages import Package
from tests.codegen import packaging
from tests.codegen.conftest import NOW, Inside, ordered


@pytest.fixture
def package(inside: Inside, tea: Brand, gtin: str) -> Package:
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
    return packaging.asked(inside, tea, order, "Anna Print", downloads_max=2)


def take(inside: Inside, tea: Brand, package: Package, folder: Path, *, actor: str = "anna") -> Path:
    with inside() as session:
        return downloads.take(
            session, package.id, tenant_id=tea.tenant_id, objects_dir=folder, address="192.0.2.7", now=NOW, actor=actor
        )


def test_downloads_are_written_down_and_refused_beyond_the_limit(
    inside: Inside, tea: Brand, package: Package, tmp_path: Path
) -> None:
    raw = packaging.made(inside, tea, package, tmp_path)
    assert take(inside, tea, package, tmp_path).read_bytes() == raw
    assert take(inside, tea, package, tmp_path, actor="bob").read_bytes() == raw
    with pytest.raises(downloads.DownloadsUsedUp):
        take(inside, tea, package, tmp_path)
    with inside() as session:
        found = downloads.listing(session, package.id, tenant_id=tea.tenant_id)
    assert [(one.number, one.fetched_by, one.address) for one in found] == [(1, "anna", "192.0.2.7"), (2, "bob", "192.0.2.7")]


def test_there_is_nothing_to_fetch_before_the_file_is_whole(inside: Inside, tea: Brand, package: Package, tmp_path: Path) -> None:
    with pytest.raises(packages.PackageNotReady):
        take(inside, tea, package, tmp_path)
    with inside() as session:
        assert downloads.listing(session, package.id, tenant_id=tea.tenant_id) == []
