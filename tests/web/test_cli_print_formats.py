"""Marks, formats and parts from the command line, on an instance of production."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from tests.web.test_cli_packages import GTIN, production, run, said

__all__ = ["production"]


def fetched(package_id: str, name: str) -> bytes:
    run("packages", "fetch", package_id, "--out", name)
    run("packages", "manifest", package_id, "--out", f"{name}.json")
    run("packages", "keys", "--out", f"{name}.keys")
    assert said("packages", "verify", f"{name}.json", name, "--keys", f"{name}.keys")["package_id"] == package_id
    return Path(name).read_bytes()


def made(order: str, *arguments: str) -> list[dict[str, object]]:
    found = said("packages", "make", order, "--recipient", "Anna Print", *arguments)["packages"]
    assert {one["state"] for one in found} == {"ready"}
    return list(found)


@pytest.mark.usefixtures("production")
def test_an_order_is_marked_as_it_was_told_and_changed_until_it_is_packaged() -> None:
    order = said(
        "codes", "order", "--gtin", GTIN, "--quantity", "60", "--lot", "M1", "--level", "Q", "--module-mm", "0.4", "--dpi", "300"
    )["order_id"]
    mark = said("codes", "mark", order)
    assert (mark["level"], mark["module_mm"], mark["size"]["module_mm"], mark["size"]["module_dots"]) == ("Q", "0.4", "0.423", 5)
    assert "0.423 mm (0.4 asked for)" in run("codes", "mark", order, "--text", "none").stdout
    url = said("codes", "render", order, "--row", "7", "--out", "seven.png")["url"]
    (read,) = zxingcpp.read_barcodes(np.asarray(Image.open("seven.png").convert("L")))
    assert (read.text, read.extra["ECLevel"]) == (url, "Q")
    run("codes", "render", order, "--out", "seven.bmp", code=1)
    run("packages", "recipients", "add", "Anna Print")
    (package,) = made(order, "--format", "png-zip")
    with zipfile.ZipFile(io.BytesIO(fetched(str(package["package_id"]), "a.zip"))) as archive:
        pictures = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("L")) for name in archive.namelist()]
    assert len(pictures) == 62
    assert any((one == np.asarray(Image.open("seven.png").convert("L"))).all() for one in pictures)
    refused = run("codes", "mark", order, "--level", "H", code=1)
    assert "mark_fixed" in refused.stderr
    run("codes", "mark", order, "--level", "Q")


def test_files_of_every_kind_are_made_for_a_recipient_and_checked_by_them(production: str) -> None:
    run("packages", "recipients", "add", "Anna Print")
    (table,) = made(production, "--rows", "1..100", "--format", "parquet")
    assert pq.ParquetFile(io.BytesIO(fetched(str(table["package_id"]), "t.parquet"))).metadata.num_rows == 102
    (labels,) = made(production, "--rows", "101..150", "--format", "zpl", "--label-mm", "40x30")
    assert len(fetched(str(labels["package_id"]), "l.zpl").splitlines()) == 52
    told = json.loads(Path("l.zpl.json").read_text())
    assert (told["design"], told["mark"]["level"]) == ({"format": "zpl", "label_mm": ["40", "30"]}, "M")
    (sheets,) = made(production, "--rows", "151..200", "--format", "pdf")
    assert len(PdfReader(io.BytesIO(fetched(str(sheets["package_id"]), "s.pdf"))).pages) == 3
    (drawings,) = made(production, "--rows", "201..220", "--format", "svg-zip")
    assert len(zipfile.ZipFile(io.BytesIO(fetched(str(drawings["package_id"]), "s.zip"))).namelist()) == 22
    for wrong in (
        ["--format", "zpl", "--label-mm", "10x10"],
        ["--format", "zpl", "--label-mm", "wide"],
        ["--pins", "--format", "parquet"],
    ):
        run("packages", "make", production, "--recipient", "Anna Print", "--rows", "300..310", *wrong, code=1)


def test_a_brand_keeps_templates_of_its_own(production: str) -> None:
    run("packages", "recipients", "add", "Anna Print")
    template = {"columns": [{"source": "row"}, {"source": "serial"}], "separator": "semicolon", "line_end": "crlf"}
    Path("own.json").write_text(json.dumps(template))
    run("packages", "templates", "save", "Press 7", "own.json")
    run("packages", "templates", "save", "csv", "own.json", code=1)
    assert "Press 7" in run("packages", "templates", "list").stdout
    Path("again.json").write_text(run("packages", "templates", "show", "Press 7").stdout)
    run("packages", "templates", "save", "Press 7", "again.json")
    (package,) = made(production, "--rows", "1..10", "--template", "Press 7")
    assert fetched(str(package["package_id"]), "own.csv").startswith(b"row;serial\r\n")
    run("packages", "templates", "remove", "Press 7")
    run("packages", "templates", "remove", "Press 7", code=1)
    run("packages", "make", production, "--recipient", "Anna Print", "--rows", "11..20", "--template", "Press 7", code=1)


def test_all_parts_of_an_order_go_to_recipients_in_turn(production: str) -> None:
    for name in ("Anna Print", "Bert Caps"):
        run("packages", "recipients", "add", name)
    packed = said("codes", "order", "--gtin", GTIN, "--quantity", "100", "--lot", "P1", "--items-per-case", "10")["order_id"]
    Path("held.json").write_text(json.dumps({"columns": [{"source": "serial"}, {"source": "parent_serial"}]}))
    found = made(packed, "--recipient", "Bert Caps", "--parts-of", "60", "--template", "held.json")
    assert [(one["recipient"], one["first"], one["last"]) for one in found] == [
        ("Anna Print", 1, 60),
        ("Bert Caps", 61, 100),
        ("Anna Print", 101, 110),
    ]
    items, _, cases = (fetched(str(one["package_id"]), f"{one['first']}.csv").decode().split()[1:] for one in found)
    held, holding = {line.split(",")[1] for line in items}, {line.split(",")[0] for line in cases}
    assert len(held) == 6
    assert held < holding
    blank = said("codes", "order", "--quantity", "20", "--lot", "ROLL", "--profile", "short", "--request-id", "b")["order_id"]
    (package,) = made(blank, "--request-id", "once")
    assert made(blank, "--request-id", "once") == [package]
    assert fetched(str(package["package_id"]), "blank.csv").count(b"HTTPS://TEA.EXAMPLE/") == 22
    assert production
