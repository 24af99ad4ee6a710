"""The plain CSV: right rows, equal lines, whole files or none, nothing that a spreadsheet would run."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from codegen.cipher import EpochKeys, SerialCipher
from codegen.code_lists import listing
from codegen.code_lists.listing import Layout
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.lifecycle.ranges import RowsOutsideOrder
from codegen.orders import CodeOrder
from kit.refusals import Invalid
from tests.codegen import slow_cipher
from tests.codegen.conftest import GTIN, NOW

MASTER = bytes(range(32))
CIPHER = SerialCipher(3, EpochKeys.derive(MASTER))
ORIGIN = "https://id.example"


def an_order(**change: Any) -> CodeOrder:
    data = {
        "id": UUID(int=7),
        "request_id": "r",
        "epoch": 3,
        "first_counter": 5_000,
        "quantity": 70_000,
        "gtin": Gtin(GTIN),
        "lot": "L1",
        "kind": Kind.ITEM_OUTER,
        "profile": Profile.GS1,
        "ordered_by": "alice",
        "created_at": NOW,
    }
    return CodeOrder(**{**data, **change})


def test_the_header_and_each_row_are_as_promised() -> None:
    out = io.BytesIO()
    heard: list[int] = []
    assert listing.write(an_order(), CIPHER, origin=ORIGIN, out=out, progress=heard.append) == 70_000
    lines = out.getvalue().decode("utf-8").splitlines()
    assert lines[0] == "url,serial,gtin,lot,kind,parent_serial,pin"
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8"))))
    assert len(rows) == 70_000
    assert len({row["serial"] for row in rows}) == 70_000
    for place in (0, 1, 32_767, 32_768, 65_536, 69_999):
        serial = slow_cipher.serial(MASTER, epoch=3, n=5_000 + place)
        assert rows[place] == {
            "url": f"HTTPS://ID.EXAMPLE/01/{GTIN}/21/{serial}",
            "serial": serial,
            "gtin": GTIN,
            "lot": "L1",
            "kind": "item_outer",
            "parent_serial": "",
            "pin": "",
        }
    assert heard == [32_768, 65_536, 70_000]


def test_short_codes_are_the_serial_behind_the_origin() -> None:
    out = io.BytesIO()
    listing.write(an_order(profile=Profile.SHORT, quantity=1), CIPHER, origin=ORIGIN, out=out, progress=ignore)
    serial = CIPHER.serial_of(5_000)
    assert out.getvalue().splitlines()[1].decode() == f"HTTPS://ID.EXAMPLE/{serial},{serial},{GTIN},L1,item_outer,,"


def test_a_part_is_those_rows_of_the_whole() -> None:
    whole, part = io.BytesIO(), io.BytesIO()
    listing.write(an_order(quantity=100), CIPHER, origin=ORIGIN, out=whole, progress=ignore)
    listing.write(an_order(quantity=100), CIPHER, origin=ORIGIN, out=part, progress=ignore, first=11, last=20)
    assert part.getvalue().splitlines()[1:] == whole.getvalue().splitlines()[11:21]


def test_rows_outside_the_order_are_refused() -> None:
    with pytest.raises(RowsOutsideOrder):
        listing.write(an_order(quantity=5), CIPHER, origin=ORIGIN, out=io.BytesIO(), progress=ignore, last=6)


def test_the_size_of_a_file_is_known_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    listing.write_file(an_order(quantity=123), CIPHER, origin=ORIGIN, path=path, progress=ignore)
    assert path.stat().st_size == Layout.of(an_order(), CIPHER, origin=ORIGIN).bytes_of(123)
    assert [entry.name for entry in tmp_path.iterdir()] == ["codes.csv"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("before")

    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listing.write_file(an_order(quantity=10), CIPHER, origin=ORIGIN, path=path, progress=stop)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["codes.csv"]


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        listing.write_file(an_order(quantity=1), CIPHER, origin=ORIGIN, path=tmp_path / "no" / "codes.csv", progress=ignore)
    assert refused.value.code == "file_not_writable"
    assert "no such file or directory" in refused.value.detail


def ignore(_rows: int) -> None:
    """Nobody watches."""
