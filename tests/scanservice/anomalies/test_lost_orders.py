"""A PostgreSQL restored from its backup has lost orders and brands whose scans the log still holds: all of them are stored all the same."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen import catalogue_version, orders
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.orders import CodeOrder
from kit.db import transaction
from scanservice import catalogue, queries
from scanservice.anomalies import anomalies, watching
from scanservice.anomalies.anomalies import Anomaly
from scanservice.anomalies.suspicions import AnomalyKind, Severity
from scanservice.ingest import rebuild, statistics
from scanservice.ingest.ingesting import Ingester
from tests.conftest import Database
from tests.scanservice.conftest import GTIN, LocalEdge, Market, locate


@pytest.fixture
def ingester(market: Market) -> Ingester:
    projections = (watching.watch, statistics.project)
    return Ingester(market.engine, market.redis, projections=projections, locate=locate, clock=market.clock)


def lose(instance: Database, table: str) -> None:
    with instance.owner_engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {table} CASCADE"))


def found(market: Market) -> list[Anomaly]:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return list(anomalies.page(session, tenant_id=market.tenant_id).anomalies)


def verdicts(market: Market) -> list[str]:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return sorted(line.verdict.value for line in queries.recent_scans(session, tenant_id=market.tenant_id))


def scan_of_each_kind(edge: LocalEdge, market: Market) -> None:
    market.decide(ranges.void, first=90, last=90, reason="spoilt")
    market.decide(ranges.freeze, first=89, last=89, reason="being checked")
    edge.look_after()
    said = [edge.stranger().verdict(market.path(row)) for row in (1, 89, 90, 95)]
    assert said == ["genuine_first", "inactive", "void", "inactive"]


def test_the_ingester_stores_scans_of_a_lost_order_and_says_which_codes_nobody_ordered(
    edge: LocalEdge, market: Market, ingester: Ingester, instance: Database
) -> None:
    scan_of_each_kind(edge, market)
    lose(instance, "code_order")
    assert ingester.step() == 4
    assert verdicts(market) == ["genuine_first", "inactive", "inactive", "void"]
    (alarm,) = found(market)
    assert (alarm.kind, alarm.severity, alarm.epoch) == (AnomalyKind.FORGERY, Severity.HIGH, market.order.epoch)
    assert (alarm.scans, alarm.codes, dict(alarm.reasons), alarm.order_id) == (3, 3, {"no_range": 3}, None)


def test_scans_of_a_lost_order_before_and_after_the_restore_are_one_anomaly(
    edge: LocalEdge, market: Market, ingester: Ingester, instance: Database
) -> None:
    edge.stranger().verdict(market.path(95))
    lose(instance, "code_order")
    rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    edge.look_after()
    with LocalEdge.running(market.settings, market.clock) as restarted:
        assert restarted.stranger().verdict(market.path(96)) == "inactive"
    ingester.drain()
    (alarm,) = found(market)
    assert (alarm.scans, alarm.codes) == (2, 2)


def ordered(session: Session, market: Market, *, quantity: int, lot: str) -> CodeOrder:
    return orders.place(
        session,
        tenant_id=market.tenant_id,
        gtin=GTIN,
        quantity=quantity,
        lot=lot,
        request_id=lot,
        now=market.clock.now(),
        actor="test",
    )


def test_a_lost_order_keeps_no_leak_of_another_from_being_found(
    edge: LocalEdge, market: Market, ingester: Ingester, instance: Database
) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.info[catalogue_version.TELL] = lambda version: catalogue.announce(market.redis, version)
        lost = ordered(session, market, quantity=10, lot="L2")
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=lost.epoch, kek=market.settings.kek_bytes)
    edge.look_after()
    for path in (market.path(95), f"/01/{GTIN}/21/{cipher.serial_of(lost.first_counter)}"):
        assert edge.stranger().verdict(path) == "inactive"
    with instance.owner_engine.begin() as connection:
        connection.execute(text("SELECT set_config('onemark.tenant', :tenant, true)"), {"tenant": str(market.tenant_id)})
        for table, column in (("order_mark", "order_id"), ("code_order", "id")):
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": lost.id})
    assert ingester.drain() == 2
    assert {(one.kind, one.order_id, one.scans) for one in found(market)} == {
        (AnomalyKind.LEAK, market.order.id, 1),
        (AnomalyKind.FORGERY, None, 1),
    }


def test_counters_that_another_order_was_given_since_are_nobodys_forgery(
    edge: LocalEdge, market: Market, ingester: Ingester, instance: Database
) -> None:
    edge.stranger().verdict(market.path(95))
    lose(instance, "code_order")
    with instance.owner_engine.begin() as connection:
        connection.execute(text("SELECT set_config('onemark.tenant', :tenant, true)"), {"tenant": str(market.tenant_id)})
        connection.execute(text("UPDATE key_epoch SET next_counter = :first"), {"first": market.order.first_counter})
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        again = ordered(session, market, quantity=100, lot="L9")
    assert again.first_counter == market.order.first_counter
    assert ingester.drain() == 1
    assert found(market) == []


def test_scans_of_a_lost_brand_are_stored_and_end_nothing(
    edge: LocalEdge, market: Market, ingester: Ingester, instance: Database
) -> None:
    scan_of_each_kind(edge, market)
    lose(instance, "tenant")
    assert ingester.step() == 4
    assert verdicts(market) == ["genuine_first", "inactive", "inactive", "void"]
    assert found(market) == []
