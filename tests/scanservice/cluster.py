"""A Redis Cluster on loopback: three primaries with a replica each, made of real servers."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from redis.exceptions import ResponseError

from kit import daemons, valkey
from kit.redis import connect
from kit.valkey import CONFIG_FILE, Valkey
from tests.waiting import until

PASSWORD = "cluster"
SLOTS = 16_384
NODE_TIMEOUT_MS = 2_000
MORE_CONFIG = f"""
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout {NODE_TIMEOUT_MS}
cluster-replica-validity-factor 0
masterauth {PASSWORD}
repl-diskless-sync-delay 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    server: Valkey
    client: Any
    bus_port: int

    @property
    def process(self) -> psutil.Process:
        found = self.server.process()
        assert found is not None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """`replicas[i]` follows `primaries[i]`."""

    url: str
    primaries: Sequence[Node]
    replicas: Sequence[Node]

    def leads(self, node: Node) -> bool:
        answer = node.client.execute_command("ROLE")
        return bool(answer[0] == b"master")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(folder / f"node{number}")) for number in range(6)]
        primaries, replicas = nodes[:3], nodes[3:]
        _join(primaries, replicas)
        places = ",".join(f"{daemons.LOOPBACK}:{node.server.port}" for node in nodes)
        yield Cluster(url=f"redis+cluster://:{PASSWORD}@{places}", primaries=primaries, replicas=replicas)


@contextmanager
def _node(folder: Path) -> Iterator[Node]:
    port = daemons.free_port()
    # By itself the bus listens 10,000 above, where the system gives ports to clients.
    bus_port = daemons.free_port(besides=[port])
    server = Valkey(folder=folder, log=folder.with_suffix(".log"), port=port, password=PASSWORD)
    server.prepare()
    with (folder / CONFIG_FILE).open("a") as config:
        config.write(f"{MORE_CONFIG}cluster-port {bus_port}\n")
    server.launch()
    until(server.answers, "a node")
    with connect(valkey.url(port, PASSWORD)) as client:
        yield Node(server=server, client=client, bus_port=bus_port)
    process = server.process()
    if process is not None:
        process.resume()
    server.stop()


def _join(primaries: Sequence[Node], replicas: Sequence[Node]) -> None:
    first, *others = [*primaries, *replicas]
    for node in others:
        first.client.execute_command("CLUSTER MEET", daemons.LOOPBACK, node.server.port, node.bus_port)
    for number, node in enumerate(primaries):
        start, end = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
        node.client.execute_command("CLUSTER ADDSLOTSRANGE", start, end)
    for node in [*primaries, *replicas]:
        until(lambda node=node: int(_info(node)["cluster_known_nodes"]) == 6, "all nodes to know each other")  # type: ignore[misc]
    for primary, replica in zip(primaries, replicas, strict=True):
        name = primary.client.execute_command("CLUSTER MYID")
        until(lambda replica=replica, name=name: _follow(replica, name), "a replica to know its primary")  # type: ignore[misc]
    for replica in replicas:
        until(lambda replica=replica: replica.client.info("replication").get("master_link_status") == "up", "a replica's copy")  # type: ignore[misc]
    for node in [*primaries, *replicas]:
        until(lambda node=node: _info(node)["cluster_state"] == "ok", "the cluster")  # type: ignore[misc]


def _follow(replica: Node, primary: Any) -> bool:
    try:
        replica.client.execute_command("CLUSTER REPLICATE", primary)
    except ResponseError:  # it does not know the primary yet
        return False
    return True


def _info(node: Node) -> dict[str, str]:
    answer = node.client.execute_command("CLUSTER INFO")
    return answer if isinstance(answer, dict) else dict(line.split(":") for line in answer.decode().split())
