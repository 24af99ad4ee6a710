"""`onemark codes ...`: what is decided about ordered codes, from issue to close, and who decided it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar
from uuid import UUID

import click
from sqlalchemy.orm import Session

from codegen import audit, orders
from codegen.keys import keyring
from codegen.lifecycle import bindings, kill_switch, order_life, package_runs, ranges
from codegen.lifecycle.bindings import Scene, Target
from codegen.lifecycle.ranges import RangeChange
from web.cli.codes import group
from web.cli.root import ACTOR, answer, brand_option, json_option, onemark

P = ParamSpec("P")
R = TypeVar("R")
FOR_EVER = "Void codes stay void for ever. Go on?"


class Verb(Protocol):
    def __call__(
        self, session: Session, *, tenant_id: int, order_id: UUID, first: int, last: int | None, reason: str
    ) -> RangeChange: ...


def rows_options(command: Callable[P, R]) -> Callable[P, R]:
    """The order, and which of its rows: all, unless said."""
    command = click.option(
        "--along",
        is_flag=True,
        help="Also what belongs to these rows: both codes of an item, what is inside, cases and pallets that they fill.",
    )(command)
    command = click.option("--last", type=int, default=None, help="Last row; default: the order's last.")(command)
    command = click.option("--first", type=int, default=1, help="First row, counted from 1 as in the lines of its export.")(
        command
    )
    return click.argument("order_id", type=click.UUID)(command)


@group.command("issue")
@click.argument("order_id", type=click.UUID)
@brand_option
@json_option
def issue(order_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Turn a draft into an order that may be printed."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order_life.issue(session, order_id, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer({"order_id": order_id, "stage": "issued"}, as_json=as_json, sentence=f"Order {order_id} is issued.")


@group.command("close")
@click.argument("order_id", type=click.UUID)
@click.option("--reason", default="")
@brand_option
@json_option
def close(order_id: UUID, reason: str, tenant: str | None, *, as_json: bool) -> None:
    """End the work on an order: nothing more of it is printed or released. A draft is thrown away."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order_life.close(session, order_id, tenant_id=tenant_id, reason=reason, now=instance.clock.now(), actor=ACTOR)
    answer({"order_id": order_id, "stage": "closed"}, as_json=as_json, sentence=f"Order {order_id} is closed.")


