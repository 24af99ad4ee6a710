"""Does it stay fast when there is much of it? A thousand million issued codes, ten million scanned ones, ten thousand orders, batches.

Flat: two instances side by side, one with ten thousand codes, all of them scanned before, the other with 10^9 codes of which 10^7 were
scanned before, one in twenty where there are any. The same load in turns; what Redis needs for a scanned code is read from the second
one's memory. Start: an edge's process, from its first instruction to a good answer of `/readyz`, with ten thousand orders in its
catalogue. Batches: `POST /v1/scans` of a thousand scans each, at the instance with the many codes; of codes between the scanned ones, which
nobody has scanned before, and of those that were scanned.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from uuid import UUID

from sqlalchemy import text

from bench import ground as grounds
from bench.contenders import Contender, serving
from bench.figures import Report, Rounds
from bench.ground import SEED, Ground
from bench.scan import EDGE, SUBJECTS, Field
from codegen import catalogue_version
from codegen.keys import keyring
from codegen.orders import CodeOrder
from kit import chance
from scanservice.hot import functions, state
from scanservice.hot.state import Mode, Touch

FEW = 10_000
MANY = 1_000_000_000
SCANNED = 10_000_000
# 13 of a bucket's 256 codes: one in twenty.
SCANNED_OF_BUCKET = 13
BUCKETS_APART = 5
TARGETS = 50_000
BUCKETS_AT_ONCE = 1000
ORDERS = 10_000
CODE_ORDER = "code_order"
RANGE_STATE = "range_state"
BATCH = 1000
# With fewer, all batches end at the same time, and edge, Valkey and generator wait for each other in turn.
BATCH_CONNECTIONS = 16
BATCH_TARGETS = 400_000
BATCH_WARM_S = 1.0
ONCE_S = 3.0
REWRITE_LOOK_S = 0.05
BATCH_MEASURED_S = 4.0
# More than the rounds of batches send.
UNSEEN_OF_BUCKET = 2

SMALL = "edge, JSON, 10^4 issued, all scanned before"
LARGE = "edge, JSON, 10^9 issued, 10^7 scanned before"
MEMORY = "Redis memory for a scanned code, one in twenty scanned"
START = f"start of the edge with {ORDERS:,} orders"
BATCHES = f"scans in batches of {BATCH:,}, the first of their codes"
BATCHES_AGAIN = f"scans in batches of {BATCH:,}, of codes that were scanned before"


def run(ground: Ground, *, rounds: int) -> Report:
    samples = Rounds()
    with grounds.prepared() as small, ExitStack() as stack:
        few = small.order(quantity=FEW, lot="FEW", activate=True)
        _remember_scans(small, _counters(few, buckets=range(_last_bucket(few) + 1), of_bucket=functions.FIELDS))
        many = ground.order(quantity=MANY, lot="MANY", activate=True)
        scanned = _many_counters(many)
        before = _memory(ground)
        written = _remember_scans(ground, scanned)
        samples.note(MEMORY, "bytes", (_memory(ground) - before) / written)
        small_field = _field(stack, small, small.paths(few))
        large_field = _field(stack, ground, _some_paths(ground, many))
        unseen_file = ground.folder / "unseen.txt"
        unseen_file.write_text("\n".join(_unseen_paths(ground, many)), encoding="ascii")
        unseen_field = Field(ground, large_field.servers, unseen_file)
        for field in (small_field, large_field):
            # Every target once: the first scan by another visitor makes a state longer, which is no matter of how many there are.
            field.measure_batches(size=BATCH, targets=TARGETS, connections=BATCH_CONNECTIONS, warm_s=0.0, measured_s=ONCE_S)
        for number in range(rounds):
            turn = [(SMALL, small_field), (LARGE, large_field)]
            for name, field in turn if number % 2 else reversed(turn):
                for each in (small, ground):
                    _let_rewrite_end(each)
                outcome, cost = field.measure(SUBJECTS[EDGE])
                samples.note(name, "answers/s", outcome.per_s)
                samples.note(
                    f"{name}: processor time, Valkey's included", "microseconds an answer", cost.server_us + cost.valkey_us
                )
        # Behind the rounds before: batches make one log, and with it what its Valkey rewrites, grow by gigabytes.
        for _ in range(rounds):
            _batches(samples, BATCHES, unseen_field)
            _batches(samples, BATCHES_AGAIN, large_field)
        _order_more(small, few)
        for _ in range(rounds):
            _start(samples, small)
    return _report(samples, written=written)


def _field(stack: ExitStack, ground: Ground, paths: Sequence[str]) -> Field:
    targets_file = ground.folder / "scale-targets.txt"
    targets_file.write_text("\n".join(paths), encoding="ascii")
    return Field(ground, {Contender.EDGE: stack.enter_context(serving(Contender.EDGE, ground))}, targets_file)


def _last_bucket(order: CodeOrder) -> int:
    return (order.first_counter + order.quantity - 1) >> functions.BUCKET_BITS


def _many_counters(order: CodeOrder) -> Iterator[list[int]]:
    buckets = range(1, 1 + BUCKETS_APART * (SCANNED // SCANNED_OF_BUCKET), BUCKETS_APART)
    return _counters(order, buckets=buckets, of_bucket=SCANNED_OF_BUCKET)


def _unseen_paths(ground: Ground, order: CodeOrder) -> list[str]:
    """Of codes that nobody has scanned, beside those that were, from all over the order."""
    with ground.onemark.transaction(ground.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=ground.tenant_id, epoch=order.epoch, kek=ground.onemark.settings.kek_bytes)
    pick = chance.seeded(SEED)
    free_beside: dict[tuple[int, ...], list[int]] = {}
    paths = []
    for scanned in _many_counters(order):
        taken = tuple(functions.field(counter) for counter in scanned)
        free = free_beside.get(taken)
        if free is None:
            free = free_beside[taken] = sorted(set(range(functions.FIELDS)) - set(taken))
        start = scanned[0] - taken[0]
        paths += [f"/01/{order.gtin}/21/{cipher.serial_of(start + field)}" for field in pick.sample(free, UNSEEN_OF_BUCKET)]
    pick.shuffle(paths)
    return paths


def _counters(order: CodeOrder, *, buckets: range, of_bucket: int) -> Iterator[list[int]]:
    """The scanned counters of each bucket of the order, counted from its first."""
    first_bucket = order.first_counter >> functions.BUCKET_BITS
    last = order.first_counter + order.quantity - 1
    pick = chance.seeded(SEED)
    patterns = [sorted(pick.sample(range(functions.FIELDS), of_bucket)) for _ in range(64)]
    for bucket in buckets:
        start = (first_bucket + bucket) << functions.BUCKET_BITS
        chosen = [start + field for field in patterns[bucket % len(patterns)]]
        yield [counter for counter in chosen if order.first_counter <= counter <= last]


def _remember_scans(ground: Ground, counters: Iterator[list[int]]) -> int:
    """Writes the state that one confirmed scan leaves, another visitor's for each code. Returns how many."""
    at_s = state.seconds(ground.onemark.clock.now().timestamp()) - 86_400
    marker = b"\xa5\x5a\xa5\x5a"[: state.VISITOR_BYTES]
    whence = bytes(state.WHENCE_BYTES)
    packed = state.pack(state.single(Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=marker, whence=whence)))
    head, tail = packed.split(marker)
    pick, written = chance.seeded(SEED), 0
    with ground.onemark.redis.pipeline(transaction=False) as pipeline:
        for number, of_bucket in enumerate(counters, start=1):
            members: list[bytes | int] = []
            for counter in of_bucket:
                members += (functions.field(counter), head + pick.randbytes(state.VISITOR_BYTES) + tail)
            if members:
                partition = functions.partition_of(ground.tenant_id, of_bucket[0])
                key = functions.bucket_key(partition, tenant_id=ground.tenant_id, epoch=0, counter=of_bucket[0])
                pipeline.execute_command("HSET", key, *members)  # type: ignore[no-untyped-call]
                written += len(of_bucket)
            if number % BUCKETS_AT_ONCE == 0:
                pipeline.execute()
        pipeline.execute()
    return written


