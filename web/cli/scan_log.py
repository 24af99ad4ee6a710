"""`onemark log`: what waits in the scan log, and what of it could not be read."""

import click

from scanservice.ingest import lag, letters
from scanservice.ingest.letters import Letter
from web.cli.root import answer, cli, json_option, onemark

LETTERS_SHOWN = 20


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


def _place(letter: Letter) -> str:
    """The key and id under which Redis had it."""
    return f"log:{{{letter.partition}}} {letter.generation}-{letter.sequence}"
