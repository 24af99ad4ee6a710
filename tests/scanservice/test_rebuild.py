"""Redis came back different: nobody is answered until its state is what it was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from codegen.lifecycle import ranges
from kit.db import transaction
from scanservice.hot import functions, generations, state
from scanservice.hot.generations import StateToRebuild
from scanservice.hot.state import Mode, Touch
from scanservice.ingest import rebuild
from scanservice.ingest.ingesting import Ingester
from scanservice.models import LogGeneration, LogPosition
from tests.scanservice.conftest import LocalEdge, Market


def states(market: Market) -> dict[Any, Any]:
    return {key: market.redis.hgetall(key) for key in sorted(market.redis.scan_iter(match=functions.STATES))}


def live_a_while(edge: LocalEdge, market: Market) -> None:
    """Browsers that confirm and that do not, programs, strangers in numbers, codes that are not released."""
    anna = edge.stranger()
    for row in (1, 2, 3):
        anna.confirm(anna.open(market.path(row)))
        market.clock.advance(timedelta(minutes=3))
        edge.stranger().open(market.path(row))
    for _ in range(9):
        edge.stranger().verdict(market.path(5))
        market.clock.advance(timedelta(seconds=50))
    edge.stranger().verdict(market.path(95))
    anna.confirm(anna.open(market.path(1)))
    market.decide(ranges.activate, first=95, last=95)
    edge.stranger().verdict(market.path(95))


def test_a_rebuild_gives_the_very_bytes(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    live_a_while(edge, market)
    before = states(market)
    done: list[int] = []
    rebuilt = rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now(), progress=done.append)
    assert states(market) == before
    assert (rebuilt.codes, rebuilt.generation, sum(done)) == (5, 2, 5)
    assert rebuilt.drained > 0


def test_an_emptied_redis_answers_503_until_it_is_rebuilt(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    anna = edge.stranger()
    anna.confirm(anna.open(market.path(1)))
    ingester.drain()
    before = states(market)
    market.redis.flushall()
    refused = edge.stranger().get(market.path(1), accept="application/json")
    assert (refused.status, refused.json()["code"]) == (503, "generation_missing")
    assert "retry-after" in refused.headers
    assert edge.stranger().get("/readyz").status == 503
    with pytest.raises(StateToRebuild):
        generations.ensure(market.engine, market.redis, now=market.clock.now())
    rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    assert states(market) == before
    edge.look_after()
    assert edge.stranger().verdict(market.path(1)) == "genuine_seen"
    assert edge.stranger().get("/readyz").status == 200


def test_scans_after_a_rebuild_are_ingested_from_zero(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))
    rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    edge.look_after()
    edge.stranger().verdict(market.path(1))
    assert ingester.step() == 1


def test_a_stopped_partition_is_drained_whole_and_runs_again(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    for row in (1, 2, 3):
        edge.stranger().verdict(market.path(row))
    market.redis.xdel(functions.log_key(functions.partition_of(market.tenant_id, market.order.first_counter)), "1-1")
    ingester.step()
    rebuilt = rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    assert rebuilt.codes == 2
    edge.look_after()
    edge.stranger().verdict(market.path(4))
    assert ingester.step() == 1


def test_recomputing_some_codes_joins_the_record_into_the_live_state(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    edge.stranger().verdict(market.path(1))
    ingester.step()
    edge.stranger().verdict(market.path(1))
    before = states(market)
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        code = (market.order.epoch, market.order.first_counter)
        assert rebuild.recompute(session, market.redis, tenant_id=market.tenant_id, codes=[code, code, (0, 99)]) == 1
    assert states(market) == before
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    key = functions.bucket_key(partition, tenant_id=market.tenant_id, epoch=0, counter=market.order.first_counter)
    early = Touch(mode=Mode.CONFIRMED, at_s=5, visitor=b"past", whence=b"net\x00\x00")
    market.redis.hset(key, str(functions.field(market.order.first_counter)), state.pack(state.single(early)))
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        rebuild.recompute(session, market.redis, tenant_id=market.tenant_id, codes=[code])
    packed = market.redis.hget(key, str(functions.field(market.order.first_counter)))
    assert isinstance(packed, bytes)
    slots = state.unpack(packed).slots
    assert (slots[0].visitor, len(slots)) == (b"past", 2)


def test_only_one_rebuild_at_a_time(market: Market, ingester: Ingester) -> None:
    def again() -> int:
        with pytest.raises(rebuild.RebuildRunning):
            rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
        return 0

    rebuild.rebuild(market.engine, market.redis, drain=again, now=market.clock.now())


def test_a_rebuild_may_take_longer_than_a_transaction_may_stand_idle(market: Market, ingester: Ingester) -> None:
    """The server ends such transactions after two minutes, and with them what they hold."""
    standing = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )

    def look() -> int:
        with transaction(market.engine, tenant_id=None) as session:
            assert session.scalar(standing) == 0
        return ingester.drain()

    rebuild.rebuild(market.engine, market.redis, drain=look, now=market.clock.now())


def test_a_new_instance_has_its_first_generation_and_asking_again_changes_nothing(market: Market) -> None:
    assert generations.shown(market.redis) == {1}
    assert generations.ensure(market.engine, market.redis, now=market.clock.now()) == 1
    market.redis.flushall()
    # Nobody has scanned yet: there is nothing to lose.
    functions.prepare(market.redis)
    assert generations.ensure(market.engine, market.redis, now=market.clock.now()) == 1
    assert generations.shown(market.redis) == {1}


def test_a_database_restored_from_an_old_backup_takes_no_generation_that_the_log_has_seen(
    edge: LocalEdge, market: Market, ingester: Ingester
) -> None:
    for row in (1, 2):
        edge.stranger().verdict(market.path(row))
        rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
        edge.look_after()
    edge.stranger().verdict(market.path(3))
    with transaction(market.engine, tenant_id=None) as session:
        session.execute(update(LogGeneration).values(generation=1))
        session.execute(update(LogPosition).values(generation=1, sequence=generations.BEFORE_FIRST))
    rebuilt = rebuild.rebuild(market.engine, market.redis, drain=ingester.drain, now=market.clock.now())
    assert rebuilt.generation == 4
    edge.look_after()
    assert edge.stranger().verdict(market.path(3)) == "genuine_seen"
    assert ingester.step() == 1
