"""The watch over scans, through a real edge and a real ingester: whose list got out, who makes codes up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from codegen import cipher as ciphers
from codegen import orders
from codegen.code_lists import exports
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.lifecycle import ranges
from codegen.print_packages import packages
from codegen.print_packages.guarding import recipients
from codegen.print_packages.packages import Package, Printing
from kit.db import transaction
from kit.ids import uuid7
from scanservice.anomalies import anomalies, handling, suspects, watching
from scanservice.anomalies.anomalies import Anomaly
from scanservice.anomalies.suspects import Suspects
from scanservice.anomalies.suspicions import INVALID_SCANS_MIN, AnomalyKind, Severity
from scanservice.edge.throttling import BURST
from scanservice.ingest import records, statistics
from scanservice.ingest.ingesting import Ingester
from tests.scanservice.conftest import GTIN, LocalEdge, Market, locate

SHANGHAI = {"latitude": 31.2, "longitude": 121.5, "accuracy_m": 20}


@dataclass(frozen=True, kw_only=True)
class Press:
    """Two printers with a part each of one unreleased order: rows 1 to 50 are A's, 51 to 100 are B's."""

    market: Market
    order_id: UUID
    of_a: Package
    of_b: Package
    serials: Sequence[str]
    canaries_of_a: Sequence[str]

    def path(self, row: int) -> str:
        return f"/01/{GTIN}/21/{self.serials[row - 1]}"


def ask(market: Market, order_id: UUID, recipient: str, first: int, last: int, printing: Printing = Printing.FIRST) -> Package:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return packages.request(
            session,
            tenant_id=market.tenant_id,
            package_id=uuid7(market.clock.now()),
            order_id=order_id,
            recipient=recipient,
            first=first,
            last=last,
            canary_count=None if printing is Printing.FIRST else 0,
            kek=market.settings.kek_bytes,
            now=market.clock.now(),
            actor="olga@tea.example",
            printing=printing,
        )


def fetched(market: Market, package: Package) -> None:
    """Somebody of the brand took the file to the printer; how files are made is another test's matter."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.execute(
            text("INSERT INTO package_download VALUES (:tenant, :package, 1, 'fritz@tea.example', '192.0.2.9', :at)"),
            {"tenant": market.tenant_id, "package": package.id, "at": market.clock.now()},
        )


@pytest.fixture
def press(market: Market) -> Press:
    now = market.clock.now()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        for name in ("Printer A", "Printer B"):
            recipients.add(
                session, tenant_id=market.tenant_id, name=name, kek=market.settings.kek_bytes, now=now, actor="olga@tea.example"
            )
        order = orders.place(
            session, tenant_id=market.tenant_id, gtin=GTIN, quantity=100, lot="L2", request_id="two", now=now, actor="olga"
        )
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=order.epoch, kek=market.settings.kek_bytes)
    serials = [serial.decode() for serial in cipher.serials(order.first_counter, order.quantity)]
    of_a, of_b = ask(market, order.id, "Printer A", 1, 50), ask(market, order.id, "Printer B", 51, 100)
    fetched(market, of_a)
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        canaries = next(one for one in orders.every(session, tenant_id=market.tenant_id) if one.kind is Kind.CANARY)
    return Press(
        market=market,
        order_id=order.id,
        of_a=of_a,
        of_b=of_b,
        serials=serials,
        canaries_of_a=[serial.decode() for serial in cipher.serials(canaries.first_counter, canaries.quantity)],
    )


@pytest.fixture
def ingester(market: Market) -> Ingester:
    projections = (statistics.project, watching.watch)
    return Ingester(market.engine, market.redis, projections=projections, locate=locate, clock=market.clock)


def found(market: Market) -> list[Anomaly]:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return list(anomalies.every(session, tenant_id=market.tenant_id))


def named(market: Market, anomaly: Anomaly) -> Suspects:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return suspects.of(session, anomaly, tenant_id=market.tenant_id)


