"""Whoever asks for the links of serials that they made up is told 404, and is seen doing it however patient they are."""

from datetime import timedelta

import pytest

from kit.db import transaction
from scanservice.anomalies import anomalies, watching
from scanservice.anomalies.suspicions import INVALID_SCANS_MIN, AnomalyKind
from scanservice.ingest import statistics
from scanservice.ingest.ingesting import Ingester
from tests.scanservice.conftest import Market, locate
from tests.scanservice.resolver.conftest import LINKSET, PRODUCT, Shop

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def ingester(market: Market) -> Ingester:
    projections = (statistics.project, watching.watch)
    return Ingester(market.engine, market.redis, projections=projections, locate=locate, clock=market.clock)


@pytest.mark.parametrize(
    ("method", "query", "headers"),
    [
        ("GET", "?linkType=linkset", {}),
        ("GET", "?linkType=gs1:pip", {"accept": "text/html"}),
        ("GET", "", {"accept": LINKSET}),
        ("GET", "?linkType=linkset", {"accept": "application/json"}),
        ("HEAD", "?linkType=linkset", {}),
        ("GET", "?linkType=linkset", {"user_agent": GOOGLEBOT}),
        ("GET", "?linkType=linkset", {"sec_purpose": "prefetch"}),
    ],
)
def test_a_patient_guesser_becomes_an_anomaly(
    stocked: Shop, market: Market, ingester: Ingester, method: str, query: str, headers: dict[str, str]
) -> None:
    guesser = stocked.phone
    for number in range(INVALID_SCANS_MIN):
        assert guesser.ask(method, f"{PRODUCT}/21/TRY{number:017}{query}", **headers).status == 404
        market.clock.advance(timedelta(seconds=2))
    assert stocked.recorded() == INVALID_SCANS_MIN
    ingester.drain()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        (anomaly,) = anomalies.every(session, tenant_id=market.tenant_id)
    assert (anomaly.kind, anomaly.scans) == (AnomalyKind.FORGERY, INVALID_SCANS_MIN)


def test_links_of_a_genuine_code_are_no_scan_whoever_asks(stocked: Shop, market: Market) -> None:
    for method, headers in (
        ("GET", {}),
        ("HEAD", {}),
        ("GET", {"accept": "application/json"}),
        ("GET", {"user_agent": GOOGLEBOT}),
    ):
        assert stocked.phone.ask(method, f"{market.path(1)}?linkType=linkset", **headers).status == 200
    assert stocked.recorded() == 0
    assert stocked.phone.verdict(market.path(1)) == "genuine_first"
