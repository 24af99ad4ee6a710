"""`onemark warnings`: at what evidence of copies a product's buyers are warned, and what a change would have done."""

import click

from codegen import products
from crm import identities
from scanservice import catalogue, evidence, thresholds
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark

DAYS_MAX = 366


@cli.group("warnings")
def group() -> None:
    """When buyers are warned that copies of a code circulate."""


@group.command("show")
@click.option("--gtin", required=True)
@brand_option
@json_option
def show(gtin: str, tenant: str | None, *, as_json: bool) -> None:
    """The weights of a product, and what its own scans of 30 days suggest."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            product = products.find(session, tenant_id=tenant_id, gtin=gtin)
            suggested = thresholds.suggestion(session, tenant_id=tenant_id, gtin=product.gtin, now=instance.clock.now())
    weights = catalogue.weights_of(product)
    answer(
        {
            "gtin": product.gtin,
            "stranger_rate_pm": weights.stranger_rate_pm,
            "suspect_at_db": weights.suspect_at_db,
            "codes": suggested.codes,
            "passed_on": suggested.passed_on,
            "suggested_rate_pm": suggested.stranger_rate_pm if suggested.enough else None,
        },
        as_json=as_json,
        sentence=(
            f"{product.name}: {weights.stranger_rate_pm} of 1,000 genuine items meet a stranger; warned at {weights.suspect_at_db} decibans.\n"
            f"In 30 days {suggested.codes:,} codes had a buyer, {suggested.passed_on:,} a stranger too: "
            + (f"{suggested.stranger_rate_pm} of 1,000." if suggested.enough else "too few to suggest a figure.")
        ),
    )


@group.command("try")
@click.option("--gtin", required=True)
@click.option(
    "--rate", "rate_pm", type=int, default=evidence.STRANGER_RATE_PM, show_default=True, help="Per thousand genuine items."
)
@click.option("--odds", "odds_db", type=int, default=evidence.SUSPECT_AT_DB, show_default=True, help="Decibans at which to warn.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=thresholds.DAYS, show_default=True)
@brand_option
@json_option
def dry_run(gtin: str, rate_pm: int, odds_db: int, days: int, tenant: str | None, *, as_json: bool) -> None:
    """Say whom these weights would have warned. Changes nothing."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            product = products.find(session, tenant_id=tenant_id, gtin=gtin)
            tried = thresholds.dry_run(
                session,
                tenant_id=tenant_id,
                gtin=product.gtin,
                weights=evidence.weights(rate_pm, odds_db),
                now=instance.clock.now(),
                days=days,
            )
            members = identities.members_among(session, tenant_id=tenant_id, visitors=tried.warned)
    answer(
        {
            "days": tried.days,
            "scans": tried.scans,
            "visitors": tried.visitors,
            "warned": len(tried.warned),
            "newly_warned": len(tried.newly_warned),
            "no_longer_warned": len(tried.no_longer_warned),
            "members_warned": members,
            "codes": tried.codes_warned,
            "by_finding": tried.by_finding,
            "by_division": tried.by_division,
        },
        as_json=as_json,
        sentence=(
            f"Of {tried.visitors:,} visitors in {tried.days} days this would have warned {len(tried.warned):,}, "
            f"of whom {len(tried.newly_warned):,} saw no warning then and {members:,} are members; "
            f"{len(tried.no_longer_warned):,} who saw one would not have. {tried.codes_warned:,} codes concerned."
        ),
    )


@group.command("set")
@click.option("--gtin", required=True)
@click.option("--rate", "rate_pm", type=int, help="Per thousand genuine items.")
@click.option("--odds", "odds_db", type=int, help="Decibans at which to warn.")
@click.option("--usual", is_flag=True, help="Back to the usual.")
@click.option("--reason", required=True)
@brand_option
@json_option
def change(
    gtin: str, rate_pm: int | None, odds_db: int | None, reason: str, tenant: str | None, *, usual: bool, as_json: bool
) -> None:
    """Change when buyers are warned, from the next scan on."""
    if usual == (rate_pm is not None or odds_db is not None):
        raise click.UsageError("Say --rate, --odds or both, or --usual.")
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            there = catalogue.weights_of(products.find(session, tenant_id=tenant_id, gtin=gtin))
            wanted = evidence.weights(
                there.stranger_rate_pm if rate_pm is None else rate_pm, there.suspect_at_db if odds_db is None else odds_db
            )
            product = thresholds.set_weights(
                session,
                tenant_id=tenant_id,
                gtin=gtin,
                weights=None if usual else wanted,
                reason=reason,
                actor=ACTOR,
                now=instance.clock.now(),
            )
    weights = catalogue.weights_of(product)
    answer(
        {"gtin": product.gtin, "stranger_rate_pm": weights.stranger_rate_pm, "suspect_at_db": weights.suspect_at_db},
        as_json=as_json,
        sentence=f"{product.name}: {weights.stranger_rate_pm} of 1,000, warned at {weights.suspect_at_db} decibans, from the next scan on.",
    )
