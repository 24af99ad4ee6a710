"""How many scans a second does the edge answer, each of them durable? Everything on this machine, the load generator included.

The edge runs as the one box runs it, on a private Valkey that fsyncs every write before its answer. Controls in the same rounds: the
smallest application on the same server, as ordinary ASGI and answered straight as a scan is, and on Granian (the ceilings), and Flask
under gunicorn doing the same work (the floor).
"""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from bench.contenders import FLASK_THREADS, FLASK_WORKERS, Contender, Server, serving
from bench.figures import Report, Rounds, fsync_ms
from bench.ground import Ground
from bench.load import CONNECTIONS, Outcome, Plan
from scanservice.hot import functions

# An order of which one code in twenty is scanned in the end, as of a popular product within its first weeks.
CODES = 24_000_000
SCANNED_ONE_IN = 20
# Of the generator, at once: more than it sends while it measures.
TARGETS = 200_000
WARM_S = 0.5
MEASURED_S = 3.0
PACE = 0.7

JSON = "Accept: application/json\r\nUser-Agent: okhttp/4.12.0\r\nAccept-Language: zh-CN,zh;q=0.9\r\n"
PHONE = (
    "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: zh-CN,zh;q=0.9\r\n"
    "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Mobile Safari/537.36\r\n"
)

EDGE = "edge, JSON verdict"
PAGE = "edge, 307 to the page"
PACED = f"edge, JSON at {PACE:.0%} of that rate"
AGAIN = "edge, JSON, the same codes by the same program again"
ALL = "processor time of everything (server, Valkey, generator)"
HELLO = "control: hello-world, same server"
STRAIGHT = "control: hello-world, same server, answered straight"
GRANIAN = "control: hello-world, Granian"
SYNC = f"control: Flask, gunicorn sync x {FLASK_WORKERS}"
THREADS = f"control: Flask, gunicorn gthread {FLASK_WORKERS} x {FLASK_THREADS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked of whom, and how a right answer looks."""

    contender: Contender
    headers: str
    status: int
    expects: str
    logs: bool = True


SUBJECTS: Mapping[str, Subject] = {
    EDGE: Subject(contender=Contender.EDGE, headers=JSON, status=200, expects='"verdict":"genuine_'),
    PAGE: Subject(contender=Contender.EDGE, headers=PHONE, status=307, expects="location: /s/"),
    HELLO: Subject(contender=Contender.HELLO, headers=JSON, status=200, expects="world", logs=False),
    STRAIGHT: Subject(contender=Contender.HELLO_STRAIGHT, headers=JSON, status=200, expects="world", logs=False),
    GRANIAN: Subject(contender=Contender.HELLO_GRANIAN, headers=JSON, status=200, expects="world", logs=False),
    SYNC: Subject(contender=Contender.FLASK_SYNC, headers=JSON, status=200, expects='"verdict":"genuine_'),
    THREADS: Subject(contender=Contender.FLASK_THREADS, headers=JSON, status=200, expects='"verdict":"genuine_'),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Processor time for one answer, of the server's own processes and of Valkey."""

    server_us: float
    valkey_us: float


class Field:
    """The servers while they run, and how many scans they have answered."""

    def __init__(self, ground: Ground, servers: Mapping[Contender, Server], targets_file: Path) -> None:
        self._ground = ground
        self.servers = servers
        self._targets_file = targets_file
        # How many of the targets were asked for.
        self.asked = 0
        self.answered = 0
        self.wrong = 0

    def measure(self, subject: Subject, *, rate: float = 0.0, first: int | None = None) -> tuple[Outcome, Cost]:
        """With targets that nobody has asked for yet, or those from number `first` on."""
        server = self.servers[subject.contender]
        plan = Plan(
            port=server.port,
            targets_file=str(self._targets_file),
            first=self.asked if first is None else first,
            targets=TARGETS,
            headers=subject.headers,
            status=subject.status,
            expects=subject.expects,
            warm_s=WARM_S,
            measured_s=MEASURED_S,
            rate=rate,
        )
        outcome, server_s, valkey_s = self._loaded(server, plan)
        if subject.logs:
            self.asked += outcome.answered if first is None else 0
            self.answered += outcome.answered
        return outcome, Cost(server_us=server_s / outcome.answered * 1e6, valkey_us=valkey_s / outcome.answered * 1e6)

    def measure_batches(
        self, *, size: int, targets: int, connections: int, warm_s: float, measured_s: float
    ) -> tuple[float, Cost]:
        """Scans a second of the edge's batches, and what one of them costs. Targets that nobody has asked for yet, while there are any."""
        server = self.servers[Contender.EDGE]
        plan = Plan(
            port=server.port,
            targets_file=str(self._targets_file),
            first=self.asked,
            targets=targets,
            headers=JSON,
            status=200,
            expects='"verdict":"genuine_',
            warm_s=warm_s,
            measured_s=measured_s,
            batch=size,
            connections=connections,
        )
        outcome, server_s, valkey_s = self._loaded(server, plan)
        scans = outcome.answered * size
        self.asked += scans
        return outcome.per_s * size, Cost(server_us=server_s / scans * 1e6, valkey_us=valkey_s / scans * 1e6)

    def _loaded(self, server: Server, plan: Plan) -> tuple[Outcome, float, float]:
        """What the generator counted, and the seconds of processor time of server and Valkey meanwhile."""
        before = server.core_s(), self._valkey_core_s()
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True
        )
        after = server.core_s(), self._valkey_core_s()
        outcome = msgspec.json.decode(done.stdout, type=Outcome)
        if not outcome.measured:
            raise SystemExit("the server gave no right answer; see what the generator printed")
        self.wrong += outcome.wrong
        return outcome, after[0] - before[0], after[1] - before[1]

    def fsync_ms(self) -> float:
        return fsync_ms(self._ground.folder)

    def _valkey_core_s(self) -> float:
        used = self._ground.onemark.redis.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=CODES, lot="SCAN", activate=True)
    targets_file = ground.folder / "targets.txt"
    targets_file.write_text("\n".join(ground.strewn_paths(order, one_in=SCANNED_ONE_IN)), encoding="ascii")
    samples = Rounds()
    with ExitStack() as stack:
        contenders = {subject.contender for subject in SUBJECTS.values()}
        servers = {contender: stack.enter_context(serving(contender, ground)) for contender in contenders}
        field = Field(ground, servers, targets_file)
        generator = [share for number in range(rounds) for share in _round(field, samples, number)]
        return _report(samples, field, logged=_logged(ground), generator=median(generator))


