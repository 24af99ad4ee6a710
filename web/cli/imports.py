"""`onemark import`: files of other systems, all or nothing."""

from collections.abc import Callable
from pathlib import Path

import click

from web import imports
from web.cli.root import answer, brand_option, cli, json_option, onemark
from web.imports.table import Loaded


@cli.group("import")
def group() -> None:
    """Load a CSV file: validated as a whole first, loaded all or nothing, and again without harm."""


def _command(kind: str, help_text: str) -> None:
    @group.command(kind, help=help_text)
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @brand_option
    @json_option
    def load(file: Path, tenant: str | None, *, as_json: bool) -> None:
        with onemark() as instance:
            loaded = _with_stages(
                lambda stage: imports.load(instance, kind, file, tenant_id=instance.tenant_id(tenant), progress=stage)
            )
        answer(
            {"kind": loaded.kind, "rows": loaded.rows, "rows_new": loaded.rows_new},
            as_json=as_json,
            sentence=f"{loaded.rows:,} rows read, {loaded.rows_new:,} new.",
        )


def _with_stages(work: Callable[[Callable[[str, int], None]], Loaded]) -> Loaded:
    """Says on stderr how far each stage is."""
    last = ""

    def stage(name: str, rows: int) -> None:
        nonlocal last
        click.echo(
            f"\r{name}: {rows:,} rows" if name == last else f"{chr(10) if last else ''}{name}: {rows:,} rows", nl=False, err=True
        )
        last = name

    loaded = work(stage)
    if last:
        click.echo("", err=True)
    return loaded


_command("distributors", "Distributors and their territories: distributor_id,name,divisions")
_command("shipments", "Goods shipped to distributors: time,distributor_id,lot,serial")
_command("scans", "Scans recorded by another system: time,url,visitor_id,ip,latitude,longitude,accuracy_m,user_agent")
