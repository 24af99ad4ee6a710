"""`onemark staff`: accounts of the people who work for a brand or a distributor."""

import click

from kit import chance
from web import accounts
from web.accounts import Role
from web.cli.root import answer, brand_option, cli, json_option, onemark

DRAWN_PASSWORD_BYTES = 12


@cli.group("staff")
def group() -> None:
    """Staff accounts."""


@group.command("add")
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option("--role", type=click.Choice([Role.OWNER.value, Role.MARKETER.value, Role.DISTRIBUTOR.value]), required=True)
@click.option("--distributor", help="The distributor's id, for the role distributor.")
@brand_option
@json_option
def add(email: str, name: str, role: str, distributor: str | None, tenant: str | None, *, as_json: bool) -> None:
    """Open an account with a drawn password, which is shown once."""
    password = chance.token(DRAWN_PASSWORD_BYTES)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            member = accounts.add(
                session,
                tenant_id=tenant_id,
                email=email,
                name=name,
                role=Role(role),
                password=password,
                distributor_id=distributor,
                now=instance.clock.now(),
            )
    answer(
        {"email": member.email, "role": member.role, "password": password},
        as_json=as_json,
        sentence=f"{member.email} signs in with {password}",
    )


@group.command("list")
@brand_option
@json_option
def listing(tenant: str | None, *, as_json: bool) -> None:
    """List the accounts."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = accounts.everyone(session, tenant_id=tenant_id)
    rows = [{"email": one.email, "role": one.role, "disabled": one.disabled} for one in found]
    answer(
        {"staff": rows},
        as_json=as_json,
        sentence="\n".join(f"{one.email:32}  {one.role:12}  {'disabled' if one.disabled else ''}" for one in found),
    )


@group.command("password")
@click.argument("email")
@brand_option
@json_option
def password(email: str, tenant: str | None, *, as_json: bool) -> None:
    """Draw a new password for somebody who lost theirs; it ends their sessions."""
    drawn = chance.token(DRAWN_PASSWORD_BYTES)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            member = accounts.by_email(session, tenant_id=tenant_id, email=email)
            accounts.change_password(session, tenant_id=tenant_id, staff_id=member.id, password=drawn)
    answer({"email": member.email, "password": drawn}, as_json=as_json, sentence=f"{member.email} signs in with {drawn}")
