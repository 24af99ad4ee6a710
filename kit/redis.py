"""Redis clients that never resend: a command whose answer got lost fails, and the caller decides.

redis-py retries up to ten times by default; a scan that was answered once would then be logged twice.

A cluster is named by `redis+cluster://:password@host:port,host:port` (`rediss+cluster` with TLS), any of its nodes. Its client takes
the same commands as that of one server; what concerns a whole server is asked of each of `primaries`.
"""

from collections.abc import Iterable, Sequence
from typing import cast
from urllib.parse import quote, unquote, urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.connection import AbstractConnection as AsyncConnection
from redis.asyncio.connection import ConnectionPool as AsyncConnectionPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from kit.redis_urls import is_cluster

__all__ = [
    "AsyncConnection",
    "AsyncRedis",
    "Redis",
    "connect",
    "connect_async",
    "connection",
    "is_cluster",
    "look_around",
    "primaries",
    "url_of_key",
]

CONNECT_S_MAX = 2.0
ANSWER_S_MAX = 5.0
# For connections that wait inside Redis for work (BLPOP, XREAD BLOCK) longer than an ordinary answer takes.
BLOCKING_S_MAX = 600.0


def connect(url: str, *, answer_s_max: float = ANSWER_S_MAX) -> Redis:
    """A client for threads, of a server or a cluster. Values come back as bytes."""
    if is_cluster(url):
        # Takes the commands of a server's client, though it does not inherit from it.
        return cast("Redis", _cluster(url, answer_s_max=answer_s_max))
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


def primaries(client: Redis) -> Sequence[Redis]:
    """A client of each server that takes writes."""
    cluster = _cluster_of(client)
    return [client] if cluster is None else [cluster.get_redis_connection(node) for node in cluster.get_primaries()]  # type: ignore[no-untyped-call]


def url_of_key(client: Redis, key: str, *, url: str) -> str:
    """The address of the server that holds a key, as the client last heard."""
    cluster = _cluster_of(client)
    if cluster is None:
        return url
    node = _holder(cluster, key)
    given = urlsplit(url)
    word = f":{quote(unquote(given.password), safe='')}@" if given.password else ""
    user = quote(unquote(given.username), safe="") if given.username else ""
    return f"{given.scheme.partition('+')[0]}://{user}{word}{node.host}:{node.port}/0"


def look_around(client: Redis) -> None:
    """Learns anew which server of a cluster holds what. Raises RedisError when none of them answers."""
    cluster = _cluster_of(client)
    if cluster is not None:
        cluster.nodes_manager.initialize()


def by_server(client: Redis, keys: Iterable[str]) -> list[tuple[Redis, list[str]]]:
    """A client of each server that holds some of these keys, with those keys."""
    cluster = _cluster_of(client)
    if cluster is None:
        return [(client, list(keys))]
    nodes: dict[str, ClusterNode] = {}
    held: dict[str, list[str]] = {}
    for key in keys:
        node = _holder(cluster, key)
        nodes[node.name] = node
        held.setdefault(node.name, []).append(key)
    return [(cluster.get_redis_connection(nodes[name]), some) for name, some in held.items()]


def is_clustered(client: Redis) -> bool:
    return _cluster_of(client) is not None


def _holder(cluster: RedisCluster, key: str) -> ClusterNode:
    return cluster.nodes_manager.get_node_from_slot(cluster.keyslot(key))  # type: ignore[no-untyped-call]


def _cluster_of(client: object) -> RedisCluster | None:
    return client if isinstance(client, RedisCluster) else None


def _cluster(url: str, *, answer_s_max: float) -> RedisCluster:
    given = urlsplit(url)
    named = [place.rpartition(":") for place in given.netloc.rpartition("@")[2].split(",")]
    return RedisCluster(
        startup_nodes=[ClusterNode(host, int(port)) for host, _, port in named],  # type: ignore[no-untyped-call]
        username=unquote(given.username) if given.username else None,
        password=unquote(given.password) if given.password else None,
        ssl=given.scheme.startswith("rediss"),
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_S_MAX,
        socket_timeout=answer_s_max,
    )
