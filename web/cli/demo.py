"""`onemark demo`: a lively brand for looking around."""

import click

from web import first_start
from web.cli.root import answer, cli, json_option, onemark, progress
from web.demo import filling, story
from web.demo.filling import Filled
from web.demo.ground import Options

SEED = 1
CODES = 20_000
DAYS = 30


@cli.command("demo")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed tells another story.")
@click.option("--codes", type=click.IntRange(story.CODES_MIN, story.CODES_MAX), default=CODES, show_default=True)
@click.option("--days", type=click.IntRange(story.DAYS_MIN, story.DAYS_MAX), default=DAYS, show_default=True)
@json_option
def demo(seed: int, codes: int, days: int, *, as_json: bool) -> None:
    """Fill the demo brand: products, lots, distributors, a month of scans, members, campaigns. Again: nothing changes."""
    options = Options(seed=seed, codes=codes, days=days)
    with onemark() as instance:
        tenant_id = instance.tenant_id(first_start.SLUG)
        filled = filling.fill(instance, options, tenant_id=tenant_id, bar=progress)
    counts = filled.counts
    answer(
        {
            "seed": seed,
            "ends_at": filled.ends_at,
            "changed": filled.changed,
            "orders": filled.lots,
            "codes": filled.codes,
            "distributors": filled.distributors,
            "shipments": filled.shipments,
            "scans": filled.scans,
            "scans_new": filled.scans_new,
            "members": counts.members,
            "members_new": counts.members_new,
            "claims": counts.claims,
            "claims_new": counts.claims_new,
            "claims_refused": counts.claims_refused,
            "points": counts.points,
            "logins": [
                {"email": login.email, "role": login.role, "distributor_id": login.distributor_id, "password": login.password}
                for login in filled.logins
            ],
        },
        as_json=as_json,
        sentence=_sentence(filled, days=days),
    )


def _sentence(filled: Filled, *, days: int) -> str:
    counts = filled.counts
    first = (
        f"The demo brand tells of {days} days up to {filled.ends_at:%Y-%m-%d %H:%M} UTC:"
        if filled.changed
        else f"Nothing changed: the demo brand was filled before, up to {filled.ends_at:%Y-%m-%d %H:%M} UTC."
    )
    members = (
        f"  {counts.members:,} members with {counts.claims:,} claims and {counts.points:,} points"
        f" ({counts.members_new:,} and {counts.claims_new:,} new; {counts.claims_refused:,} claims were over a limit)"
    )
    lines = [
        first,
        f"  {filled.codes:,} codes in {filled.lots} lots of 3 products, {filled.shipments:,} shipments to {filled.distributors} distributors",
        f"  {filled.scans:,} scans ({filled.scans_new:,} new)",
        members,
        "",
        "Sign in with:",
    ]
    for login in filled.logins:
        who = f"{login.role.value} {login.distributor_id or ''}".strip()
        how = login.password or f"password as printed at the first run, or: onemark staff password {login.email}"
        lines.append(f"  {who:17} {login.email:24} {how}")
    return "\n".join(lines)
