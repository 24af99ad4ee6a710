"""The root of the command line: options that every command takes, and how refusals and results are said."""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import click

from kit import log, refusals, settings
from kit.refusals import Refusal
from web import instance
from web.instance import Instance

REFUSED = 1
ACTOR = "command line"
P = ParamSpec("P")
R = TypeVar("R")


class Commands(click.Group):
    """A group whose refusals are answers: a sentence, or a problem document with --json, and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            if "--json" in sys.argv:
                click.echo(json.dumps(refusals.problem(refusal, instance=ctx.command_path), ensure_ascii=False), err=True)
            else:
                click.echo(f"Refused ({refusal.code}): {refusal.detail}", err=True)
            ctx.exit(REFUSED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onemark")
def cli() -> None:
    """One item, one code: order signed codes, answer scans, reward consumers.

    ONEMARK_DATA_DIR names the instance (default: ./var). Commands join its running servers, or start and stop them for themselves.
    """
    log.configure(process="cli", level=log.WARNING)


def brand_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option("--tenant", metavar="SLUG", help="The brand; default: the only one, or the demo brand.")(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(command)


@contextmanager
def onemark() -> Iterator[Instance]:
    with instance.opened(settings.read()) as opened:
        yield opened


def answer(result: Mapping[str, Any], *, as_json: bool, sentence: str) -> None:
    """Prints what a command has done: one JSON object, or a sentence."""
    click.echo(json.dumps(dict(result), default=_plain, ensure_ascii=False) if as_json else sentence)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; `advance(n)` says that n more are done."""
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield functools.partial(bar.update)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{value!r} is not JSON")
