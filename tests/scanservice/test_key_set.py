"""The published key set: of the brand of the host, cacheable, and enough to check a printed address."""

from codegen import brands, url_signatures
from codegen.keys import keyring
from kit.db import transaction
from tests.scanservice.conftest import GTIN, LocalEdge, Market
from tests.scanservice.test_pins import edge, pinned, signed_path

__all__ = ["edge", "pinned"]
PATH = "/.well-known/onemark-keys.json"


def test_the_host_names_the_brand_whose_keys_these_are(edge: LocalEdge, pinned: Market) -> None:
    anna = edge.stranger()
    answer = anna.get(PATH)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"
    keys = answer.json()
    assert (keys["brand"], keys["epochs"]) == ("tea", [{"epoch": 0, "state": "open"}])
    url = f"https://tea.example{signed_path(pinned, 1)}"
    assert url_signatures.verify(url, keys).serial == pinned.serial(1)
    tag = answer.headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        same = anna.get(PATH, if_none_match=known)
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    assert anna.ask("HEAD", PATH).body == b""
    assert anna.get(f"{PATH}?gtin={GTIN}").json() == keys


def test_revoked_and_new_epochs_are_published_and_another_brand_has_other_keys(edge: LocalEdge, pinned: Market) -> None:
    before = edge.stranger().get(PATH).json()
    now, kek = pinned.clock.now(), pinned.settings.kek_bytes
    with transaction(pinned.engine, tenant_id=pinned.tenant_id) as session:
        keyring.revoke(session, tenant_id=pinned.tenant_id, epoch=0, kek=kek, reason="lost", now=now, actor="test")
    with transaction(pinned.engine, tenant_id=None) as session:
        brands.create(
            session, slug="rival", name="Rival", scan_origin="https://rival.example", gtin_prefixes=("953",), kek=kek, now=now
        )
    edge.look_after()
    keys = edge.stranger().get(PATH).json()
    assert keys["epochs"] == [{"epoch": 0, "state": "revoked"}, {"epoch": 1, "state": "open"}]
    assert {key["kid"] for key in keys["keys"]} == {"tea/1/manifest", "tea/1/url"}
    rival = edge.stranger().get(PATH, host="rival.example").json()
    assert rival["brand"] == "rival"
    assert not {key["x"] for key in rival["keys"]} & {key["x"] for key in (*keys["keys"], *before["keys"])}
    for wrong in ("123", "x" * 60):
        assert edge.stranger().get(f"{PATH}?gtin={wrong}").status == 422


def test_unknown_hosts_are_answered_as_scans_are(market: Market) -> None:
    production = market.settings.model_copy(update={"environment": "production"})
    with LocalEdge.running(production, market.clock) as strict:
        unknown = strict.stranger().get(PATH, host="nobody.example")
        assert (unknown.status, unknown.json()["code"]) == (404, "host_unknown")
    with LocalEdge.running(market.settings, market.clock) as one_box:
        assert one_box.stranger().get(PATH, host="192.168.1.5:8000").json()["brand"] == "tea"
