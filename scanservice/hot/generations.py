"""The generation of the log: one number in PostgreSQL and in every partition of Redis, so that an emptied Redis is noticed.

Promises: a number is written to PostgreSQL before Redis shows it and only ever grows, so that no entry of an older log can be taken
for one of a newer. Refused: to write a first generation where scans exist already; that is the work of a rebuild.
"""

from datetime import datetime
from typing import ClassVar, Final

from redis import Redis
from sqlalchemy import Engine, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version
from kit.db import transaction
from kit.refusals import Conflict
from scanservice.hot import functions
from scanservice.models import CodeState, LogGeneration, LogPosition, Scan

NONE: Final = 0
# Before the first entry of a generation: Redis numbers entries from 0.
BEFORE_FIRST: Final = -1


class StateToRebuild(Conflict):
    code: ClassVar[str] = "state_to_rebuild"
    says: ClassVar[str] = "Redis does not hold the state of this instance. Run: onemark rebuild state"


def recorded(session: Session) -> int:
    """The generation that Redis must show; NONE before the instance was initialised."""
    return session.scalar(select(LogGeneration.generation)) or NONE


def shown(redis: Redis) -> set[int]:
    """The generations that the partitions of Redis show; one element when all is well, NONE among them when one is empty."""
    with redis.pipeline(transaction=False) as pipeline:
        for partition in range(functions.PARTITIONS):
            pipeline.hget(functions.meta_key(partition), functions.GENERATION_FIELD)
        return {NONE if answer is None else int(answer) for answer in pipeline.execute()}


def catalogues(redis: Redis) -> set[int | None]:
    """The catalogue versions that the partitions have heard of."""
    with redis.pipeline(transaction=False) as pipeline:
        for partition in range(functions.PARTITIONS):
            pipeline.hget(functions.meta_key(partition), functions.CATALOGUE_FIELD)
        return {None if answer is None else int(answer) for answer in pipeline.execute()}


def ensure(engine: Engine, redis: Redis, *, now: datetime) -> int:
    """The instance's generation, shown by Redis: the first one in a new instance, and the one it has otherwise.

    Raises StateToRebuild when Redis shows another one (or none) although there have been scans.
    """
    with transaction(engine, tenant_id=None) as session:
        session.execute(insert(LogGeneration).values(one_row=True, generation=1, started_at=now).on_conflict_do_nothing())
        for partition in range(functions.PARTITIONS):
            session.execute(
                insert(LogPosition)
                .values(partition=partition, generation=1, sequence=BEFORE_FIRST, updated_at=now)
                .on_conflict_do_nothing()
            )
        generation = recorded(session)
        version = catalogue_version.current(session)
    seen = shown(redis)
    if seen != {generation}:
        if generation > 1 or not seen <= {NONE, generation} or _anything_recorded(engine):
            raise StateToRebuild
        show(redis, generation=generation, catalogue_version=version)
    return generation


def _anything_recorded(engine: Engine) -> bool:
    with transaction(engine, tenant_id=None) as session:
        tenant_ids = brands.tenant_ids(session)
        if session.scalar(select(exists().where(LogPosition.sequence > BEFORE_FIRST))):
            return True
    for tenant_id in tenant_ids:
        with transaction(engine, tenant_id=tenant_id) as session:
            # Of dropped months what they did to their codes is left.
            for table in (Scan, CodeState):
                if session.scalar(select(exists().where(table.tenant_id == tenant_id))):
                    return True
    return False


def begin(session: Session, *, logged: int, now: datetime) -> int:
    """The next generation: from here on every partition of the log starts anew.

    `logged` is the newest generation that the log has seen. A database restored from a backup may know less, and Redis takes no
    entry below the last one.
    """
    generation = max(recorded(session), logged) + 1
    known = session.execute(
        update(LogGeneration).values(generation=generation, started_at=now).returning(LogGeneration.generation)
    )
    if known.first() is None:
        session.add(LogGeneration(one_row=True, generation=generation, started_at=now))
    for partition in range(functions.PARTITIONS):
        values = {"generation": generation, "sequence": BEFORE_FIRST, "stopped": "", "updated_at": now}
        session.execute(
            insert(LogPosition)
            .values(partition=partition, **values)
            .on_conflict_do_update(index_elements=["partition"], set_=values)
        )
    return generation


def show(redis: Redis, *, generation: int, catalogue_version: int) -> None:
    """Opens the partitions of Redis for scans of this generation."""
    with redis.pipeline(transaction=False) as pipeline:
        for partition in range(functions.PARTITIONS):
            pipeline.hset(
                functions.meta_key(partition),
                mapping={functions.GENERATION_FIELD: generation, functions.CATALOGUE_FIELD: catalogue_version},
            )
        pipeline.execute()


def hide(redis: Redis) -> None:
    """Closes the partitions: from the next call on every edge answers 503."""
    with redis.pipeline(transaction=False) as pipeline:
        for partition in range(functions.PARTITIONS):
            pipeline.hdel(functions.meta_key(partition), functions.GENERATION_FIELD)
        pipeline.execute()
