"""How long does `onemark import scans` take for the history of another platform? `python -m bench.backfill --scans 10000000`

The file is made first: scans of three months, one code in four scanned by a second phone, every third with a position. Then it is
loaded by the code of the command, and each of its stages is timed. Memory is the peak of this process, before and after.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them

from sqlalchemy import text

from bench import ground
from bench.ground import Ground
from bench.rebuild import peak_mib
from codegen.orders import CodeOrder
from kit import chance
from web import first_start, imports
from web.imports import scans
from web.imports.past_scans import HEADER

SCANS = 1_000_000
STEP_ROWS = 250_000
LINES_AT_ONCE = 50_000
MIB = 1 << 20
SPAN = timedelta(days=90)
PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
)


class Stages:
    """Prints a line now and then, and remembers how long each stage took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.core_s: dict[str, float] = {}
        self._name = ""
        self._said = 0
        self._began, self._core = time.perf_counter(), time.process_time()

    def __call__(self, name: str, rows: int) -> None:
        if name != self._name:
            self._name, self._said = name, 0
        now, core = time.perf_counter(), time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._began
        self.core_s[name] = self.core_s.get(name, 0.0) + core - self._core
        self._began, self._core = now, core
        if rows // STEP_ROWS > self._said:
            self._said = rows // STEP_ROWS
            print(f"  {name}: {rows:,} rows, {self.seconds[name]:,.1f} s, peak {peak_mib():,.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backfill", description=__doc__)
    parser.add_argument("--scans", type=int, default=SCANS, help="rows of the file (default: %(default)s)")
    rows = parser.parse_args().scans
    with ground.prepared() as place:
        order = place.order(quantity=rows - rows // 5, lot="HISTORY", activate=True)
        file = place.folder / "history.csv"
        write(place, order, file, rows)
        print(f"{rows:,} scans of {order.quantity:,} codes: {file.stat().st_size / MIB:,.0f} MiB.", flush=True)
        before_mib = peak_mib()
        stages = Stages()
        began, core = time.perf_counter(), time.process_time()
        loaded = imports.load(place.onemark, scans.KIND, file, tenant_id=place.tenant_id, progress=stages)
        seconds, core_s = time.perf_counter() - began, time.process_time() - core
        with place.onemark.transaction(place.tenant_id) as session:
            stored = int(session.scalar(text("SELECT count(*) FROM scan")) or 0)
    for name in stages.seconds:
        print(
            f"{name}: {stages.seconds[name]:,.1f} s, {stages.core_s[name] / rows * 1e6:.1f} microseconds of this process for each scan"
        )
    print(
        f"import scans: {loaded.rows_new:,} of {loaded.rows:,} new, {stored:,} stored, in {seconds:,.1f} s ({rows / seconds:,.0f} scans/s), "
        f"{core_s / rows * 1e6:.1f} microseconds of this process for each; its memory grew from {before_mib:,.0f} to {peak_mib():,.0f} MiB."
    )


def write(place: Ground, order: CodeOrder, file: Path, rows: int) -> None:
    """The first scans of all codes, and then the second ones of some, in the order of nothing in particular."""
    random = chance.seeded(ground.SEED)
    origin = first_start.origin(place.onemark.settings)
    paths = place.paths(order)
    began = place.onemark.clock.now().astimezone(UTC) - SPAN - timedelta(days=1)
    with file.open("w", encoding="utf-8") as out:
        out.write(",".join(HEADER) + "\n")
        for first in range(0, rows, LINES_AT_ONCE):
            some = range(first, min(first + LINES_AT_ONCE, rows))
            out.writelines(line(origin + paths[number % len(paths)], number, began, random) for number in some)


def line(url: str, number: int, began: datetime, random: Random) -> str:
    at = began + timedelta(seconds=random.randrange(int(SPAN.total_seconds())))
    ip = f"{1 + random.randrange(220)}.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
    position = ",,"
    if number % 3 == 0:
        position = f"{random.uniform(20, 45):.6f},{random.uniform(85, 125):.6f},{random.randrange(5, 200)}"
    return f'{at:%Y-%m-%dT%H:%M:%SZ},{url},v{random.randrange(1 << 32)},{ip},{position},"{PHONES[number % 2]}"\n'


if __name__ == "__main__":
    main()
