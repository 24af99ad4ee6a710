"""What does issuing cost? Serials are computed, so an order of a billion is one row; the control writes a row for each code.

The control is what a platform with a table of codes does: a random token for each item, unique by an index, inserted a thousand
to a commit. Beside it stands COPY, the fastest way into a table that PostgreSQL has.
"""

import secrets
from functools import partial
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import make_url

from bench.figures import Report, Rounds, core_s, elapsed_s
from bench.ground import Ground
from codegen.cipher import SerialCipher
from codegen.code_lists import listing
from codegen.keys import keyring
from codegen.orders import QUANTITY_MAX, CodeOrder

VECTORISED = "serials, vectorised"
CLOCK = "serials, vectorised, by the clock"
SCALAR = "serials, one at a time"
AES = "ceiling: the AES of it alone"
CHECK = "checking one serial"
ORDER = "order of 10^9 codes"
EXPORT = "CSV of an order"
INSERT = "control: random token rows, INSERT"
COPY = "control: random token rows, COPY"
EXPORT_CONTROL = "control: CSV of token rows, COPY TO"

VECTORISED_COUNT = 1 << 20
SCALAR_COUNT = 20_000
INSERT_BATCH_ROWS = 1_000
INSERT_BATCHES = 10
COPY_ROWS = 100_000
EXPORT_ROWS = 1_000_000
TOKEN_BYTES = 12
AES_BLOCK_BYTES = 16
AES_PIECE_BYTES = 1 << 18
ORIGIN = "HTTPS://ID.EXAMPLE"


class TableOfCodes:
    """A row for each code, in the PostgreSQL that ours uses too."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE bench_code (token text PRIMARY KEY, order_id bigint NOT NULL)")
        connection.commit()

    def insert(self) -> None:
        for _ in range(INSERT_BATCHES):
            with self._connection.cursor() as cursor:
                rows = [(secrets.token_urlsafe(TOKEN_BYTES), 1) for _ in range(INSERT_BATCH_ROWS)]
                cursor.executemany("INSERT INTO bench_code (token, order_id) VALUES (%s, %s)", rows)
            self._connection.commit()

    def copy(self) -> None:
        with self._connection.cursor() as cursor, cursor.copy("COPY bench_code (token, order_id) FROM STDIN") as copy:
            for _ in range(COPY_ROWS):
                copy.write_row((secrets.token_urlsafe(TOKEN_BYTES), 2))
        self._connection.commit()

    def export(self, path: Path) -> None:
        """The columns of our own file."""
        columns = f"'{ORIGIN}/' || token, token, '09521234543213', 'LOT', 'item_outer', '', ''"
        rows = f"SELECT {columns} FROM bench_code WHERE order_id = 2 LIMIT {COPY_ROWS}"
        command = f"COPY ({rows}) TO STDOUT (FORMAT csv)"
        with path.open("wb") as out, self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for part in copy:
                out.write(part)
        self._connection.commit()


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=EXPORT_ROWS, lot="EXPORT")
    with ground.onemark.transaction(ground.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=ground.tenant_id, epoch=order.epoch, kek=ground.onemark.settings.kek_bytes)
    samples = Rounds()
    orders_before = ground.orders_counted()
    owner = make_url(ground.onemark.settings.database_owner_url).set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
        table = TableOfCodes(connection)
        for number in range(rounds):
            _cipher(samples, cipher)
            _table(samples, cipher, table, ground.folder / "tokens.csv")
            seconds = elapsed_s(partial(ground.order, quantity=QUANTITY_MAX, lot=f"BILLION{number}"))
            samples.note(ORDER, "ms", seconds * 1000)
            seconds = elapsed_s(lambda: _export(order, cipher, ground.folder / "codes.csv"))
            samples.note(EXPORT, "rows/s", EXPORT_ROWS / seconds)
        connection.execute("DROP TABLE bench_code")
        connection.commit()
    return _report(samples, orders=rounds, rows=ground.orders_counted() - orders_before)


def _cipher(samples: Rounds, cipher: SerialCipher) -> None:
    """Processor time, because one core is the question and neighbours are not."""
    seconds = core_s(lambda: cipher.serials(0, VECTORISED_COUNT))
    samples.note(VECTORISED, "serials/s of one core", VECTORISED_COUNT / seconds)
    seconds = core_s(_aes)
    samples.note(AES, "serials/s of one core", VECTORISED_COUNT / seconds)
    seconds = core_s(lambda: [cipher.serial_of(n) for n in range(SCALAR_COUNT)])
    samples.note(SCALAR, "serials/s of one core", SCALAR_COUNT / seconds)
    serials = [serial.decode() for serial in cipher.serials(0, SCALAR_COUNT).tolist()]
    seconds = core_s(lambda: [cipher.counter_of(serial) for serial in serials])
    samples.note(CHECK, "microseconds of one core", seconds / SCALAR_COUNT * 1e6)


def _aes() -> None:
    """A serial needs two blocks, and nobody makes one without them. In pieces that stay in the processor's cache."""
    encryptor = Cipher(algorithms.AES(bytes(AES_BLOCK_BYTES)), modes.ECB()).encryptor()  # noqa: S305 - measured, not used
    blocks = bytes(AES_PIECE_BYTES)
    answer = bytearray(AES_PIECE_BYTES + AES_BLOCK_BYTES - 1)
    for _ in range(2 * AES_BLOCK_BYTES * VECTORISED_COUNT // AES_PIECE_BYTES):
        encryptor.update_into(blocks, answer)


def _table(samples: Rounds, cipher: SerialCipher, table: TableOfCodes, file: Path) -> None:
    """By the clock, because a database waits for its disk; so the serials are, once more, too."""
    samples.note(CLOCK, "serials/s", VECTORISED_COUNT / elapsed_s(lambda: cipher.serials(0, VECTORISED_COUNT)))
    samples.note(INSERT, "rows/s", INSERT_BATCHES * INSERT_BATCH_ROWS / elapsed_s(table.insert))
    samples.note(COPY, "rows/s", COPY_ROWS / elapsed_s(table.copy))
    samples.note(EXPORT_CONTROL, "rows/s", COPY_ROWS / elapsed_s(lambda: table.export(file)))


def _export(order: CodeOrder, cipher: SerialCipher, file: Path) -> None:
    listing.write_file(order, cipher, origin=ORIGIN, path=file, progress=lambda _rows: None)


def _report(samples: Rounds, *, orders: int, rows: int) -> Report:
    return Report(
        title="Issue",
        measured=samples.measured(),
        ratios=(
            samples.ratio(VECTORISED, SCALAR),
            samples.ratio(VECTORISED, AES, aim="ceiling: 1"),
            samples.ratio(CLOCK, INSERT),
            samples.ratio(CLOCK, COPY),
            samples.ratio(EXPORT, EXPORT_CONTROL),
        ),
        notes=(
            f"{orders} orders of 10^9 codes added {rows} rows to the table of orders, and none anywhere else for a single code.",
            (
                f"A round: {VECTORISED_COUNT:,} serials vectorised, {SCALAR_COUNT:,} one at a time and as many checked, "
                f"{INSERT_BATCHES * INSERT_BATCH_ROWS:,} rows inserted ({INSERT_BATCH_ROWS:,} to a commit), "
                f"{COPY_ROWS:,} copied, {EXPORT_ROWS:,} rows exported and fsynced."
            ),
        ),
    )
