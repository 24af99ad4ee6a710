"""What does it take to drop a month of the scan log, and what stays of it? `python -m bench.dropping --scans 1000000`

Scans of one month, four months ago, four for every three codes; then they are folded day by day and the month is dropped.
"""

import argparse
import time
from datetime import date

from sqlalchemy import text

from bench import ground
from bench.ground import Ground
from bench.rebuild import peak_mib
from scanservice.hot import state
from scanservice.ingest import dropping, months

SCANS = 1_000_000
ROWS_AT_ONCE = 100_000
MONTHS_AGO = 4
_LIMIT = text("SET LOCAL statement_timeout = 3600000")
_FILL = text("""
INSERT INTO scan (tenant_id, scan_id, scanned_at, confirmed_at, epoch, counter, order_id, gtin, lot, verdict, role, visitor, whence)
SELECT :tenant_id, gen_random_uuid(), t.at, t.at, :epoch, :first_counter + n * 3 / 4, :order_id, :gtin, 'MONTH', 'genuine_first', 'consumer',
       substr(uuid_send(gen_random_uuid()), 1, 8), substr(uuid_send(gen_random_uuid()), 1, :whence_bytes)
  FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n,
       LATERAL (SELECT CAST(:since AS timestamptz) + (n * 0 + random()) * interval '28 days' AS at) AS t
""")
_KEPT = text("SELECT count(*), pg_total_relation_size('code_state') FROM code_state")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dropping", description=__doc__)
    parser.add_argument("--scans", type=int, default=SCANS, help="scans of the month (default: %(default)s)")
    scans = parser.parse_args().scans
    with ground.prepared() as place:
        month = fill(place, scans)
        onemark, now = place.onemark, place.onemark.clock.now()
        loss = dropping.foreseen(onemark.engine, onemark.redis, month=month, now=now)
        print(f"{loss.scans:,} scans, {loss.bytes / loss.scans:,.0f} bytes each with their indexes.", flush=True)
        began, core = time.perf_counter(), time.process_time()
        while dropping.step(onemark.engine, month=month):
            pass
        folded_s, core_s = time.perf_counter() - began, time.process_time() - core
        began = time.perf_counter()
        gone = dropping.finish(onemark.engine, month=month)
        dropped_s = time.perf_counter() - began
        with onemark.transaction(place.tenant_id) as session:
            codes, size = session.execute(_KEPT).one()
    print(
        f"folded in {folded_s:,.1f} s ({scans / folded_s:,.0f} scans/s), {core_s / scans * 1e6:.1f} microseconds of this process for each, "
        f"peak {peak_mib():,.0f} MiB; {gone:,} scans dropped in {dropped_s:,.2f} s; {codes:,} codes kept with {size / codes:,.0f} bytes each."
    )


def fill(place: Ground, scans: int) -> date:
    order = place.order(quantity=scans, lot="MONTH", activate=True)
    month = months.later(months.this(place.onemark.clock.now()), -MONTHS_AGO)
    values = {
        "tenant_id": place.tenant_id,
        "epoch": order.epoch,
        "first_counter": order.first_counter,
        "order_id": order.id,
        "gtin": order.gtin,
        "whence_bytes": state.WHENCE_BYTES,
        "since": months.begin_of(month),
    }
    for first in range(0, scans, ROWS_AT_ONCE):
        with place.onemark.transaction(place.tenant_id) as session:
            session.execute(_LIMIT)
            session.execute(text("SELECT ensure_scan_partition(:since)"), {"since": months.begin_of(month)})
            session.execute(_FILL, values | {"first": first, "last": min(first + ROWS_AT_ONCE, scans) - 1})
    return month


if __name__ == "__main__":
    main()
