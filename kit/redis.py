"""Redis clients that never resend: a command whose answer got lost fails, and the caller decides.

redis-py retries up to ten times by default; a scan that was answered once would then be logged twice.
"""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.connection import AbstractConnection as AsyncConnection
from redis.asyncio.connection import ConnectionPool as AsyncConnectionPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["AsyncConnection", "AsyncRedis", "Redis", "connect", "connect_async", "connection"]

CONNECT_S_MAX = 2.0
ANSWER_S_MAX = 5.0
# For connections that wait inside Redis for work (BLPOP, XREAD BLOCK) longer than an ordinary answer takes.
BLOCKING_S_MAX = 600.0


def connect(url: str, *, answer_s_max: float = ANSWER_S_MAX) -> Redis:
    """A client for threads. Values come back as bytes."""
    return Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), retry_on_error=[], socket_connect_timeout=CONNECT_S_MAX, socket_timeout=answer_s_max
    )


def connect_async(url: str, *, connections_max: int = 4) -> AsyncRedis:
    """A client for one event loop. Values come back as bytes."""
    return AsyncRedis.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 0),
        retry_on_error=[],
        socket_connect_timeout=CONNECT_S_MAX,
        socket_timeout=ANSWER_S_MAX,
        max_connections=connections_max,
    )


def connection(url: str) -> AsyncConnection:
    """One bare connection for an event loop, not yet connected, for who packs commands and reads their answers without a client between.

    It has no limit of its own for an answer: the caller sets one for all that it sends at once.
    """
    pool = AsyncConnectionPool.from_url(
        url,
        protocol=2,
        retry=AsyncRetry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_S_MAX,
        socket_timeout=None,
        driver_info=None,
    )
    made: AsyncConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return made
