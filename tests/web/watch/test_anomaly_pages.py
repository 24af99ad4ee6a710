"""Anomalies in the console: who sees them, what they explain, closing and opening again."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen.print_packages import packages
from codegen.print_packages.guarding import recipients
from codegen.print_packages.packages import Package
from kit.db import transaction
from kit.ids import uuid7
from kit.settings import Settings
from scanservice.anomalies.anomalies import AnomalyState
from scanservice.verdicts import Standing
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, Join, sign_in
from tests.web.scans import words_of
from tests.web.watch.strange_scans import found, strange_scan
from web.accounts import Role


@pytest.fixture
def package(database: Database, furnished: Furnished, settings: Settings) -> Package:
    """Rows 1 to 40 were given to a printer."""
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        recipients.add(session, tenant_id=furnished.tenant_id, name="Anna Print", kek=settings.kek_bytes, now=NOW, actor="olga")
        return packages.request(
            session,
            tenant_id=furnished.tenant_id,
            package_id=uuid7(NOW),
            order_id=furnished.order_id,
            recipient="Anna Print",
            first=1,
            last=40,
            kek=settings.kek_bytes,
            now=NOW,
            actor="olga@tea.example",
        )


def test_a_leak_names_printer_part_and_operator_and_counts_in_the_navigation_until_somebody_looked(
    database: Database, furnished: Furnished, package: Package, marketer: FlaskClient
) -> None:
    empty = words_of(marketer.get("/console/anomalies").text)
    assert "Nothing to look into" in empty
    for row in (3, 3, 4):
        strange_scan(database, furnished, Standing.INACTIVE, row=row)
    (leak,) = found(database, furnished)
    assert "Anomalies 1" in words_of(marketer.get("/console/products").text)
    listed = words_of(marketer.get("/console/anomalies").text)
    assert "Leak from the part of Anna Print" in listed
    page = words_of(marketer.get(f"/console/anomalies/{leak.id}").text)
    for said in ("Anna Print", "rows 1 to 40", str(package.id), "olga@tea.example", "explains 3 of 3 scans", "sold before"):
        assert said in page
    assert "Anomalies 1" not in words_of(marketer.get("/console/products").text)
    assert found(database, furnished)[0].state is AnomalyState.SEEN
    marketer.get(f"/console/anomalies/{leak.id}")
    assert words_of(marketer.get(f"/console/anomalies/{leak.id}").text).count("Seen") == 2  # the state, and one line
    looked_up = words_of(marketer.get(f"/console/codes?code={furnished.serial(3)}").text)
    assert "Leak from the part of Anna Print" in looked_up
    assert "this code was scanned for it" in looked_up
    assert "this code lies in the same part" in words_of(marketer.get(f"/console/codes?code={furnished.serial(9)}").text)


def test_closing_needs_a_reason_stands_with_its_author_and_can_be_undone(
    database: Database, furnished: Furnished, marketer: FlaskClient
) -> None:
    strange_scan(database, furnished, Standing.VOID)
    (leak,) = found(database, furnished)
    address = f"/console/anomalies/{leak.id}"
    refused = marketer.post(address, data={"words": "  ", "close": "y"})
    assert refused.status_code == 422
    for _again in range(2):
        assert marketer.post(address, data={"words": "Goods were relabelled", "close": "y"}).status_code == 302
    strange_scan(database, furnished, Standing.VOID, row=2, at=NOW + timedelta(hours=1))
    (closed,) = found(database, furnished)
    assert (closed.state, closed.scans, closed.scans_since_close) == (AnomalyState.CLOSED, 2, 1)
    page = marketer.get(address).text
    assert page.count("Goods were relabelled") == 1
    assert "+1 since closing" in page
    assert "Nothing to look into" in marketer.get("/console/anomalies").text
    assert str(leak.id) in marketer.get("/console/anomalies?state=closed&kind=leak&days=7").text
    assert str(leak.id) not in marketer.get("/console/anomalies?state=all&kind=forgery").text
    note = {"words": "Called the plant", "note": "y", "note_id": str(uuid7(NOW))}
    for _again in range(2):
        marketer.post(address, data=note)
    assert marketer.get(address).text.count("Called the plant") == 1
    marketer.post(address, data={"words": "It goes on", "reopen": "y"})
    assert found(database, furnished)[0].open


def test_a_forgery_says_where_it_came_from_and_shows_what_was_typed_as_text(
    database: Database, furnished: Furnished, marketer: FlaskClient
) -> None:
    for number in range(12):
        strange_scan(database, furnished, Standing.BAD_SERIAL, serial=f"<b>{number}</b>")
    strange_scan(database, furnished, Standing.NO_RANGE, row=10**6, division="")
    tries, key = sorted(found(database, furnished), key=lambda one: one.severity, reverse=True)
    page = marketer.get(f"/console/anomalies/{tries.id}").text
    assert "Invented codes from 203.0.113.0/24" in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "<b>1</b>" not in page
    assert "somebody has this brand&#39;s key" in marketer.get(f"/console/anomalies/{key.id}").text


def test_neither_distributors_nor_another_brand_see_any_of_it(
    app: Flask,
    database: Database,
    furnished: Furnished,
    other_furnished: Furnished,
    hire: Join,
    distributor: FlaskClient,
    owner: FlaskClient,
) -> None:
    strange_scan(database, furnished, Standing.INACTIVE)
    (leak,) = found(database, furnished)
    charlie = sign_in(app.test_client(), hire(Role.OWNER, tenant_id=other_furnished.tenant_id))
    for path in ("/console/anomalies", f"/console/anomalies/{leak.id}"):
        assert app.test_client().get(path).status_code == 302
        assert distributor.get(path).status_code == 403
    assert charlie.get(f"/console/anomalies/{leak.id}").status_code == 404
    assert charlie.post(f"/console/anomalies/{leak.id}", data={"words": "x", "close": "y"}).status_code == 404
    assert str(leak.id) not in charlie.get("/console/anomalies?state=all").text
    assert owner.get(f"/console/anomalies/{leak.id}").status_code == 200
    for path in ("/portal/", f"/portal/lots/{furnished.lot}"):
        page = distributor.get(path, follow_redirects=True).text.lower()
        assert "anomal" not in page
        assert "leak" not in page


def test_a_list_of_many_goes_on_behind_its_cursor(database: Database, furnished: Furnished, marketer: FlaskClient) -> None:
    for day in range(55):
        strange_scan(database, furnished, Standing.NO_RANGE, row=10**6, at=NOW - timedelta(days=day))
    first = marketer.get("/console/anomalies").text
    assert first.count("/console/anomalies/") == 50
    after = first.split("after=")[1].split('"')[0].replace("&amp;", "&")
    second = marketer.get(f"/console/anomalies?after={after}").text
    assert second.count("/console/anomalies/") == 5
    assert marketer.get("/console/anomalies?after=nonsense").status_code == 400
