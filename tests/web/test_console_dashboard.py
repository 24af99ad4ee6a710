"""The dashboard's figures, shares and charts on a small history, and what a new brand sees."""

import json
import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from kit.settings import Settings
from scanservice.verdicts import Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import join, offer, phone
from tests.web.scans import PUDONG, XIHU, scan, words_of


def test_a_new_brand_is_told_what_to_do_next(owner: FlaskClient) -> None:
    page = owner.get("/console/")
    said = words_of(page.text)
    assert "Nobody has scanned yet." in said
    assert "✓ Add a product with its GTIN. done ✓ Order codes for a lot and activate them. done" in said
    assert "○ Give consumers a reason to scan: a campaign with points. New campaign" in said
    assert "echarts" not in page.text


def test_figures_shares_and_charts_add_up(
    owner: FlaskClient, furnished: Furnished, other_furnished: Furnished, database: Database, app: Flask, settings: Settings
) -> None:
    for row in range(1, 5):
        scan(database, furnished, row=row, at=NOW - timedelta(hours=1), confirmed=row < 3)
    scan(database, furnished, row=5, at=NOW - timedelta(days=3), verdict=Verdict.SUSPECT, division=XIHU)
    scan(database, furnished, row=6, at=NOW - timedelta(days=20), verdict=Verdict.GENUINE_AGAIN, division="")
    scan(database, furnished, row=7, at=NOW - timedelta(days=60), division="")
    scan(database, other_furnished, row=1, at=NOW - timedelta(hours=1))
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    alice = phone(app, settings)
    ticket = alice.ticket(furnished, now=NOW)
    join(alice, ticket, database, tenant_id=furnished.tenant_id)
    alice.client.post("/claim", data={"ticket": ticket})

    page = owner.get("/console/").text
    said = words_of(page)
    for figure in (
        "Scans today ? 4",
        "Scans, 7 days ? 5",
        "Scans, 30 days ? 6",
        "Confirmed ? 4 of 6 in 30 days",
        "New consumers ? 1 in 30 days",
        "Points given ? 10 since the start",
    ):
        assert figure in said
    assert "Genuine, first scan 66.7% 4" in said
    assert "Suspect 16.7% 1" in said
    assert "Figures as of 2026-11-22 16:00" in said
    scans = chart(page, "chart-scans")
    assert {one["name"]: sum(one["data"]) for one in scans["series"]} == {
        "Genuine, first scan": 4,
        "Genuine, same person again": 1,
        "Suspect": 1,
    }
    assert scans["xAxis"]["data"][-1] == "11-22"
    assert len(scans["xAxis"]["data"]) == 30
    top = chart(page, "chart-top")
    assert list(zip(top["yAxis"]["data"], top["series"][0]["data"], strict=True)) == [
        ("Shanghai 浦东新区", 4),
        ("Zhejiang 杭州市 西湖区", 1),
    ]
    assert chart(page, "chart-joined")["series"][0]["data"] == [0] * 29 + [1]
    assert PUDONG not in said


def test_the_period_is_chosen_and_nonsense_is_the_usual_one(owner: FlaskClient, furnished: Furnished, database: Database) -> None:
    scan(database, furnished, at=NOW - timedelta(days=60))
    assert len(chart(owner.get("/console/?days=7").text, "chart-scans")["xAxis"]["data"]) == 7
    longest = owner.get("/console/?days=90").text
    assert [sum(one["data"]) for one in chart(longest, "chart-scans")["series"]] == [1]
    for nonsense in ("0", "-1", "31", "x", "9999999999"):
        assert len(chart(owner.get(f"/console/?days={nonsense}").text, "chart-scans")["xAxis"]["data"]) == 30


def test_every_figure_carries_its_definition(owner: FlaskClient) -> None:
    page = owner.get("/console/").text
    figures = re.findall(r'<div class="desk-figure-label">(.*?)</div>', page)
    assert len(figures) == 6
    assert all('role="note"' in figure and "data-help=" in figure for figure in figures)


def test_the_charts_script_is_served_from_here_for_a_long_time(
    owner: FlaskClient, furnished: Furnished, database: Database
) -> None:
    scan(database, furnished)
    found = re.search(r'src="(/assets/echarts-[^"]+)"', owner.get("/console/").text)
    assert found
    answer = owner.get(found[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.mimetype == "text/javascript"
    answer.close()


def test_the_picture_has_its_numbers_in_a_table_too(owner: FlaskClient, furnished: Furnished, database: Database) -> None:
    scan(database, furnished, at=NOW - timedelta(days=1))
    said = words_of(owner.get("/console/?days=7").text)
    assert "2026-11-21 1 2026-11-22 0" in said


def chart(page: str, name: str) -> dict:  # type: ignore[type-arg]
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    options: dict = json.loads(found[1])  # type: ignore[type-arg]
    return options
