"""A load generator: `python -m bench.load < plan.json`, a process of its own that prints what it counted as JSON.

Requests are built before the clock starts; a connection sends the next one when the last is answered. Where a server closes the
connection after its answer, a new one is opened, as a client would have to. It shares the machine's cores with what it measures,
in the same way for every server.

With `rate` it keeps to a timetable instead: a request is due every so often, and the connection that has been free for longest sends it.
Latency then counts twice: from when a request was sent, as `hey -q` counts, and from when it was due, so that a server that stalls does
not get to hide the requests that waited meanwhile (nor does this generator).
"""

import asyncio
import itertools
import re
import resource
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import cast

import msgspec
import uvloop

CONNECTIONS = 64
DRAIN_S_MAX = 10.0
TICK_S = 0.001
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`targets_file` holds one request path a line, of which `targets` are asked in turn, from number `first` on; `headers` are added to each
    request; `expects` stands in each right answer.

    With `batch` so many of them go into one POST, as scans that a device has collected, and a right answer has as many of `expects`.
    """

    port: int
    targets_file: str
    first: int
    targets: int
    headers: str
    status: int
    expects: str
    warm_s: float
    measured_s: float
    rate: float = 0.0
    batch: int = 0
    connections: int = CONNECTIONS


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`answered` counts right answers of the whole run, `measured` those within the measured time; `cpu_s` is the generator's own."""

    answered: int
    wrong: int
    measured: int
    measured_s: float
    p50_ms: float
    p99_ms: float
    p99_due_ms: float
    cpu_s: float
    connects: int

    @property
    def per_s(self) -> float:
        return self.measured / self.measured_s


class Tally:
    """What all connections count together, and the timetable that they share."""

    def __init__(self, plan: Plan, requests: Iterator[bytes]) -> None:
        self.plan = plan
        self.requests = requests
        self.started = time.perf_counter()
        self.measures_from = self.started + plan.warm_s
        self.ends = self.measures_from + plan.measured_s
        self.answered = 0
        self.connects = 0
        self.latencies: list[float] = []
        self.latencies_due: list[float] = []
        self._free: deque[Client] = deque()
        self._sent = 0
        self.wrong: Counter[bytes] = Counter()
        self._status = f"HTTP/1.1 {plan.status} ".encode()
        self._expects = plan.expects.encode()
        self._expected = plan.batch or 1

    def tick(self) -> None:
        """Sends what is due, and comes back in a moment."""
        now = time.perf_counter()
        while self._free and (due := self._due_by(now)):
            self._free.popleft().send(due)
        if now < self.ends:
            asyncio.get_running_loop().call_later(TICK_S, self.tick)
        else:
            for client in self._free:
                client.send(now)

    def next_for(self, client: "Client") -> None:
        now = time.perf_counter()
        due = self._due_by(now) if self.plan.rate and now < self.ends else now
        if due:
            client.send(due)
        else:
            self._free.append(client)

    def _due_by(self, now: float) -> float:
        """When the next request of the timetable was due, or 0 where that is still to come."""
        due = self.started + self._sent / self.plan.rate
        if due > now:
            return 0.0
        self._sent += 1
        return due

    def note(self, answer: bytes, *, sent: float, due: float) -> None:
        now = time.perf_counter()
        if answer.startswith(self._status) and answer.count(self._expects) >= self._expected:
            self.answered += 1
            if self.measures_from <= now < self.ends:
                self.latencies.append(now - sent)
                self.latencies_due.append(now - due)
        else:
            self.wrong[answer[:400]] += 1


class Client(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self, tally: Tally, done: asyncio.Future[None]) -> None:
        self._tally = tally
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._ends_at = 0
        self._closes = False
        self._sent = self._due = 0.0

    async def connect(self) -> None:
        self._tally.connects += 1
        await self._loop.create_connection(lambda: self, "127.0.0.1", self._tally.plan.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's, though they do the same.
        self._transport = cast("asyncio.Transport", transport)
        self._buffer, self._ends_at, self._closes = b"", 0, False
        self._tally.next_for(self)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._ends_at:
            head = self._buffer.find(b"\r\n\r\n")
            length = LENGTH.search(self._buffer)
            if head < 0 or length is None:
                return
            self._ends_at = head + 4 + int(length[1])
            self._closes = CLOSES.search(self._buffer, 0, head) is not None
        if len(self._buffer) < self._ends_at:
            return
        self._tally.note(self._buffer, sent=self._sent, due=self._due)
        self._buffer, self._ends_at = b"", 0
        if not self._closes:
            self._tally.next_for(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closes and exc is not None and not self._done.done():
            self._tally.wrong[repr(exc).encode()] += 1
        self._transport = None
        if time.perf_counter() >= self._tally.ends or not self._closes:
            self._finish()
        else:
            task = self._loop.create_task(self.connect())
            task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[None]) -> None:
        if task.exception() is not None:
            self._tally.wrong[repr(task.exception()).encode()] += 1
            self._finish()

    def send(self, due: float) -> None:
        if self._transport is None:
            return
        self._sent = time.perf_counter()
        self._due = due
        if self._sent >= self._tally.ends:
            self._transport.close()
            self._finish()
            return
        self._transport.write(next(self._tally.requests))

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


def requests(plan: Plan) -> Iterator[bytes]:
    """Every path of the plan in turn, without end. The file's begin again behind its last."""
    with Path(plan.targets_file).open(encoding="ascii") as lines:
        every = sum(1 for _ in lines)
        lines.seek(0)
        first = plan.first % every
        targets = [line.rstrip() for line in itertools.islice(lines, first, first + plan.targets)]
        lines.seek(0)
        targets += [line.rstrip() for line in itertools.islice(lines, min(first, plan.targets - len(targets)))]
    host = f"127.0.0.1:{plan.port}"
    if plan.batch:
        bodies = [
            msgspec.json.encode({"scans": [{"url": f"http://{host}{target}"} for target in targets[at : at + plan.batch]]})
            for at in range(0, len(targets) - plan.batch + 1, plan.batch)
        ]
        head = f"POST /v1/scans HTTP/1.1\r\nHost: {host}\r\n{plan.headers}Content-Type: application/json\r\n"
        built = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    else:
        built = [f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{plan.headers}\r\n".encode() for target in targets]
    return itertools.cycle(built)


async def generate(plan: Plan, built: Iterator[bytes]) -> Outcome:
    tally = Tally(plan, built)
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = []
    cpu_before = _cpu_s()
    for _ in range(plan.connections):
        ends.append(loop.create_future())
        await Client(tally, ends[-1]).connect()
    if plan.rate:
        tally.tick()
    await asyncio.wait(ends, timeout=plan.warm_s + plan.measured_s + DRAIN_S_MAX)
    for answer, times in tally.wrong.most_common(3):
        print(f"{times} times: {answer!r}", file=sys.stderr)
    cuts, cuts_due = _hundredths(tally.latencies), _hundredths(tally.latencies_due)
    return Outcome(
        answered=tally.answered,
        wrong=tally.wrong.total() + sum(not end.done() for end in ends),
        measured=len(tally.latencies),
        measured_s=plan.measured_s,
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
        p99_due_ms=cuts_due[98] * 1000,
        cpu_s=_cpu_s() - cpu_before,
        connects=tally.connects,
    )


def _hundredths(latencies: list[float]) -> list[float]:
    return quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    outcome = uvloop.run(generate(plan, requests(plan)))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
