"""Is everything there that a scan needs? Asked by `/readyz`, by humans and by whoever starts the processes.

Promises: each answer is fresh, and names what is missing; asking changes nothing.
"""

from dataclasses import dataclass
from typing import Final

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from kit import migrations
from kit.db import transaction
from scanservice.hot import functions, generations

MIGRATIONS: Final = "migrations:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    schema: bool = False
    function: bool = False
    catalogue: bool = False
    brand: bool = False
    generation: bool = False

    @property
    def ready(self) -> bool:
        return self.schema and self.function and self.catalogue and self.brand and self.generation


def look(engine: Engine, redis: Redis, *, catalogue: bool, brand: bool, loaded_generation: int) -> Readiness:
    """`catalogue`, `brand` and `loaded_generation` say what the asking process has in memory: an edge that has not yet heard of a
    new generation would refuse every scan.
    """
    schema, generation = _postgres(engine)
    function, shown = _redis(redis)
    return Readiness(
        schema=schema,
        function=function,
        catalogue=catalogue,
        brand=brand,
        generation=generation != generations.NONE and shown == {generation} == {loaded_generation},
    )


def _postgres(engine: Engine) -> tuple[bool, int]:
    try:
        if not migrations.at_head(engine, location=MIGRATIONS):
            return False, generations.NONE
        with transaction(engine, tenant_id=None) as session:
            return True, generations.recorded(session)
    except SQLAlchemyError:
        return False, generations.NONE


def _redis(redis: Redis) -> tuple[bool, set[int]]:
    try:
        return functions.installed(redis), generations.shown(redis)
    except RedisError:
        return False, set()