def _some_paths(ground: Ground, order: CodeOrder) -> list[str]:
    """Of codes that were scanned before, from all over the order."""
    with ground.onemark.transaction(ground.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=ground.tenant_id, epoch=order.epoch, kek=ground.onemark.settings.kek_bytes)
    buckets = SCANNED // SCANNED_OF_BUCKET
    every = max(1, buckets * SCANNED_OF_BUCKET // TARGETS)
    all_of_them = (counter for of_bucket in _many_counters(order) for counter in of_bucket)
    paths = [
        f"/01/{order.gtin}/21/{cipher.serial_of(counter)}" for number, counter in enumerate(all_of_them) if number % every == 0
    ]
    chance.seeded(SEED).shuffle(paths)
    return paths


def _memory(ground: Ground) -> int:
    return int(ground.onemark.redis.info("memory")["used_memory"])


def _let_rewrite_end(ground: Ground) -> None:
    """Valkey writes its append-only file anew when that has doubled, on another core: once in a while, beside whichever turn it is."""
    while ground.onemark.redis.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(REWRITE_LOOK_S)


def _batches(samples: Rounds, name: str, field: Field) -> None:
    answered, cost = field.measure_batches(
        size=BATCH, targets=BATCH_TARGETS, connections=BATCH_CONNECTIONS, warm_s=BATCH_WARM_S, measured_s=BATCH_MEASURED_S
    )
    samples.note(name, "scans/s", answered)
    samples.note(f"{name}: processor time, Valkey's included", "microseconds a scan", cost.server_us + cost.valkey_us)


def _order_more(ground: Ground, like: CodeOrder) -> None:
    """Copies an order and the decision about it, row for row: what an edge loads, without ten thousand transactions."""
    new_id = "(overlay(:zeros placing lpad(to_hex(number), 12, '0') from 25))::uuid"
    shift = "number * :quantity"
    changed = {
        CODE_ORDER: {
            "id": new_id,
            "request_id": "'more-' || number",
            "lot": "'LOT' || number",
            "first_counter": f"first_counter + {shift}",
        },
        RANGE_STATE: {
            "id": new_id,
            "order_id": new_id,
            "first_counter": f"first_counter + {shift}",
            "last_counter": f"last_counter + {shift}",
        },
    }
    given = {"zeros": str(UUID(int=0)), "quantity": like.quantity, "like": like.id, "last": ORDERS - ground.orders_counted()}
    with ground.onemark.transaction(ground.tenant_id) as session:
        for table, expressions in changed.items():
            names = session.scalars(
                text("SELECT column_name FROM information_schema.columns WHERE table_name = :table AND is_generated = 'NEVER'"),
                {"table": table},
            ).all()
            values = ", ".join(expressions.get(name, f'"{name}"') for name in names)
            of_order = "id" if table == CODE_ORDER else "order_id"
            session.execute(
                text(
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {values}"
                    f" FROM {table}, generate_series(1, :last) AS number WHERE {of_order} = :like"
                ),
                given,
            )
        catalogue_version.grow(session)


def _start(samples: Rounds, ground: Ground) -> None:
    began = time.perf_counter()
    with serving(Contender.EDGE, ground) as server:
        samples.note(START, "s", time.perf_counter() - began)
        samples.note(f"{START}: processor time", "s", server.core_s())


def _report(samples: Rounds, *, written: int) -> Report:
    processor = ": processor time, Valkey's included"
    return Report(
        title="Scale",
        measured=samples.measured(),
        ratios=(
            samples.ratio(LARGE, SMALL, aim=">= 0.9"),
            samples.ratio(SMALL + processor, LARGE + processor, aim=">= 0.9", what="the same in processor time, few / many"),
        ),
        notes=(
            f"{written:,} codes with the state of one confirmed scan each; the load asks for {TARGETS:,} of them in random order. No turn begins while Valkey rewrites its append-only file.",
            f"{BATCH_CONNECTIONS} keep-alive connections for batches, a scan's address in each item, no ids of the client's own.",
            "Aims in absolute figures, on two cores: memory <= 48 bytes; start < 2 s; batches >= 50,000 scans/s.",
        ),
    )
