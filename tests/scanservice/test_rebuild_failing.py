"""A rebuild that does not come to its end leaves edges answering as before, or says that they cannot."""

import pytest

from scanservice.hot import generations
from scanservice.ingest import rebuild
from scanservice.ingest.ingesting import Ingester
from tests.scanservice.conftest import LocalEdge, Market
from tests.scanservice.test_rebuild import live_a_while, states


class Broken(Exception):  # noqa: N818 - it says what a server is
    pass


def broken(*_given: object) -> int:
    raise Broken


def test_where_the_log_cannot_be_stored_edges_answer_as_before(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    live_a_while(edge, market)
    before, catalogues = states(market), generations.catalogues(market.redis)
    with pytest.raises(Broken) as failed:
        rebuild.rebuild(market.engine, market.redis, drain=broken, now=market.clock.now())
    assert "edges answer as before" in failed.value.__notes__[0]
    assert (states(market), generations.catalogues(market.redis)) == (before, catalogues)
    assert edge.stranger().verdict(market.path(1)) == "genuine_seen"
    assert rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now()).generation == 2


def test_whoever_interrupts_it_leaves_no_edge_behind_a_closed_log(edge: LocalEdge, market: Market) -> None:
    def interrupted() -> int:
        assert edge.stranger().get(market.path(1), accept="application/json").status == 503
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild.rebuild(market.engine, market.redis, drain=interrupted, now=market.clock.now())
    edge.look_after()
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"


def test_without_its_state_redis_is_not_opened_and_whoever_typed_is_told(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    live_a_while(edge, market)
    before = states(market)
    with pytest.raises(Broken) as failed:
        rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now(), progress=broken)
    assert "every edge answers 503" in failed.value.__notes__[0]
    assert "onemark rebuild state" in failed.value.__notes__[0]
    with pytest.raises(Broken) as failed:
        rebuild.rebuild(market.engine, market.redis, drain=broken, now=market.clock.now())
    assert "every edge answers 503" in failed.value.__notes__[0], "what was closed before stays closed"
    assert edge.stranger().get(market.path(1), accept="application/json").status == 503
    rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    assert states(market) == before
    edge.look_after()
    assert edge.stranger().verdict(market.path(2)) == "genuine_seen"


def test_a_redis_that_was_emptied_in_part_is_not_opened(market: Market) -> None:
    market.redis.hdel("meta:{5}", "g")
    with pytest.raises(Broken) as failed:
        rebuild.rebuild(market.engine, market.redis, drain=broken, now=market.clock.now())
    assert "every edge answers 503" in failed.value.__notes__[0]
    assert generations.shown(market.redis) == {generations.NONE}
