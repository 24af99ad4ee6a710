"""How long does `onemark rebuild state` take, and how much memory? `python -m bench.rebuild --codes 10000000`

Scan rows are made by PostgreSQL itself, one for each code and a second one for every fourth; the rebuild then reads them as it would
after a lost Redis. It holds one batch at a time, so its memory does not grow with the number of codes; Redis' does, and is printed.
"""

import argparse
import resource
import time

from sqlalchemy import text

from bench import ground
from bench.ground import Ground
from scanservice.hot import state
from scanservice.ingest import rebuild

CODES = 1_000_000
CODES_AT_ONCE = 100_000
STEP_CODES = 250_000
MIB = 1 << 20
# One statement of so many rows takes longer than requests may.
_LIMIT = text("SET LOCAL statement_timeout = 3600000")
_FILL = text("""
INSERT INTO scan (tenant_id, scan_id, scanned_at, confirmed_at, epoch, counter, order_id, gtin, lot, verdict, role, visitor, whence)
SELECT :tenant_id, gen_random_uuid(), now() - random() * interval '20 days', now(), :epoch, n, :order_id, :gtin, 'REBUILD',
       'genuine_first', 'consumer', substr(uuid_send(gen_random_uuid()), 1, 8), substr(uuid_send(gen_random_uuid()), 1, :whence_bytes)
  FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n, generate_series(1, CASE WHEN n % 4 = 0 THEN 2 ELSE 1 END)
""")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild", description=__doc__)
    parser.add_argument("--codes", type=int, default=CODES, help="scanned codes (default: %(default)s)")
    codes = parser.parse_args().codes
    with ground.prepared() as place:
        rows = fill(place, codes)
        print(f"{codes:,} codes with {rows:,} scans are in PostgreSQL.", flush=True)
        before_mib = peak_mib()
        done, began = 0, time.perf_counter()

        def progress(more: int) -> None:
            nonlocal done
            if (done + more) // STEP_CODES > done // STEP_CODES:
                print(f"  {done + more:,} codes, {time.perf_counter() - began:,.1f} s, peak {peak_mib():,.0f} MiB", flush=True)
            done += more

        core = time.process_time()
        built = rebuild.rebuild(
            place.onemark.engine, place.onemark.redis, drain=lambda: 0, now=place.onemark.clock.now(), progress=progress
        )
        seconds, core_s = time.perf_counter() - began, time.process_time() - core
        redis = place.onemark.redis.info("memory")["used_memory"]
    print(
        f"rebuild state: {built.codes:,} codes in {seconds:,.1f} s ({built.codes / seconds:,.0f} codes/s), {core_s / codes * 1e6:.1f} "
        f"microseconds of this process for each; its memory grew from {before_mib:,.0f} to {peak_mib():,.0f} MiB; "
        f"Redis uses {redis / MIB:,.0f} MiB, {redis / codes:.0f} bytes a code."
    )


def fill(place: Ground, codes: int) -> int:
    order = place.order(quantity=codes, lot="REBUILD", activate=True)
    rows = 0
    for first in range(0, codes, CODES_AT_ONCE):
        values = {
            "tenant_id": place.tenant_id,
            "epoch": order.epoch,
            "order_id": order.id,
            "gtin": order.gtin,
            "whence_bytes": state.WHENCE_BYTES,
            "first": order.first_counter + first,
            "last": order.first_counter + min(first + CODES_AT_ONCE, codes) - 1,
        }
        with place.onemark.transaction(place.tenant_id) as session:
            session.execute(_LIMIT)
            for month in ("now()", "now() - interval '20 days'"):
                session.execute(text(f"SELECT ensure_scan_partition({month})"))
            session.execute(_FILL, values)
        rows += min(CODES_AT_ONCE, codes - first)
    with place.onemark.transaction(place.tenant_id) as session:
        return int(session.scalar(text("SELECT count(*) FROM scan")) or 0)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