def told(market: Market, anomaly: Anomaly) -> int:
    """How often staff were told of it."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        query = text("SELECT count(*) FROM outbox WHERE topic = 'anomaly.found' AND payload ->> 'anomaly_id' = :id")
        return session.scalar(query, {"id": str(anomaly.id)}) or 0


def test_codes_of_a_part_that_is_not_released_name_its_printer_its_rows_and_the_operators(
    press: Press, edge: LocalEdge, ingester: Ingester
) -> None:
    market = press.market
    for row in (1, 90):  # noise: goods that are released
        edge.stranger().verdict(market.path(row))
    assert edge.stranger().verdict(press.path(7)) == "inactive"
    edge.stranger().post("/v1/scans", {"url": f"HTTPS://TEA.EXAMPLE{press.path(7)}", **SHANGHAI})
    market.clock.advance(timedelta(hours=1))
    ingester.drain()
    for row in (8, 9):
        page = edge.stranger()
        page.confirm(page.open(press.path(row)))
    ingester.drain()

    (leak,) = found(market)
    assert (leak.kind, leak.severity, leak.lot, leak.gtin) == (AnomalyKind.LEAK, Severity.NORMAL, "L2", GTIN)
    assert (leak.scans, leak.codes, leak.division) == (4, 3, "310000")
    assert leak.last_seen_at - leak.first_seen_at == timedelta(hours=1)
    assert dict(leak.reasons) == {"inactive": 4}
    assert told(market, leak) == 1
    (suspect,) = named(market, leak).packages
    assert (suspect.package.recipient, suspect.package.first, suspect.package.last) == ("Printer A", 1, 50)
    assert suspect.package.id == press.of_a.id
    assert suspect.package.requested_by == "olga@tea.example"
    assert [(one.fetched_by, one.address) for one in suspect.downloads] == [("fritz@tea.example", "192.0.2.9")]
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        (most, *_) = anomalies.codes(session, leak.id, tenant_id=market.tenant_id)
        (here,) = anomalies.of_code(session, tenant_id=market.tenant_id, epoch=most.epoch, counter=most.counter)
        (beside,) = anomalies.of_code(session, tenant_id=market.tenant_id, epoch=most.epoch, counter=most.counter + 20)
        assert not anomalies.of_code(session, tenant_id=market.tenant_id, epoch=most.epoch, counter=most.counter + 60)
    assert (most.scans, here.scans, beside.scans) == (2, 2, 0)
    assert here.anomaly == beside.anomaly == leak


def test_a_canary_makes_it_certain_and_another_printers_part_another_leak(
    press: Press, edge: LocalEdge, ingester: Ingester
) -> None:
    assert len(press.canaries_of_a) == 2
    edge.stranger().verdict(press.path(3))
    edge.stranger().verdict(press.path(77))
    edge.stranger().verdict(f"/01/{GTIN}/21/{press.canaries_of_a[0]}")
    ingester.drain()
    by_recipient = {named(press.market, leak).recipients: leak for leak in found(press.market)}
    assert by_recipient.keys() == {("Printer A",), ("Printer B",)}
    of_a, of_b = by_recipient["Printer A",], by_recipient["Printer B",]
    assert (of_a.severity, of_b.severity) == (Severity.HIGH, Severity.NORMAL)
    assert dict(of_a.reasons) == {"canary": 1, "inactive": 1}
    assert (of_a.package_id, of_b.package_id) == (press.of_a.id, press.of_b.id)


def test_of_a_reprinted_part_both_are_named_and_whoever_explains_more_comes_first(
    press: Press, edge: LocalEdge, ingester: Ingester
) -> None:
    ask(press.market, press.order_id, "Printer B", 1, 10, printing=Printing.REPRINT)
    for row in (2, 20, 21):
        edge.stranger().verdict(press.path(row))
    ingester.drain()
    (leak,) = found(press.market)
    suspected = named(press.market, leak)
    assert [(one.package.recipient, one.scans) for one in suspected.packages] == [("Printer A", 3), ("Printer B", 1)]


def test_a_thousand_scans_of_one_part_are_one_anomaly_that_replayed_batches_do_not_change(
    press: Press, edge: LocalEdge, ingester: Ingester
) -> None:
    market = press.market
    scans = [{"url": f"HTTPS://TEA.EXAMPLE{press.path(1 + number % 50)}"} for number in range(1000)]
    for at in (0, 500):
        edge.stranger().post("/v1/scans", {"scans": scans[at : at + 500]})
    ingester.drain()
    before = found(market)
    (leak,) = before
    assert (leak.scans, leak.codes, len(leak.samples)) == (1000, 50, watching.SCANS_KEPT_MAX)
    # The same entries once more, as after a PostgreSQL that was restored from its backup.
    with transaction(market.engine, tenant_id=None) as session:
        session.execute(text("UPDATE log_position SET sequence = -1 WHERE sequence >= 0"))
    assert ingester.drain() == 1000
    assert found(market) == before
    assert told(market, leak) == 1


def test_a_void_row_is_a_leak_and_a_frozen_one_or_a_released_one_is_none(
    press: Press, edge: LocalEdge, ingester: Ingester
) -> None:
    market = press.market
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        who: dict[str, Any] = {
            "tenant_id": market.tenant_id,
            "order_id": press.order_id,
            "now": market.clock.now(),
            "actor": "olga",
        }
        ranges.activate(session, first=1, last=49, **who)
        ranges.void(session, first=50, last=50, reason="spoilt on the press", **who)
        ranges.freeze(session, first=49, last=49, reason="being checked", **who)
    edge.look_after()
    verdicts = [edge.stranger().verdict(press.path(row)) for row in (1, 49, 50)]
    assert verdicts == ["genuine_first", "inactive", "void"]
    ingester.drain()
    (leak,) = found(market)
    assert (dict(leak.reasons), leak.scans) == ({"void": 1}, 1)


def test_without_a_package_whoever_made_files_of_these_rows_is_named_and_nobody_else(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    """Rows 91 to 100 of the first order are not released. Fritz made a file of them; Gina of others, and Hans too late."""

    def export(first: int, last: int, actor: str) -> None:
        with transaction(market.engine, tenant_id=market.tenant_id) as session:
            exports.request(
                session,
                tenant_id=market.tenant_id,
                export_id=uuid7(market.clock.now()),
                order_id=market.order.id,
                first=first,
                last=last,
                now=market.clock.now(),
                actor=actor,
            )

    export(90, 100, "fritz")
    export(1, 10, "gina")
    market.clock.advance(timedelta(minutes=5))
    edge.stranger().verdict(market.path(95))
    market.clock.advance(timedelta(minutes=5))
    export(1, 100, "hans")
    ingester.drain()
    (leak,) = found(market)
    suspected = named(market, leak)
    assert (suspected.packages, [one.requested_by for one in suspected.exports]) == ((), ["fritz"])
    assert suspected.order is not None
    assert suspected.order.id == market.order.id


def test_a_hundred_thousand_invented_serials_from_one_address_are_one_forgery(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    """Past the bucket they are refused unrecorded, so that no table fills; a person who mistyped once is nobody's anomaly."""
    forger, clumsy = edge.stranger(), edge.stranger()
    clumsy.verdict(f"/01/{GTIN}/21/{_invented(10**6)}")
    refused = 0
    for start in range(0, 100_000, 1000):
        scans = [{"url": f"HTTPS://TEA.EXAMPLE/01/{GTIN}/21/{_invented(start + number)}"} for number in range(1000)]
        answer = forger.post("/v1/scans", {"scans": scans})
        results = answer.json()["results"] if answer.status == 200 else [answer.json()] * len(scans)
        refused += sum(result["status"] == 429 for result in results)
    assert refused == 100_000 - BURST
    assert forger.get(f"/01/{GTIN}/21/{_invented(5)}", accept="application/json").status == 429
    ingester.drain()
    (forgery,) = found(market)
    assert (forgery.kind, forgery.scans, forgery.severity) == (AnomalyKind.FORGERY, BURST, Severity.NORMAL)
    assert forgery.block.endswith(".0/24")
    assert len(forgery.serials) == watching.SERIALS_KEPT_MAX
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        rows = {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("scan", "anomaly", "anomaly_code")}
        assert rows == {"scan": BURST + 1, "anomaly": 2, "anomaly_code": 0}
        later = market.clock.now() + timedelta(days=3)
        assert handling.forget_unripe(session, tenant_id=market.tenant_id, now=later) == 1
        assert session.scalar(text("SELECT count(*) FROM anomaly")) == 1


