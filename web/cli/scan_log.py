"""`onemark log`: what waits in the scan log, what of it could not be read, and its months, of which old ones can be dropped."""

from datetime import UTC, date, datetime

import click

from scanservice.ingest import dropping, lag, letters, months
from scanservice.ingest.dropping import Loss
from scanservice.ingest.letters import Letter
from scanservice.ingest.months import Month
from web.cli.root import answer, cli, json_option, onemark, progress

LETTERS_SHOWN = 20
MIB = 1 << 20


@cli.group("log")
def scan_log() -> None:
    """Look into the scan log."""


@scan_log.command("lag")
@json_option
def show_lag(*, as_json: bool) -> None:
    """How many scans wait to be stored in PostgreSQL, and for how long."""
    with onemark() as instance, instance.transaction(None) as session:
        found = lag.measure(session, instance.redis)
        now = instance.clock.now()
    answer(
        {
            "waiting": found.waiting,
            "oldest_s": found.oldest_s(now),
            "stopped": [{"partition": one.partition, "why": one.stopped} for one in found.stopped],
            "unattended": [one.partition for one in found.unattended(now)],
        },
        as_json=as_json,
        sentence=f"{found.waiting:,} entries wait to be stored, the oldest for {found.oldest_s(now):,.1f} s.",
    )


@scan_log.command("letters")
@click.option("--limit", type=click.IntRange(1, letters.ROWS_MAX), default=LETTERS_SHOWN, show_default=True)
@json_option
def show_letters(limit: int, *, as_json: bool) -> None:
    """Entries that could not be read, newest first: where they lay, why, and their bytes in hexadecimal."""
    with onemark() as instance, instance.transaction(None) as session:
        total = letters.count(session)
        found = letters.newest(session, rows_max=limit)
    lines = [f"{total:,} entries of the log could not be read." if total else "Every entry of the log could be read."]
    lines += [f"{one.found_at:%Y-%m-%d %H:%M:%S} {_place(one)}: {one.error}\n    {one.entry.hex()}" for one in found]
    answer(
        {
            "total": total,
            "letters": [
                {"place": _place(one), "error": one.error, "found_at": one.found_at, "entry": one.entry.hex()} for one in found
            ],
        },
        as_json=as_json,
        sentence="\n".join(lines),
    )


@scan_log.command("months")
@json_option
def show_months(*, as_json: bool) -> None:
    """The months of the scan log, the oldest first; rows are an estimate."""
    with onemark() as instance, instance.transaction(None) as session:
        found = months.listing(session)
        due = dropping.due(session, kept=dropping.MONTHS_KEPT_MIN, now=instance.clock.now())
    lines = [
        f"{one.first_day:%Y-%m}  about {one.rows:>13,} scans  {one.bytes / MIB:>10,.1f} MB{_note(one, due)}" for one in found
    ]
    answer(
        {
            "months": [
                {
                    "month": f"{one.first_day:%Y-%m}",
                    "rows_estimated": one.rows,
                    "bytes": one.bytes,
                    "droppable": one.first_day == due,
                }
                for one in found
            ]
        },
        as_json=as_json,
        sentence="\n".join(lines) or "The scan log has no month yet.",
    )


@scan_log.command("drop-month")
@click.argument("month", callback=lambda _context, _option, value: _month(value))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop_month(month: date, *, yes: bool, as_json: bool) -> None:
    """Drop the oldest month (such as 2026-01) for good. What its codes remember of it stays: nobody is the first a second time."""
    with onemark() as instance:
        now = instance.clock.now()
        loss = dropping.foreseen(instance.engine, instance.redis, month=month, now=now)
        if not yes:
            click.confirm(_warning(loss), abort=True, err=True)
        with progress("folding", loss.scans) as advance:
            gone = dropping.drop(instance.engine, instance.redis, month=month, now=now, progress=advance)
    answer(
        {"month": f"{month:%Y-%m}", "scans": gone, "bytes": loss.bytes},
        as_json=as_json,
        sentence=f"{month:%Y-%m} is dropped: {gone:,} scans, {loss.bytes / MIB:,.1f} MB.",
    )


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no month such as 2026-01") from error


def _note(month: Month, due: date | None) -> str:
    return "  may be dropped" if month.first_day == due else ""


def _warning(loss: Loss) -> str:
    return (
        f"This deletes {loss.scans:,} scans of {loss.month:%Y-%m}, of all brands, for good ({loss.bytes / MIB:,.1f} MB): when, where and by whom"
        " each code was scanned then. Sums by day, points, anomalies and what each code remembers of its visitors stay. Go on?"
    )


def _place(letter: Letter) -> str:
    """The key and id under which Redis had it."""
    return f"log:{{{letter.partition}}} {letter.generation}-{letter.sequence}"
