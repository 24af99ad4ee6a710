"""Label templates and sheets from the command line."""

import json
from pathlib import Path

import numpy as np
import pypdfium2
import zxingcpp

from tests.web.test_cli_packages import production, run, said  # noqa: F401 - production is a fixture


def test_a_template_is_copied_changed_shown_and_printed(production: str, tmp_path: Path) -> None:  # noqa: F811
    plain = json.loads(run("labels", "show", "roll-40x30").stdout)
    own = tmp_path / "own.json"
    own.write_text(json.dumps({**plain, "name": "Tea roll", "border": True}), encoding="utf-8")
    assert said("labels", "add", str(own))["name"] == "Tea roll"
    assert [one["name"] for one in said("labels", "list")["templates"]][:2] == ["Tea roll", "a4-3x8"]
    own.write_text(json.dumps({**plain, "name": "Wide", "width_mm": "60"}), encoding="utf-8")
    assert "label_larger_than_page" in run("labels", "add", str(own), code=1).stderr

    run("labels", "preview", "Tea roll", "--product", "Tea", "--out", "label.svg")
    assert (tmp_path / "label.svg").read_text(encoding="utf-8").startswith("<svg")
    run("labels", "preview", "a4-3x8", "--product", "Tea", "--sheet", "--out", "sheet.svg")

    printed = said("codes", "labels", production, "--template", "a4-3x8", "--first", "3", "--last", "30", "--out", "labels.pdf")
    assert (printed["labels"], printed["pages"]) == (28, 2)
    run("codes", "export", production, "--first", "3", "--last", "30", "--out", "codes.csv")
    wanted = [line.partition(",")[0] for line in (tmp_path / "codes.csv").read_text(encoding="utf-8").splitlines()[1:]]
    found: list[str] = []
    for page in pypdfium2.PdfDocument(tmp_path / "labels.pdf"):
        grey = page.render(scale=300 / 72, grayscale=True).to_numpy()
        picture = np.ascontiguousarray(grey.reshape(grey.shape[:2]))
        found += [str(one.text) for one in zxingcpp.read_barcodes(picture, formats=zxingcpp.QRCode)]
    assert sorted(found) == sorted(wanted)
    run("codes", "labels", production, "--template", "a4-3x8", "--out", "labels.pdf", code=1)
    run("codes", "labels", production, "--template", "nobodys", "--out", "more.pdf", code=1)
    assert not (tmp_path / "more.pdf").exists()