def _invented(number: int) -> str:
    """Shaped like a serial of epoch 0, and signed by nobody."""
    alphabet = ciphers.ALPHABET
    digits = ""
    number += 1
    while len(digits) < 19:
        digits += alphabet[number % 32]
        number = number // 32 + 7 * len(digits)
    return "0" + digits


def test_a_valid_tag_without_a_range_alarms_staff(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        ring = keyring.cipher(session, tenant_id=market.tenant_id, epoch=0, kek=market.settings.kek_bytes)
    for counter in (10**9, 10**9 + 1):
        assert edge.stranger().verdict(f"/01/{GTIN}/21/{ring.serial_of(counter)}") == "inactive"
    ingester.drain()
    (forgery,) = found(market)
    assert (forgery.kind, forgery.severity, forgery.epoch) == (AnomalyKind.FORGERY, Severity.HIGH, 0)
    assert (forgery.scans, forgery.codes, dict(forgery.reasons)) == (2, 2, {"no_range": 2})


def test_an_edge_that_had_not_heard_of_an_order_yet_makes_nobody_a_forger(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    """Whoever asks in the very moment in which the edge fetches the new order is answered from what it knew before."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        ring = keyring.cipher(session, tenant_id=market.tenant_id, epoch=0, kek=market.settings.kek_bytes)
        late = orders.place(
            session,
            tenant_id=market.tenant_id,
            gtin=GTIN,
            quantity=1,
            lot="L3",
            request_id="late",
            now=market.clock.now(),
            actor="olga",
        )
    foreign = ring.serial_of(late.last_counter + 1)
    for serial in (foreign, ring.serial_of(late.first_counter)):
        edge.stranger().verdict(f"/01/{GTIN}/21/{serial}")
    ingester.drain()
    assert [(one.kind, one.scans) for one in found(market) if one.kind is AnomalyKind.FORGERY] == [(AnomalyKind.FORGERY, 1)]


def test_a_person_who_types_wrongly_now_and_then_is_no_forger(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    anna = edge.stranger()
    for number in range(INVALID_SCANS_MIN - 1):
        anna.verdict(f"/01/{GTIN}/21/{_invented(number)}")
    market.clock.advance(timedelta(hours=1))
    anna.verdict(f"/01/{GTIN}/21/{_invented(99)}")
    ingester.drain()
    assert found(market) == []
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        assert anomalies.count_new(session, tenant_id=market.tenant_id) == 0


def test_staff_and_the_history_of_another_platform_are_not_suspected(press: Press, edge: LocalEdge, ingester: Ingester) -> None:
    """The row of a real scan, told as if a scanner of the brand had read it, or an import had brought it."""
    market = press.market
    kept: list[records.ScanRow] = []
    edge.stranger().verdict(press.path(1))
    Ingester(
        market.engine,
        market.redis,
        projections=(lambda _session, _tenant, scans: kept.extend(scan.row for scan in scans),),
        locate=locate,
        clock=market.clock,
    ).drain()
    (row,) = kept
    told_so = [
        msgspec.structs.replace(row, scan_id=uuid7(market.clock.now()), role="staff"),
        msgspec.structs.replace(row, scan_id=uuid7(market.clock.now()), source="import"),
    ]
    with transaction(market.engine, tenant_id=None) as session:
        assert records.store(session, told_so, projections=(watching.watch,)) == 2
    assert found(market) == []
