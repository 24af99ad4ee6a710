"""What does a print package cost, in each format? A package is asked for and made as a worker makes it: canaries, digests, fsync and manifest included.

Controls are what one would write first: rows by Python's csv module, a table of Python's strings, pictures by segno and qrcode, labels by
a format string around qrcode's modules; sheets have theirs in `bench.labels`. Memory is that of a process of its own, the command `onemark packages resume`.
"""

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import segno
from qrcode.main import QRCode

from bench.figures import Report, Rounds, core_s
from bench.ground import ACTOR, Ground
from codegen.labels import built_in
from codegen.orders import CodeOrder
from codegen.print_packages import package_contents, package_making, packages
from codegen.print_packages.file_designs import FileDesign, Format, SheetDesign
from codegen.print_packages.guarding import recipients
from codegen.print_packages.package_files import JobMemory
from codegen.print_packages.package_models import Package as Row
from codegen.print_packages.packages import Package, Printing
from codegen.symbology.symbol_limits import Level
from kit import ids

UNIT = "rows/s of one core"
RECIPIENT = "Bench Print"
SHEET = "a4-3x8"
URI = "HTTPS://ID.EXAMPLE.COM/01/09521234543213/21/{serial}"
SERIAL = "{number:020}"  # digits only: a little easier for the control
CONTROL_PIXELS = 12  # a module of half a millimetre at 600 dots an inch, as the package has
CODES: Mapping[Format, int] = {
    Format.ROWS: 10_000_000,
    Format.PARQUET: 5_000_000,
    Format.PNG_ZIP: 20_000,
    Format.SVG_ZIP: 20_000,
    Format.ZPL: 50_000,
    Format.PDF: 50_000,
}
MEMORY_CODES: Mapping[Format, int] = {**CODES, Format.ZPL: 500_000, Format.PDF: 200_000, Format.PNG_ZIP: 40_000}
# What would lead the command to other servers than the benchmark's own.
UNSET = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "QUEUE_REDIS_URL", "ONEMARK_ENVIRONMENT")
CONTROL_ROWS = 200_000
CONTROL_SYMBOLS = 200
KILOBYTES = 1024  # of a mebibyte
# The command, and what the kernel says of its memory at its end; getrusage would tell the larger one of parent and child.
CHILD = """
from pathlib import Path
from web.cli import main
try:
    main()
finally:
    print(Path("/proc/self/status").read_text())
"""
NAMES = {
    Format.ROWS: "CSV of 10 M codes",
    Format.PARQUET: "Parquet of 5 M codes",
    Format.PNG_ZIP: "PNG in a ZIP archive",
    Format.SVG_ZIP: "SVG in a ZIP archive",
    Format.ZPL: "ZPL labels",
    Format.PDF: "PDF labels on sheets of 24",
}
AIMS = {
    Format.ROWS: ">= 400,000 rows/s a core",
    Format.PNG_ZIP: ">= 5,000 pictures/s a core",
    Format.PDF: ">= 3,000 labels/s a core",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    what: str
    format: Format
    count: int
    work: Callable[[], object]


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=max(MEMORY_CODES.values()), lot="PACKAGES")
    with ground.onemark.transaction(ground.tenant_id) as session:
        recipients.add(
            session,
            tenant_id=ground.tenant_id,
            name=RECIPIENT,
            kek=ground.onemark.settings.kek_bytes,
            now=ground.onemark.clock.now(),
            actor=ACTOR,
        )
    samples, sizes = Rounds(), {}
    for _ in range(rounds):
        for kind, codes in CODES.items():
            package = _asked(ground, order, kind, codes=codes)
            samples.note(NAMES[kind], UNIT, codes / core_s(partial(_made, ground, package)))
            sizes[kind] = _removed(ground, package)
        for control in _controls():
            samples.note(control.what, UNIT, control.count / core_s(control.work))
    for kind, codes in MEMORY_CODES.items():
        samples.note(f"peak memory, {NAMES[kind]}", "MiB", _peak_mib(ground, order, kind, codes=codes))
    return _report(samples, sizes)


def _asked(ground: Ground, order: CodeOrder, kind: Format, *, codes: int) -> Package:
    sheet = SheetDesign(template=built_in.built_in(SHEET), product="Tea") if kind is Format.PDF else None
    now = ground.onemark.clock.now()
    with ground.onemark.transaction(ground.tenant_id) as session:
        return packages.request(
            session,
            tenant_id=ground.tenant_id,
            package_id=ids.uuid7(now),
            order_id=order.id,
            recipient=RECIPIENT,
            last=codes,
            design=FileDesign(format=kind, sheet=sheet),
            printing=Printing.REPRINT,
            kek=ground.onemark.settings.kek_bytes,
            now=now,
            actor=ACTOR,
        )


def _made(ground: Ground, package: Package) -> None:
    memory, finished = JobMemory(), False
    while not finished:
        with ground.onemark.transaction(ground.tenant_id) as session:
            step = package_making.advance(
                session,
                tenant_id=ground.tenant_id,
                package_id=package.id,
                memory=memory,
                kek=ground.onemark.settings.kek_bytes,
                objects_dir=ground.onemark.settings.objects_dir,
                now=ground.onemark.clock.now(),
            )
        finished = step is None or step.finished


def _removed(ground: Ground, package: Package) -> float:
    """Gives the room back, and says how many bytes a row took."""
    with ground.onemark.transaction(ground.tenant_id) as session:
        row = session.get_one(Row, (ground.tenant_id, package.id))
        file = package_contents.path(row, ground.onemark.settings.objects_dir)
    size = file.stat().st_size
    file.unlink()
    return size / package.rows


