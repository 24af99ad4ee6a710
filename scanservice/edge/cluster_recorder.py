"""Records scans on Redis Cluster: each partition on the server that holds it, each server with its own pipelines.

Promises: what `Recorder` promises, server by server; one server that is away costs the scans of its partitions alone. Where partitions lie
is learnt by the edge's upkeep, at once after trouble. A call that meets the wrong server is refused like any other trouble, not sent on:
the phone's next try finds the new one.
"""

import asyncio
from typing import Final

from kit import redis
from kit.redis import Redis
from scanservice.edge.recorder import Done, Place, Placement, Recorder, RecorderAway, Records, acknowledgement
from scanservice.hot import functions

_EVERYTHING: Final = tuple(range(functions.PARTITIONS))


def recorder(url: str) -> "Records":
    return ClusterRecorder() if redis.is_cluster(url) else Recorder(url)


def look(client: Redis, *, url: str) -> Placement:
    """Where the partitions lie now. Raises RedisError."""
    if not redis.is_cluster(url):
        return {url: Place(partitions=_EVERYTHING, acknowledgement=acknowledgement(client))}
    redis.look_around(client)
    held: dict[str, list[int]] = {}
    for partition in _EVERYTHING:
        held.setdefault(redis.url_of_key(client, functions.meta_key(partition), url=url), []).append(partition)
    found: dict[str, Place] = {}
    for address, partitions in held.items():
        with redis.connect(address) as server:
            found[address] = Place(partitions=tuple(partitions), acknowledgement=acknowledgement(server))
    return found


class ClusterRecorder:
    """For one event loop. Until `settle` was called for the first time nothing can be recorded."""

    def __init__(self) -> None:
        self._servers: dict[str, Recorder] = {}
        self._holds: dict[int, Recorder] = {}
        self.troubled = asyncio.Event()

    def send(self, partition: int, command: bytes, done: Done) -> None:
        holder = self._holds.get(partition)
        if holder is not None:
            holder.send(partition, command, done)
            return
        self.troubled.set()
        # Never in the turn of the call: nobody expects an answer before the call has returned.
        asyncio.get_running_loop().call_soon(done, RecorderAway())

    def settle(self, placement: Placement) -> None:
        for url, place in placement.items():
            server = self._servers.get(url)
            if server is None:
                server = self._servers[url] = Recorder(url, troubled=self.troubled)
            server.settle(placement)
            for partition in place.partitions:
                self._holds[partition] = server

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers.values()))
