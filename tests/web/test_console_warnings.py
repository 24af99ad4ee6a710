"""When buyers are warned of copies: a dry run says who would have been, a change counts from the next scan on."""

from datetime import timedelta
from functools import partial

from flask.testing import FlaskClient

from codegen import audit, products
from codegen.audit import Action
from kit.db import transaction
from scanservice import catalogue, evidence, thresholds
from scanservice.evidence import Weights
from scanservice.verdicts import Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.scans import drop_scans, scan, words_of

DAY = timedelta(days=1)


def strangers(database: Database, brand: Furnished, *, row: int, count: int, verdict: Verdict = Verdict.GENUINE_SEEN) -> None:
    """`count` people of as many households check one code, a day apart; the last saw `verdict`."""
    for number in range(count):
        scan(
            database,
            brand,
            row=row,
            at=NOW - (count - number) * DAY,
            verdict=verdict if number == count - 1 else Verdict.GENUINE_SEEN,
            visitor=bytes([row, number, 0, 0, 0, 0, 0, 1]),
            whence=bytes([row, 1, number, 0, 0]),
        )


def test_a_dry_run_says_whom_other_weights_would_have_warned(database: Database, furnished: Furnished) -> None:
    strangers(database, furnished, row=1, count=4, verdict=Verdict.SUSPECT)
    strangers(database, furnished, row=2, count=2)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        asked = partial(thresholds.dry_run, session, tenant_id=furnished.tenant_id, gtin=furnished.gtin, now=NOW)
        usual = asked(weights=evidence.USUAL)
        goes_round = asked(weights=Weights(stranger_rate_pm=500))
        early = asked(weights=Weights(suspect_at_db=-20))
    assert usual.visitors == 6
    assert usual.warned == usual.warned_before
    assert len(usual.warned) == 1
    assert not goes_round.warned
    assert len(goes_round.no_longer_warned) == 1
    # Whoever met one stranger: two of the four at the first code, one of the two at the second.
    assert len(early.newly_warned) == 3
    assert {code.counter for code in early.codes} == {furnished.first_counter, furnished.first_counter + 1}


def test_only_the_asked_days_are_judged_but_by_all_that_was_before(database: Database, furnished: Furnished) -> None:
    strangers(database, furnished, row=1, count=4, verdict=Verdict.SUSPECT)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        tried = thresholds.dry_run(
            session, tenant_id=furnished.tenant_id, gtin=furnished.gtin, weights=evidence.USUAL, now=NOW, days=1
        )
    assert tried.scans == 1
    assert len(tried.warned) == 1


def test_scans_whose_month_was_dropped_are_still_evidence(database: Database, furnished: Furnished) -> None:
    strangers(database, furnished, row=1, count=4, verdict=Verdict.SUSPECT)
    drop_scans(database, furnished, since=NOW - 9 * DAY, until=NOW - DAY)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        tried = thresholds.dry_run(session, tenant_id=furnished.tenant_id, gtin=furnished.gtin, weights=evidence.USUAL, now=NOW)
    assert tried.scans == 1
    assert len(tried.warned) == 1


def test_a_page_shows_the_dry_run_and_saves_with_a_reason(database: Database, furnished: Furnished, owner: FlaskClient) -> None:
    strangers(database, furnished, row=1, count=4, verdict=Verdict.SUSPECT)
    page = f"/console/products/{furnished.gtin}/warnings"
    asked = {"stranger_rate_pm": "500", "suspect_at_db": "10"}
    shown = words_of(owner.post(page, data={**asked, "preview": "1"}).get_data(as_text=True))
    assert "Nobody would have been warned." in shown

    unexplained = owner.post(page, data={**asked, "submit": "1"})
    assert unexplained.status_code == 422
    assert "Say why" in unexplained.get_data(as_text=True)

    saved = owner.post(page, data={**asked, "reason": "A gift box", "submit": "1"})
    assert saved.status_code == 302
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        product = products.find(session, tenant_id=furnished.tenant_id, gtin=furnished.gtin)
        assert catalogue.weights_of(product) == Weights(stranger_rate_pm=500, suspect_at_db=10)
        wanted = audit.Wanted(actions=frozenset({Action.WARNING_CHANGED}))
        (line,) = audit.page(session, tenant_id=furnished.tenant_id, wanted=wanted, before=None).lines
    assert line.reason == "A gift box"
    assert line.facts["suspect_at_db"] == [0, 10]


def test_another_brands_product_is_not_there(other_furnished: Furnished, owner: FlaskClient) -> None:
    assert owner.get(f"/console/products/{other_furnished.gtin}/warnings").status_code == 404