@group.command("printed")
@rows_options
@click.option("--reason", default="", help="For example the press, or its delivery note.")
@brand_option
@json_option
def mark_printed(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, as_json: bool
) -> None:
    """Note that codes were printed. Until they are activated their scans stay inactive."""
    _decide(ranges.mark_printed, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("activate")
@rows_options
@click.option("--reason", default="")
@brand_option
@json_option
def activate_rows(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, as_json: bool
) -> None:
    """Release an order, or rows of it: from now on their scans are genuine."""
    _decide(ranges.activate, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("freeze")
@rows_options
@click.option("--reason", required=True)
@brand_option
@json_option
def freeze_rows(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, as_json: bool
) -> None:
    """Hold codes back for a while: their scans are inactive until `codes unfreeze`."""
    _decide(ranges.freeze, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("unfreeze")
@rows_options
@click.option("--reason", default="")
@brand_option
@json_option
def unfreeze_rows(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, as_json: bool
) -> None:
    """End a freeze: codes are again what they were."""
    _decide(ranges.unfreeze, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("recall")
@rows_options
@click.option("--reason", required=True, help="Buyers read it: say what to do.")
@brand_option
@json_option
def recall_rows(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, as_json: bool
) -> None:
    """Call goods back: whoever scans them is told to stop using them."""
    _decide(ranges.recall, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("void")
@rows_options
@click.option("--reason", required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@brand_option
@json_option
def void_rows(
    order_id: UUID, first: int, last: int | None, reason: str, tenant: str | None, *, along: bool, yes: bool, as_json: bool
) -> None:
    """Declare an order, or rows of it, void for ever. This cannot be undone."""
    if not yes:
        click.confirm(FOR_EVER, abort=True, err=True)
    _decide(ranges.void, order_id, first=first, last=last, along=along, reason=reason, tenant=tenant, as_json=as_json)


@group.command("kill")
@click.option("--order", "order_id", type=click.UUID, help="An order; with --first and --last rows of it.")
@click.option("--first", type=int, default=1)
@click.option("--last", type=int, default=None)
@click.option(
    "--serials",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with one serial or URL a line.",
)
@click.option("--epoch", type=int, help="A whole key epoch, also codes that nobody ordered.")
@click.option("--reason", required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@brand_option
@json_option
def kill(
    order_id: UUID | None,
    first: int,
    last: int | None,
    serials: Path | None,
    epoch: int | None,
    reason: str,
    tenant: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Kill switch: void an order, rows of it, a list of serials, or all codes of a key epoch, for ever."""
    if sum(target is not None for target in (order_id, serials, epoch)) != 1:
        raise click.UsageError("Say what to kill: one of --order, --serials, --epoch.")
    if not yes:
        click.confirm(FOR_EVER, abort=True, err=True)
    if order_id is not None:
        _decide(ranges.void, order_id, first=first, last=last, along=False, reason=reason, tenant=tenant, as_json=as_json)
    elif serials is not None:
        _kill_listed(serials, reason=reason, tenant=tenant, as_json=as_json)
    elif epoch is not None:
        kill_epoch(epoch, reason=reason, tenant=tenant, as_json=as_json)


def kill_epoch(epoch: int, *, reason: str, tenant: str | None, as_json: bool) -> None:
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            changed = keyring.revoke(
                session,
                tenant_id=tenant_id,
                epoch=epoch,
                kek=instance.settings.kek_bytes,
                reason=reason,
                now=instance.clock.now(),
                actor=ACTOR,
            )
    sentence = f"Epoch {epoch} {'is' if changed else 'was'} revoked: none of its codes is valid any more."
    answer({"epoch": epoch, "state": "revoked", "changed": changed}, as_json=as_json, sentence=sentence)


@group.command("bind")
@click.option("--order", "order_id", type=click.UUID, help="A blank order; with --first and --last rows of it.")
@click.option("--first", type=int, default=1)
@click.option("--last", type=int, default=None)
@click.option(
    "--serials",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with one scanned serial or URL a line.",
)
@click.option("--gtin", required=True)
@click.option("--lot", required=True)
@click.option("--scene", type=click.Choice([scene.value for scene in Scene]), default=Scene.VERIFY.value, show_default=True)
@brand_option
@json_option
def bind(
    order_id: UUID | None,
    first: int,
    last: int | None,
    serials: Path | None,
    gtin: str,
    lot: str,
    scene: str,
    tenant: str | None,
    *,
    as_json: bool,
) -> None:
    """Say what product and lot blank codes stand on: rows of an order, or a list of scanned codes."""
    if (order_id is None) == (serials is None):
        raise click.UsageError("Say what to bind: one of --order, --serials.")
    target = Target(gtin=gtin, lot=lot, scene=Scene(scene))
    bound = 0
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        now = instance.clock.now()
        with instance.transaction(tenant_id) as session:
            if order_id is not None:
                bound = bindings.bind(
                    session, target, tenant_id=tenant_id, order_id=order_id, first=first, last=last, now=now, actor=ACTOR
                )
            elif serials is not None:
                lines = serials.read_text(encoding="utf-8-sig", errors="replace").splitlines()
                kek = instance.settings.kek_bytes
                bound = bindings.bind_listed(session, target, lines, tenant_id=tenant_id, kek=kek, now=now, actor=ACTOR)
    answer(
        {"bound": bound, "gtin": gtin, "lot": lot}, as_json=as_json, sentence=f"{bound:,} codes are bound to {gtin}, lot {lot}."
    )


@group.command("history")
@click.argument("order_id", type=click.UUID)
@brand_option
@json_option
def history(order_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Tell who decided what about an order, when and why."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order = orders.find(session, order_id, tenant_id=tenant_id)
            life = order_life.of(order, ranges.states_of(session, tenant_id=tenant_id, order_id=order_id))
            lines = audit.of_order(session, order_id, tenant_id=tenant_id)
    answer(
        {
            "order_id": order_id,
            "life": life,
            "history": [
                {
                    "at": line.at.isoformat(),
                    "actor": line.actor,
                    "action": line.action,
                    "reason": line.reason,
                    "facts": dict(line.facts),
                }
                for line in lines
            ],
        },
        as_json=as_json,
        sentence="\n".join(f"{line.at:%Y-%m-%d %H:%M:%SZ}  {line.action:16}  {line.actor:24}  {line.reason}" for line in lines),
    )


def _decide(
    verb: Callable[..., RangeChange],
    order_id: UUID,
    *,
    first: int,
    last: int | None,
    along: bool,
    reason: str,
    tenant: str | None,
    as_json: bool,
) -> None:
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        decide: Verb = partial(verb, now=instance.clock.now(), actor=ACTOR)
        with instance.transaction(tenant_id) as session:
            change = decide(session, tenant_id=tenant_id, order_id=order_id, first=first, last=last, reason=reason)
            order = orders.find(session, order_id, tenant_id=tenant_id)
            runs = package_runs.along(order.packaging if along else None, first=change.first, last=change.last)
            for top, end in runs:
                if not change.first <= top <= end <= change.last:
                    decide(session, tenant_id=tenant_id, order_id=order_id, first=top, last=end, reason=reason)
    if along:
        answer(
            {"order_id": change.order_id, "state": change.state, "runs": runs, "codes": package_runs.codes(runs)},
            as_json=as_json,
            sentence=f"{package_runs.codes(runs):,} codes are {change.state.value}.",
        )
        return
    facts = {"order_id": change.order_id, "state": change.state, "first": change.first, "last": change.last}
    answer(facts, as_json=as_json, sentence=f"Rows {change.first:,} to {change.last:,} are {change.state.value}.")


def _kill_listed(serials: Path, *, reason: str, tenant: str | None, as_json: bool) -> None:
    with onemark() as instance, serials.open(encoding="utf-8-sig", errors="replace") as lines:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            killed = kill_switch.kill(
                session,
                lines,
                tenant_id=tenant_id,
                reason=reason,
                kek=instance.settings.kek_bytes,
                now=instance.clock.now(),
                actor=ACTOR,
            )
    answer(
        {"listed": killed.listed, "voided": killed.voided, "orders": killed.orders},
        as_json=as_json,
        sentence=f"{killed.listed:,} codes of {killed.orders:,} orders are void, {killed.voided:,} of them since now.",
    )
