"""How fast does the scan log drain into PostgreSQL, with every projection? It must be faster than the edge can fill it.

Each round fills the log through the Redis function that the edge calls, while the ingesters are held still, then lets one drain it, and
in the next filling two side by side. At the end the edge is loaded for a minute with two ingesters at work, and ten times a second
somebody looks at what waits. Half of the scans are read by a program (one entry), half are pages with their beacon (two entries, one
row). Controls, with the rows of the same round: an INSERT for each scan into a table with the same columns and indexes, and COPY into
such a table, which is the ceiling; neither has row-level security, projections, a log to read or a verdict to judge.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from random import Random  # noqa: TID251 - the type; kit.chance makes it
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import make_url, text

from bench import ingesters
from bench.contenders import Contender, serving
from bench.figures import Report, Rounds, elapsed_s
from bench.ground import SEED, Ground
from bench.ingesters import Ingesters
from bench.load import Outcome, Plan
from bench.scan import JSON
from codegen.orders import CodeOrder
from kit import chance, ids
from kit.clock import unix_ms
from scanservice import catalogue, verdicts
from scanservice.edge.scanning import entries_max
from scanservice.hot import calls, functions, state
from scanservice.hot import log as scan_log
from scanservice.hot.log import Known, Visit
from scanservice.verdicts import Role, Standing

CODES = 100_000
SCANS = 40_000
WARM_SCANS = 500
VISITORS = 30_000
LOCATED_SHARE = 0.4
PIPELINE_CALLS = 1_000
INSERT_BATCH_ROWS = 1_000
# Somewhere in the middle of China, so that positions have divisions to be found.
LATITUDES = (23.0, 40.0)
LONGITUDES = (103.0, 119.0)
BEACON_AFTER = timedelta(seconds=2)

BURST_S = 60.0
ROUNDS_OF_BURST = 5

ONE = "one ingester with all projections"
TWO = "two ingesters side by side"
ENTRIES = "two, in log entries"
PYTHON = "two: processor time of the ingesters"
POSTGRES = "two: processor time of PostgreSQL"
INSERT = "control: INSERT for each scan"
COPY = "control: COPY into the same indexes"
BURST = "burst: scans that the edge answered"
MOST = "burst: entries that waited, at most"
LEFT = "burst: entries that waited at its end"
AFTER = "burst: time until all was stored"

COLUMNS = (
    "tenant_id, scan_id, scanned_at, confirmed_at, epoch, counter, order_id, gtin, lot, serial, verdict, reasons, role, visitor,"
    " whence, ip, latitude, longitude, accuracy_m, division, client, language, source"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """Writes scans into the log as an edge does."""

    ground: Ground
    order: CodeOrder
    pick: Random
    generation: int
    version: int

    def fill(self, scans: int) -> int:
        """Returns the number of entries that it made of them."""
        calls = (call for number in range(scans) for call in self._calls(number))
        entries = 0
        while some := list(islice(calls, PIPELINE_CALLS)):
            with self.ground.onemark.redis.pipeline(transaction=False) as pipeline:
                for call in some:
                    pipeline.fcall(functions.SCAN, 3, *call)
                pipeline.execute()
            entries += len(some)
        return entries

    def _calls(self, number: int) -> Iterator[list[Any]]:
        now = self.ground.onemark.clock.now()
        counter = self.order.first_counter + self.pick.randrange(CODES)
        visitor = self.pick.randrange(VISITORS).to_bytes(8, "little")
        scan_id = ids.uuid7(now)
        if number % 2:
            yield self._call(scan_id, now, counter, self._visit(visitor))
            return
        yield self._call(scan_id, now, counter, self._visit(visitor, page=True))
        yield self._call(scan_id, now + BEACON_AFTER, counter, self._visit(visitor))

    def _visit(self, visitor: bytes, *, page: bool = False) -> Visit:
        located = not page and self.pick.random() < LOCATED_SHARE
        return Visit(
            confirmed=not page,
            visitor=visitor,
            whence=visitor[: state.WHENCE_BYTES],
            ip=bytes((10, 0, visitor[0], visitor[1])),
            client="wechat" if page else "api",
            language="zh-CN",
            latitude=self.pick.uniform(*LATITUDES) if located else None,
            longitude=self.pick.uniform(*LONGITUDES) if located else None,
            accuracy_m=25.0 if located else None,
        )

    def _call(self, scan_id: UUID, at: datetime, counter: int, visit: Visit) -> list[Any]:
        order = self.order
        known = Known(self.ground.tenant_id, Standing.ACTIVE, "", order.gtin, order.lot, order.epoch, order.id)
        entry = scan_log.encode(
            scan_id, unix_ms(at), counter=counter, serial="", known=scan_log.pack(known), visit=scan_log.pack(visit)
        )
        tenant_id = self.ground.tenant_id
        partition = functions.partition_of(tenant_id, counter)
        return [
            functions.meta_key(partition),
            functions.log_key(partition),
            functions.bucket_key(partition, tenant_id=tenant_id, epoch=self.order.epoch, counter=counter),
            self.generation,
            self.version,
            entries_max(self.ground.onemark.settings.log_bytes_max),
            calls.DONE_S,
            functions.field(counter),
            calls.told(
                verdicts.mode(known.standing, Role.CONSUMER, confirmed=visit.confirmed),
                state.seconds(at.timestamp()),
                visit.visitor[: state.VISITOR_BYTES],
                visit.whence,
                entry,
            ),
        ]


class PlainTable:
    """A scan table of the simplest kind: the same columns, keys and indexes, and nothing around them."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE bench_scan (LIKE scan INCLUDING ALL)")
        connection.commit()

    def insert(self, rows: Sequence[Sequence[Any]]) -> None:
        values = ", ".join(["%s"] * len(rows[0]))
        for first in range(0, len(rows), INSERT_BATCH_ROWS):
            with self._connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO bench_scan ({COLUMNS}) VALUES ({values})", rows[first : first + INSERT_BATCH_ROWS]
                )
            self._connection.commit()

    def copy(self, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY bench_scan ({COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        self._connection.commit()

    def empty(self) -> None:
        self._connection.execute("TRUNCATE bench_scan")
        self._connection.commit()


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=CODES, lot="INGEST", activate=True)
    known = catalogue.load(ground.onemark.engine, kek=ground.onemark.settings.kek_bytes)
    filler = Filler(ground=ground, order=order, pick=chance.seeded(SEED), generation=known.generation, version=known.version)
    samples = Rounds()
    owner = make_url(ground.onemark.settings.database_owner_url).set(drivername="postgresql")
    with (
        ingesters.running(ground, count=1) as one,
        ingesters.running(ground, count=1) as other,
        psycopg.connect(owner.render_as_string(hide_password=False)) as connection,
    ):
        # The first position loads the map of divisions, the first batch makes the month's partition.
        filler.fill(WARM_SCANS)
        other.pause()
        filler.fill(WARM_SCANS)
        one.pause()
        table = PlainTable(connection)
        for _ in range(rounds):
            _round(ground, samples, filler, (one, other), table)
        one.resume()
        other.resume()
        _burst(ground, samples, order, one, seconds=BURST_S * min(1.0, rounds / ROUNDS_OF_BURST))
    return _report(ground, samples, scans=2 * WARM_SCANS + rounds * 2 * SCANS)


def _round(ground: Ground, samples: Rounds, filler: Filler, both: tuple[Ingesters, Ingesters], table: PlainTable) -> None:
    one, other = both
    filler.fill(SCANS)
    one.resume()
    samples.note(ONE, "scans/s", SCANS / elapsed_s(one.drain))
    one.pause()
    entries = filler.fill(SCANS)
    before = one.core_s() + other.core_s(), ingesters.postgres_core_s(ground)
    one.resume()
    other.resume()
    seconds = elapsed_s(one.drain)
    after = one.core_s() + other.core_s(), ingesters.postgres_core_s(ground)
    samples.note(TWO, "scans/s", SCANS / seconds)
    samples.note(ENTRIES, "entries/s", entries / seconds)
    for what, late, early in zip((PYTHON, POSTGRES), after, before, strict=True):
        samples.note(what, "microseconds a scan", (late - early) / SCANS * 1e6)
    one.pause()
    other.pause()
    rows = _newest(ground, SCANS)
    samples.note(INSERT, "scans/s", len(rows) / elapsed_s(lambda: table.insert(rows)))
    table.empty()
    samples.note(COPY, "scans/s", len(rows) / elapsed_s(lambda: table.copy(rows)))
    table.empty()


def _burst(ground: Ground, samples: Rounds, order: CodeOrder, waiting: Ingesters, *, seconds: float) -> None:
    targets_file = ground.folder / "targets.txt"
    targets_file.write_text("\n".join(ground.paths(order)), encoding="ascii")
    with serving(Contender.EDGE, ground) as edge:
        plan = Plan(
            port=edge.port,
            targets_file=str(targets_file),
            first=0,
            targets=CODES,
            headers=JSON,
            status=200,
            expects='"verdict":',
            warm_s=0.0,
            measured_s=seconds,
        )
        with subprocess.Popen([sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            assert load.stdin is not None
            assert load.stdout is not None
            load.stdin.write(msgspec.json.encode(plan))
            load.stdin.close()
            looks = waiting.watch(load)
            outcome = msgspec.json.decode(load.stdout.read(), type=Outcome)
    # The load's process lives on a while to add up what it measured. The log tells when the last scan came.
    full = next(look for look in looks if look.logged >= looks[-1].logged)
    samples.note(BURST, "scans/s", outcome.per_s)
    samples.note(MOST, "entries", max(look.waiting for look in looks))
    samples.note(LEFT, "entries", full.waiting)
    samples.note(AFTER, "s", looks[-1].at_s - full.at_s)


def _newest(ground: Ground, count: int) -> list[Sequence[Any]]:
    columns = COLUMNS.replace("reasons", "reasons::text")
    with ground.onemark.transaction(ground.tenant_id) as session:
        found = session.execute(text(f"SELECT {columns} FROM scan ORDER BY scanned_at DESC LIMIT :count"), {"count": count})
        return [tuple(row) for row in found]


def _report(ground: Ground, samples: Rounds, *, scans: int) -> Report:
    with ground.onemark.transaction(ground.tenant_id) as session:
        stored = session.scalar(text("SELECT count(*) FROM scan")) or 0
        counted = session.scalar(text("SELECT sum(scans) FROM scan_total")) or 0
    return Report(
        title="Ingest",
        measured=samples.measured(),
        ratios=(
            samples.ratio(ONE, INSERT),
            samples.ratio(ONE, COPY, aim="ceiling: 1"),
            samples.ratio(TWO, ONE),
        ),
        notes=(
            f"{scans:,} scans recorded before the burst, {stored:,} rows in the scan log, {int(counted):,} in the totals by day after it.",
            (
                f"A round: {SCANS:,} scans ({SCANS + SCANS // 2:,} entries) of {VISITORS:,} visitors, {LOCATED_SHARE:.0%} with a position; "
                f"the ingesters run as `onemark run ingester`. The plain table is emptied for each control, so its indexes are small."
            ),
            "Aim in absolute figures, on two cores: >= 30,000 scans/s with all projections.",
        ),
    )