def _peak_mib(ground: Ground, order: CodeOrder, kind: Format, *, codes: int) -> float:
    """Of the whole process, interpreter and libraries included, as the kernel counted it when it ended."""
    package = _asked(ground, order, kind, codes=codes)
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}  # noqa: TID251 - handed on
    environment["ONEMARK_DATA_DIR"] = str(ground.folder)
    command = [sys.executable, "-c", CHILD, "packages", "resume", "--json"]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    peak = re.search(r"VmHWM:\s+(\d+) kB", child.stdout)
    if child.returncode or str(package.id) not in child.stdout or peak is None:
        raise RuntimeError(f"{' '.join(command[3:])} ended with {child.returncode}: {child.stderr[-2000:]}")
    _removed(ground, package)
    return int(peak[1]) / KILOBYTES


def _controls() -> list[Control]:
    return [
        Control(what="control: csv.writer", format=Format.ROWS, count=CONTROL_ROWS, work=_csv),
        Control(what="control: Parquet from Python's strings", format=Format.PARQUET, count=CONTROL_ROWS, work=_parquet),
        Control(what="control: segno PNG in a ZIP archive", format=Format.PNG_ZIP, count=CONTROL_SYMBOLS, work=_segno_pngs),
        Control(
            what="control: qrcode PNG in a ZIP archive", format=Format.PNG_ZIP, count=CONTROL_SYMBOLS // 4, work=_qrcode_pngs
        ),
        Control(what="control: segno SVG in a ZIP archive", format=Format.SVG_ZIP, count=CONTROL_SYMBOLS, work=_segno_svgs),
        Control(what="control: qrcode's modules in ^GF", format=Format.ZPL, count=CONTROL_SYMBOLS // 4, work=_zpl),
    ]


def _numbered(count: int) -> list[tuple[str, str]]:
    """(URI, serial)"""
    serials = [SERIAL.format(number=number) for number in range(count)]
    return [(URI.format(serial=serial), serial) for serial in serials]


def _csv() -> None:
    writer = csv.writer(io.StringIO())
    writer.writerow(("url", "serial", "gtin", "lot", "kind"))
    for number in range(CONTROL_ROWS):
        serial = SERIAL.format(number=number)
        writer.writerow((URI.format(serial=serial), serial, "09521234543213", "PACKAGES", "item_outer"))


def _parquet() -> None:
    rows = _numbered(CONTROL_ROWS)
    columns = {
        "url": [uri for uri, _ in rows],
        "serial": [serial for _, serial in rows],
        "gtin": ["09521234543213"] * CONTROL_ROWS,
        "lot": ["PACKAGES"] * CONTROL_ROWS,
        "kind": ["item_outer"] * CONTROL_ROWS,
    }
    pq.write_table(pa.table(columns), io.BytesIO(), compression="zstd")


def _segno_pngs() -> None:
    _archived("png", lambda uri, out: segno.make_qr(uri, error="M").save(out, kind="png", border=4, scale=CONTROL_PIXELS))


def _segno_svgs() -> None:
    _archived("svg", lambda uri, out: segno.make_qr(uri, error="M").save(out, kind="svg", border=4))


def _archived(suffix: str, draw: Callable[[str, io.BytesIO], Any], *, count: int = CONTROL_SYMBOLS) -> None:
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        for uri, serial in _numbered(count):
            out = io.BytesIO()
            draw(uri, out)
            archive.writestr(f"{serial}.{suffix}", out.getvalue())


def _qrcode_pngs() -> None:
    def draw(uri: str, out: io.BytesIO) -> None:
        code = QRCode(error_correction=Level.M.constant, box_size=CONTROL_PIXELS)
        code.add_data(uri)
        code.make_image().save(out)

    _archived("png", draw, count=CONTROL_SYMBOLS // 4)


def _zpl() -> None:
    for uri, serial in _numbered(CONTROL_SYMBOLS // 4):
        code = QRCode(error_correction=Level.M.constant, border=0)
        code.add_data(uri)
        rows = ["".join("1" * CONTROL_PIXELS if dark else "0" * CONTROL_PIXELS for dark in row) for row in code.get_matrix()]
        width = -(-len(rows[0]) // 8)
        bits = [f"{int(row.ljust(width * 8, '0'), 2):0{width * 2}X}" for row in rows for _ in range(CONTROL_PIXELS)]
        size = width * len(bits)
        io.StringIO().write(f"^XA^FO20,20^GFA,{size},{size},{width},{''.join(bits)}^FS^FO20,500^A0N,40^FD{serial}^FS^XZ")


def _report(samples: Rounds, sizes: Mapping[Format, float]) -> Report:
    return Report(
        title="Packages",
        measured=samples.measured(),
        ratios=tuple(
            samples.ratio(NAMES[control.format], control.what, aim=AIMS.get(control.format, "")) for control in _controls()
        ),
        notes=(
            "Marks as usual: QR, level M, modules of half a millimetre at 600 dots an inch, and two readable lines; one canary in a thousand rows.",
            "Bytes a row: " + ", ".join(f"{NAMES[kind]} {size:,.0f}" for kind, size in sizes.items()) + ".",
            "Peak memory was taken of packages of "
            + ", ".join(f"{codes:,} ({kind})" for kind, codes in MEMORY_CODES.items())
            + " codes; aim: < 300 MiB.",
        ),
    )
