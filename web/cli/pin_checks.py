"""`onemark codes check-pin`: for consumer service, when somebody reads their PIN out and cannot enter it themself."""

import click

from codegen import explain
from codegen.keys import keyring
from codegen.print_packages.guarding import pins
from kit.refusals import Conflict, NotFound
from web.cli.codes import group
from web.cli.root import answer, brand_option, json_option, onemark


class CodeNotOrdered(NotFound):
    code = "code_not_ordered"
    says = "This is no code of an order of this brand: {finding}."


class PinNotOrdered(Conflict):
    code = "pin_not_ordered"
    says = "This code has no PIN."


class PinWrong(Conflict):
    code = "pin_wrong"
    says = "That is not the PIN of this code."


@group.command("check-pin")
@click.argument("code")
@brand_option
@json_option
def check_pin(code: str, tenant: str | None, *, as_json: bool) -> None:
    """Check a PIN that was read out to you. It is asked for and never shown, counts as no try, and proves nothing to the platform.

    What the caller learns from you is right or wrong, so hang up on who tries a second number.
    """
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = explain.explain(session, tenant_id=tenant_id, text=code, kek=instance.settings.kek_bytes)
            if found.order is None or found.epoch is None or found.counter is None:
                raise CodeNotOrdered(finding=found.finding.value)
            if found.kind is None or not found.order.proofs.asks_pin(found.kind):
                raise PinNotOrdered
            cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=found.epoch, kek=instance.settings.kek_bytes)
        # Never an argument: those stand in the shell's history and in the list of processes.
        typed = click.prompt("PIN", hide_input=True, err=True)
        if not pins.agrees(cipher, found.counter, typed):
            raise PinWrong
    answer({"serial": found.serial, "pin": "right"}, as_json=as_json, sentence=f"Right: that is the PIN of {found.serial}.")