def _round(field: Field, samples: Rounds, number: int) -> list[float]:
    """Everything once, beginning with another one each time. Returns the share of a core that the generator took from the edge."""
    names = list(SUBJECTS)
    turn = number % len(names)
    first = field.asked
    outcomes = {name: field.measure(SUBJECTS[name]) for name in names[turn:] + names[:turn]}
    for name in names:
        samples.note(name, "answers/s", outcomes[name][0].per_s)
    edge, cost = outcomes[EDGE]
    again, _ = field.measure(SUBJECTS[EDGE], first=first)
    samples.note(AGAIN, "answers/s", again.per_s)
    samples.note(f"{EDGE}: median wait", "ms", edge.p50_ms)
    samples.note(f"{EDGE}: p99", "ms", edge.p99_ms)
    paced, _ = field.measure(SUBJECTS[EDGE], rate=edge.per_s * PACE)
    samples.note(f"{PACED}: kept", "answers/s", paced.per_s)
    samples.note(f"{PACED}: p99", "ms", paced.p99_ms)
    samples.note(f"{PACED}: p99 from when it was due", "ms", paced.p99_due_ms)
    for name in names:
        samples.note(f"{name}: processor time", "microseconds an answer", outcomes[name][1].server_us)
    samples.note("Valkey for the edge: processor time", "microseconds an answer", cost.valkey_us)
    samples.note("the disk beside it: fsync of 4 KiB", "ms", field.fsync_ms())
    samples.note("the load generator for the edge: processor time", "microseconds an answer", edge.cpu_s / edge.answered * 1e6)
    samples.note(f"{ALL}: {EDGE}", "microseconds an answer", cost.server_us + cost.valkey_us + edge.cpu_s / edge.answered * 1e6)
    hello, hello_cost = outcomes[HELLO]
    samples.note(f"{ALL}: {HELLO}", "microseconds an answer", hello_cost.server_us + hello.cpu_s / hello.answered * 1e6)
    return [outcomes[name][0].cpu_s / (WARM_S + MEASURED_S) for name in (EDGE, PAGE)]


def _logged(ground: Ground) -> int:
    redis = ground.onemark.redis
    return sum(redis.xlen(functions.log_key(partition)) for partition in range(functions.PARTITIONS))


def _report(samples: Rounds, field: Field, *, logged: int, generator: float) -> Report:
    return Report(
        title="Scan",
        measured=samples.measured(),
        ratios=(
            samples.ratio(EDGE, HELLO, aim=">= 0.35"),
            samples.ratio(EDGE, STRAIGHT),
            samples.ratio(EDGE, GRANIAN),
            samples.ratio(EDGE, SYNC, aim=">= 6"),
            samples.ratio(EDGE, THREADS, aim=">= 6"),
            samples.ratio(PAGE, EDGE, aim=">= 0.85"),
            samples.ratio(AGAIN, EDGE),
            samples.ratio(
                f"{ALL}: {HELLO}", f"{ALL}: {EDGE}", aim=">= 0.35", what="processor time of everything: hello-world / edge"
            ),
        ),
        notes=(
            f"{field.answered:,} scans answered, {logged:,} entries in the log, {field.wrong} wrong or broken answers.",
            (
                f"{CONNECTIONS} keep-alive connections (gunicorn's sync worker closes each after its answer: there, one is opened for "
                f"every scan), {MEASURED_S:.0f} s a round after {WARM_S} s of warming up. Every scan is the first of its code, one in "
                f"{SCANNED_ONE_IN} codes of an order of {CODES:,} and from all over it; but for those of '{AGAIN}'."
            ),
            f"While it measured the edge, the generator took {generator:.0%} of a core that on a machine of its own it would not take.",
            f"Aims in absolute figures, on two cores: {EDGE} >= 15,000 answers/s; p99 at {PACE:.0%} of that rate < 25 ms, as `hey -q` counts.",
        ),
    )
