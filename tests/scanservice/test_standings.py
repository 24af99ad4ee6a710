"""What was decided about ranges and keys, as a scan tells it with the very next answer."""

from datetime import timedelta

from codegen import orders
from codegen.keys import keyring
from codegen.kinds import Profile
from codegen.lifecycle import bindings, ranges
from codegen.lifecycle.bindings import Target
from kit.db import transaction
from tests.scanservice.conftest import GTIN, LocalEdge, Market

JSON = "application/json"


def told(edge: LocalEdge, path: str) -> tuple[str, list[dict[str, str | None]]]:
    answer = edge.stranger().get(path, accept=JSON).json()
    return answer["verdict"], answer["reasons"]


def test_a_frozen_code_is_inactive_until_the_freeze_ends(edge: LocalEdge, market: Market) -> None:
    market.decide(ranges.freeze, first=1, last=1, reason="a note among staff")
    assert told(edge, market.path(1)) == ("inactive", [{"code": "frozen", "value": None}])
    market.clock.advance(timedelta(minutes=1))
    market.decide(ranges.unfreeze, first=1, last=1)
    assert told(edge, market.path(1))[0] == "genuine_first"


def test_a_printed_code_is_inactive_until_it_is_released(edge: LocalEdge, market: Market) -> None:
    market.decide(ranges.mark_printed, first=91, last=91, reason="press 7")
    assert told(edge, market.path(91)) == ("inactive", [{"code": "inactive", "value": None}])
    market.decide(ranges.activate, first=91, last=91)
    assert told(edge, market.path(91))[0] == "genuine_first"


def test_a_revoked_epoch_voids_its_codes_whether_ordered_or_not(edge: LocalEdge, market: Market) -> None:
    kek = market.settings.kek_bytes
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=0, kek=kek)
        keyring.revoke(
            session, tenant_id=market.tenant_id, epoch=0, kek=kek, reason="leaked", now=market.clock.now(), actor="test"
        )
    edge.look_after()
    revoked = ("void", [{"code": "epoch_revoked", "value": None}])
    assert told(edge, market.path(1)) == revoked
    assert told(edge, f"/{cipher.serial_of(123_456)}") == revoked
    assert told(edge, f"/{'5' + market.serial(1)[1:]}")[0] == "counterfeit"


def test_a_blank_code_is_inactive_until_it_is_bound(edge: LocalEdge, market: Market) -> None:
    now = market.clock.now()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        roll = orders.place(
            session,
            tenant_id=market.tenant_id,
            gtin=None,
            quantity=2,
            lot="ROLL",
            profile=Profile.SHORT,
            request_id="roll",
            now=now,
            actor="test",
        )
        ranges.activate(session, tenant_id=market.tenant_id, order_id=roll.id, now=now, actor="test")
        serial = keyring.cipher(session, tenant_id=market.tenant_id, epoch=0, kek=market.settings.kek_bytes).serial_of(
            roll.first_counter
        )
    edge.look_after()
    assert told(edge, f"/{serial}") == ("inactive", [{"code": "unbound", "value": None}])
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        target = Target(gtin=GTIN, lot="L77")
        bindings.bind(session, target, tenant_id=market.tenant_id, order_id=roll.id, last=1, now=now, actor="test")
    edge.look_after()
    answer = edge.stranger().get(f"/{serial}", accept=JSON).json()
    assert (answer["verdict"], answer["gtin"], answer["lot"]) == ("genuine_first", GTIN, "L77")
    assert told(edge, f"/01/{GTIN}/21/{serial}")[0] == "genuine_seen"
