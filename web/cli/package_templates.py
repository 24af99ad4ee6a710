"""`onemark packages templates`: the columns, separators and encodings that a brand's presses expect."""

import json
from pathlib import Path

import click

from codegen.print_packages import kept_templates
from codegen.print_packages.templates import BUILT_IN, Template
from web.cli.given_files import json_of
from web.cli.packages import ACTOR, existing, group
from web.cli.root import answer, brand_option, json_option, onemark


@group.group("templates")
def templates_group() -> None:
    """Columns, separators and encodings of files, by name."""


@templates_group.command("list")
@brand_option
@json_option
def list_templates(tenant: str | None, *, as_json: bool) -> None:
    """List the brand's own templates and the built-in ones."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            own = [one.template for one in kept_templates.listing(session, tenant_id=tenant_id)]
    known = (*own, *BUILT_IN.values())
    facts = [
        {"name": one.name, "built_in": one.name in BUILT_IN, "columns": [column.source.value for column in one.columns]}
        for one in known
    ]
    lines = [
        f"{one.name:20}  {'built in' if one.name in BUILT_IN else 'saved':9}  {', '.join(column.source for column in one.columns)}"
        for one in known
    ]
    answer({"templates": facts}, as_json=as_json, sentence="\n".join(lines))


@templates_group.command("show")
@click.argument("name")
@brand_option
def show(name: str, tenant: str | None) -> None:
    """Print a template as the JSON that `templates save` reads."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = kept_templates.find(session, tenant_id=tenant_id, name=name)
    click.echo(json.dumps(found.as_plain(), ensure_ascii=False, indent=1))


@templates_group.command("save")
@click.argument("name")
@click.argument("file", type=existing)
@brand_option
@json_option
def save(name: str, file: Path, tenant: str | None, *, as_json: bool) -> None:
    """Keep a JSON file as template NAME; what stood there before is replaced."""
    template = Template.from_plain(json_of(file))
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            kept = kept_templates.save(session, template, tenant_id=tenant_id, name=name, now=instance.clock.now(), actor=ACTOR)
    answer(kept.template.as_plain(), as_json=as_json, sentence=f"Packages can be made with --template {name!r}.")


@templates_group.command("remove")
@click.argument("name")
@brand_option
@json_option
def remove(name: str, tenant: str | None, *, as_json: bool) -> None:
    """Forget a template. Packages that were made with it stay."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            kept_templates.remove(session, tenant_id=tenant_id, name=name)
    answer({"removed": name}, as_json=as_json, sentence=f"{name} is gone.")
