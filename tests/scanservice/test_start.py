"""How the edge starts: never on a Redis that may forget, and patiently where a server is away."""

import asyncio
import base64

from pydantic import SecretStr

from scanservice.edge.app import Edge
from tests.scanservice.conftest import LocalEdge, Market


def test_a_redis_that_may_forget_is_refused_with_the_name_of_the_setting(market: Market) -> None:
    market.redis.config_set("appendfsync", "everysec")
    try:
        with asyncio.Runner() as runner:
            said = LocalEdge(Edge(lambda: market.settings, market.clock), runner).start()
    finally:
        market.redis.config_set("appendfsync", "always")
    assert said["type"] == "lifespan.startup.failed"
    assert "appendfsync" in said["message"]


def test_without_postgresql_the_edge_answers_503_and_goes_on_looking(market: Market) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    away = market.settings.model_copy(update={"database_url": nowhere})
    with LocalEdge.running(away, market.clock) as edge:
        answer = edge.stranger().get(market.path(1), accept="application/json")
        assert (answer.status, answer.json()["code"]) == (503, "catalogue_away")
        ready = edge.stranger().get("/readyz")
        assert (ready.status, ready.json()["catalogue"]) == (503, False)
        assert edge.stranger().get("/healthz").status == 200


def test_without_redis_the_edge_answers_503(market: Market) -> None:
    away = market.settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    with LocalEdge.running(away, market.clock) as edge:
        answer = edge.stranger().get(market.path(1), accept="text/html")
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert edge.stranger().get("/readyz").json()["function"] is False


def test_postgresql_may_go_away_while_scans_are_answered(market: Market) -> None:
    with LocalEdge.running(market.settings, market.clock) as edge:
        market.engine.dispose()
        assert edge.stranger().verdict(market.path(1)) == "genuine_first"


def test_an_edge_without_addresses_says_what_is_missing(market: Market) -> None:
    nowhere = market.settings.model_copy(update={"redis_url": ""})
    with asyncio.Runner() as runner:
        said = LocalEdge(Edge(lambda: nowhere, market.clock), runner).start()
    assert said["type"] == "lifespan.startup.failed"
    assert "REDIS_URL" in said["message"]


def test_another_key_encryption_key_opens_no_catalogue_and_is_not_told_to_strangers(market: Market) -> None:
    other = market.settings.model_copy(update={"kek": SecretStr(base64.b64encode(bytes(32)).decode())})
    with LocalEdge.running(other, market.clock) as edge:
        answer = edge.stranger().get(market.path(1), accept="application/json")
        assert (answer.status, answer.json()["code"]) == (503, "catalogue_away")
