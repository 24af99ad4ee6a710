"""Insiders who scan with a browser are nobody's strangers; whoever forges their cookie is a consumer."""

from datetime import timedelta

import pytest

from kit import seals
from scanservice import insiders
from scanservice.verdicts import Role
from tests.conftest import NOW
from tests.scanservice.conftest import LocalEdge, Market

KEY = bytes(32)


@pytest.mark.parametrize("role", list(Role))
def test_a_cookie_says_the_role_it_was_sealed_with(role: Role) -> None:
    cookie = b"a=1; om_r=" + insiders.seal(role, tenant_id=7, now=NOW, key=KEY).encode() + b"; b=2"
    assert insiders.role_of(cookie, tenant_id=7, now=NOW, key=KEY) is role
    assert insiders.role_of(cookie, tenant_id=8, now=NOW, key=KEY) is Role.CONSUMER
    assert insiders.role_of(cookie, tenant_id=7, now=NOW, key=bytes([1]) * 32) is Role.CONSUMER
    late = NOW + timedelta(seconds=insiders.COOKIE_S)
    assert insiders.role_of(cookie, tenant_id=7, now=late, key=KEY) is Role.CONSUMER


@pytest.mark.parametrize("cookie", [b"", b"om_r=", b"om_r=" + b"A" * 38, b"om_r=" + b"A" * 39, b"xom_r=" + b"A" * 39])
def test_other_cookies_say_nothing(cookie: bytes) -> None:
    assert insiders.role_of(cookie, tenant_id=7, now=NOW, key=KEY) is Role.CONSUMER


def test_the_inspector_who_looked_first_is_not_the_buyers_stranger(edge: LocalEdge, market: Market) -> None:
    key = seals.derive(market.settings.secret_bytes, insiders.KEY_PURPOSE)
    sealed = insiders.seal(Role.STAFF, tenant_id=market.tenant_id, now=market.clock.now(), key=key)
    inspector = edge.stranger()
    inspector.get(market.path(1), accept="application/json", cookie=f"om_r={sealed}")
    buyer = edge.stranger().get(market.path(1), accept="application/json").json()
    assert buyer["verdict"] == "genuine_seen"
    assert {reason["code"] for reason in buyer["reasons"]} == {"staff_before"}
