"""`onemark up`, `run`, `rebuild`, `doctor`, `ready`: the instance itself."""

from pathlib import Path

import click

from kit import settings
from kit.settings import Settings
from scanservice.edge import serving
from scanservice.hot import generations
from scanservice.hot.generations import StateToRebuild
from scanservice.ingest import rebuild
from web import after_restore, doctor, reloading, services, upkeep
from web import up as one_box
from web.cli.root import ACTOR, answer, cli, json_option, onemark, progress

PART_NAMES = ("edge", "web", "ingester", "worker", "scheduler")


@cli.command("up")
@click.option("--host", help="Where to listen; 0.0.0.0 lets phones of the same network in. Default 127.0.0.1.")
@click.option("--port", type=int, help="Default 8000, or ONEMARK_PORT.")
def up(host: str | None, port: int | None) -> None:
    """Start everything on one port, until Ctrl-C."""
    chosen = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    one_box.run(settings.read().model_copy(update=chosen))


@cli.command("run")
@click.argument("part", type=click.Choice(PART_NAMES))
@click.option("--workers", type=int, default=1, show_default=True, help="Processes, for edge and web.")
def run(part: str, workers: int) -> None:
    """Run one process of the instance, as a supervisor or container starts it."""
    read = settings.read()
    if part == "edge":
        serving.serve(host=read.host, port=read.port, workers=workers)
    elif part == "web":
        services.web(host=read.web_host, port=read.web_port, workers=workers)
    else:
        _loop(part, read)


@cli.command("reload")
@json_option
def reload(*, as_json: bool) -> None:
    """Replace all processes of a running `onemark up` by fresh ones, without refusing a scan meanwhile.

    New code and new settings in .env count from then on. Elsewhere send SIGHUP to `onemark run edge` and `onemark run web` yourself.
    """
    told = reloading.reload(settings.read().data_dir / "run")
    answer({"processes": told}, as_json=as_json, sentence=f"Told {', '.join(told)}. The log says when they are ready.")


def _loop(part: str, read: Settings) -> None:
    {"ingester": services.run_ingester, "worker": services.run_worker, "scheduler": services.run_scheduler}[part](read)


@cli.command("migrate")
def migrate() -> None:
    """Bring the schema to the newest revision, and a new instance's log to its first generation. Any number may run at once."""
    with onemark() as instance:
        upkeep.make_months(instance)
        try:
            generations.ensure(instance.engine, instance.redis, now=instance.clock.now())
        except StateToRebuild as missing:
            # A migration must not fail for it: processes start, and the edge answers 503 until somebody has typed that command.
            click.echo(missing.detail, err=True)
        click.echo("The schema is at the newest revision.", err=True)


@cli.group("rebuild")
def rebuilding() -> None:
    """Compute again what can be derived."""


@rebuilding.command("state")
@json_option
def rebuild_state(*, as_json: bool) -> None:
    """Load the state of all scanned codes from PostgreSQL into Redis, and begin a new generation of the log."""
    with onemark() as instance, progress("Codes", 0) as advance:
        done = rebuild.rebuild(
            instance.engine,
            instance.redis,
            drain=services.ingester(instance).drain,
            now=instance.clock.now(),
            progress=advance,
        )
    answer(
        {"codes": done.codes, "generation": done.generation},
        as_json=as_json,
        sentence=f"{done.codes:,} codes loaded; generation {done.generation} has begun.",
    )


@cli.command("doctor")
@click.option(
    "--key-backup", type=click.Path(dir_okay=False, path_type=Path), help="Where the copy of the key-encryption key is."
)
@click.option("--after-restore", "restored", is_flag=True, help="The database was restored from a backup: open new epochs.")
@json_option
def check(key_backup: Path | None, *, restored: bool, as_json: bool) -> None:
    """Check this instance: servers, schema, settings of Redis, generation, keys and their backup."""
    if restored:
        _after_restore(as_json=as_json)
        return
    with onemark() as instance:
        if key_backup is not None:
            doctor.remember_key_backup(instance.settings, key_backup)
        findings = doctor.examine(instance)
    answer(
        {"findings": [finding.as_dict() for finding in findings], "healthy": all(finding.good for finding in findings)},
        as_json=as_json,
        sentence="\n".join(f"{'ok  ' if finding.good else 'BAD '} {finding.what}: {finding.says}" for finding in findings),
    )
    if not all(finding.good for finding in findings):
        raise SystemExit(1)


def _after_restore(*, as_json: bool) -> None:
    with onemark() as instance:
        opened = after_restore.open_new_epochs(instance, actor=ACTOR)
    told = [f"{slug}: new orders are issued in epoch {epoch}." for slug, epoch in opened.items()]
    answer({"epochs": opened, "next": after_restore.ADVICE}, as_json=as_json, sentence="\n".join((*told, *after_restore.ADVICE)))
