"""`onemark export`: what the platform knows, as files for other systems. A file appears whole or not at all."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from codegen.cipher import SerialCipher
from codegen.keys import keyring
from kit.csv_files import plain_cell
from scanservice.anomalies import anomalies
from scanservice.anomalies.anomalies import Anomaly
from scanservice.anomalies.suspicions import AnomalyKind
from web.cli.given_files import write_new
from web.cli.root import answer, brand_option, cli, json_option, onemark

ANOMALY_COLUMNS = (
    "kind",
    "serial",
    "distributor_id",
    "lot",
    "division",
    "score",
    "scans",
    "first_seen_at",
    "detected_at",
)

Row = tuple[Anomaly, tuple[int, int] | None]


@cli.group("export")
def group() -> None:
    """Write what the platform knows into CSV files."""


@group.command("anomalies")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice([kind.value for kind in AnomalyKind]), help="Of these kinds alone."
)
@brand_option
@json_option
def export_anomalies(out: Path, kinds: tuple[str, ...], tenant: str | None, *, as_json: bool) -> None:
    """Write the anomalies, in the order in which they were detected. A file that is there is replaced."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            ring = keyring.epochs(session, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
            ciphers = {epoch: one.cipher for epoch, one in ring.items()}
            wanted = [AnomalyKind(kind) for kind in kinds]
            rows = _Counted(anomalies.every_with_code(session, tenant_id=tenant_id, kinds=wanted))
            write_new(out, table(rows, ciphers=ciphers))
    answer({"file": out, "anomalies": rows.count}, as_json=as_json, sentence=f"{rows.count:,} anomalies in {out}")


def table(rows: Iterable[Row], *, ciphers: Mapping[int, SerialCipher]) -> Iterator[bytes]:
    """Lines of the file. A serial that was never ours is whatever somebody scanned, and no cell may be a formula."""
    yield _line(ANOMALY_COLUMNS)
    for row, code in rows:
        serial = ciphers[code[0]].serial_of(code[1]) if code else next(iter(row.serials), "")
        yield _line(
            (
                row.kind.value,
                plain_cell(serial),
                plain_cell(row.distributor_id),
                plain_cell(row.lot),
                row.division,
                f"{row.score:g}",
                str(row.scans),
                _instant(row.first_seen_at),
                _instant(row.detected_at),
            )
        )


class _Counted:
    """Counts what passes."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
