"""How often a PIN may be tried: the rule and the Redis function agree, attackers get what the decision says, owners get through."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from kit.redis import connect
from scanservice.hot import functions, pin_tries, state
from scanservice.hot.pin_tries import BUCKETS, FREE_TRIES, KEPT_S, NO_TRIES, WAIT_S_MAX, Bucket, Lane, Tries, Try
from scanservice.hot.state import Mode, State, Touch

NOW_S = state.seconds(1_795_305_600)
HOUR_S, DAY_S = 3600, 86_400
HOME = b"net\x00\x00"
AWAY = b"far\x00\x00"
BUCKET = functions.bucket_key(5, tenant_id=1, epoch=0, counter=300)
PIN_KEY = functions.pin_key(5, tenant_id=1, epoch=0, counter=300)

visitors = st.sampled_from([b"anna", b"bert", b"cleo", b"dora"])
steps = st.tuples(
    st.sampled_from([0, 1, 59, 60, 600, HOUR_S, 6 * HOUR_S, DAY_S, KEPT_S]),
    visitors,
    st.sampled_from([HOME, AWAY, bytes(5)]),
    st.booleans(),
)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        functions.prepare(client)
        client.hset(functions.meta_key(5), mapping={"g": 1, "c": 7})
        yield client


def confirmed(visitor: bytes, *, at_s: int = NOW_S, whence: bytes = HOME) -> Touch:
    return Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=visitor, whence=whence)


def enter(redis: Redis, *, visitor: bytes, whence: bytes, at_s: int, right: bool) -> bytes:
    keys = [functions.meta_key(5), functions.log_key(5), BUCKET, PIN_KEY]
    answer = redis.fcall(functions.PIN, len(keys), *keys, 1, 7, 10_000, 44, at_s, visitor, whence, b"entry", int(right))
    assert isinstance(answer, bytes)
    return answer


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=st.lists(visitors, max_size=2), tried=st.lists(steps, min_size=1, max_size=60))
def test_the_function_and_python_hold_the_same_limits(
    redis: Redis, known: list[bytes], tried: list[tuple[int, bytes, bytes, bool]]
) -> None:
    redis.delete(BUCKET, PIN_KEY, functions.log_key(5))
    now_s, tries = NOW_S, NO_TRIES
    before = state.fold(confirmed(visitor) for visitor in known)
    if before is not None:
        redis.hset(BUCKET, "44", state.pack(before))
    let_through = 0
    for later_s, visitor, whence, right in tried:
        now_s += later_s
        lane = pin_tries.lane_of(before, visitor=visitor, whence=whence)
        opens_at_s = tries.opens_at_s(visitor, lane, at_s=now_s)
        answer = enter(redis, visitor=visitor, whence=whence, at_s=now_s, right=right)
        packed = b"" if before is None else state.pack(before)
        if opens_at_s > now_s:
            assert answer == bytes([2, 0]) + opens_at_s.to_bytes(4, "big") + packed
            continue
        let_through += 1
        tries = tries.after(Try(at_s=now_s, visitor=visitor, lane=lane, right=right))
        if right:
            before = state.touch(before, Touch(mode=Mode.PROVEN, at_s=now_s, visitor=visitor, whence=whence))
            assert answer == bytes([1, 0, 0, 0, 0, 0]) + state.pack(before)
            continue
        left = max(0, FREE_TRIES - tries.wrong_of(visitor, at_s=now_s)[0])
        assert answer == bytes([0, left]) + max(0, tries.opens_at_s(visitor, lane, at_s=now_s)).to_bytes(4, "big") + packed
    assert redis.xlen(functions.log_key(5)) == let_through
    assert redis.hgetall(PIN_KEY) == pin_tries.packed(tries)


def botnet(*, days: int, known: State | None, phones: int, start: Tries = NO_TRIES) -> int:
    """An attacker with as many phones and addresses as they like, who knows the rule and wastes no minute. Wrong tries let through."""
    tries, done = start, 0
    recorded = [slot.visitor for slot in known.slots] if known else []
    hands = [(visitor, Lane.KNOWN) for visitor in recorded] + [(bytes([1, 0, n >> 8, n & 255]), Lane.OPEN) for n in range(phones)]
    hands += [(bytes([2, 0, 0, n]), Lane.HOME) for n in range(phones if known else 0)][:80]
    for at_s in range(NOW_S, NOW_S + days * DAY_S, HOUR_S):
        for visitor, lane in hands:
            while tries.opens_at_s(visitor, lane, at_s=at_s) <= at_s:
                tries = tries.after(Try(at_s=at_s, visitor=visitor, lane=lane, right=False))
                done += 1
    return done


def test_a_botnet_gets_the_tries_that_the_decision_names() -> None:
    most = pin_tries.tries_a_month()
    assert most == {Lane.KNOWN: 216, Lane.HOME: 34, Lane.OPEN: 139}
    assert botnet(days=30, known=None, phones=50) <= most[Lane.OPEN]
    six = state.fold(confirmed(bytes([n]) * 4, at_s=NOW_S - 60 * n) for n in range(1, 7))
    got = botnet(days=30, known=six, phones=50)
    assert sum(most.values()) * 0.9 <= got <= sum(most.values())
    # One in a million each: below four in ten thousand a month for who held all six places, one in seven thousand for who came later.
    assert got / 10**6 < 4e-4
    assert most[Lane.OPEN] / 10**6 < 1 / 7000


@settings(max_examples=20, deadline=None)
@given(st.integers(min_value=0, max_value=10**6))
def test_nobody_can_lock_out_whom_the_code_knows_or_their_home(seed: int) -> None:
    known = state.touch(None, confirmed(b"anna"))
    tries, now_s = NO_TRIES, NOW_S
    for number in range(200):
        drawn = hashlib.sha256(f"{seed} {number}".encode()).digest()
        now_s += (0, 30, HOUR_S)[drawn[4] % 3]
        stranger = drawn[:4]
        lane = pin_tries.lane_of(known, visitor=stranger, whence=AWAY)
        if stranger != b"anna" and tries.opens_at_s(stranger, lane, at_s=now_s) <= now_s:
            tries = tries.after(Try(at_s=now_s, visitor=stranger, lane=lane, right=False))
    assert tries.opens_at_s(b"anna", pin_tries.lane_of(known, visitor=b"anna", whence=AWAY), at_s=now_s) <= now_s
    assert tries.opens_at_s(b"new!", pin_tries.lane_of(known, visitor=b"new!", whence=HOME), at_s=now_s) <= now_s


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, KEPT_S), visitors, st.sampled_from(Lane)), max_size=100))
def test_whatever_was_tried_every_visitor_is_let_through_again_within_a_day_of_rest(tried: list[tuple[int, bytes, Lane]]) -> None:
    tries, now_s = NO_TRIES, NOW_S
    for at_s, visitor, lane in sorted(tried):
        now_s = NOW_S + at_s
        if tries.opens_at_s(visitor, lane, at_s=now_s) <= now_s:
            tries = tries.after(Try(at_s=now_s, visitor=visitor, lane=lane, right=False))
    rest_s = max(WAIT_S_MAX, *(bucket.refill_s for bucket in BUCKETS.values()))
    for visitor in (b"anna", b"else"):
        for lane in Lane:
            assert tries.opens_at_s(visitor, lane, at_s=now_s + rest_s) <= now_s + rest_s


def test_waits_grow_and_a_right_pin_forgives() -> None:
    tries, now_s, waits = NO_TRIES, NOW_S, []
    for _ in range(9):
        waits.append(max(0, tries.opens_at_s(b"anna", Lane.KNOWN, at_s=now_s) - now_s))
        now_s += waits[-1]
        tries = tries.after(Try(at_s=now_s, visitor=b"anna", lane=Lane.KNOWN, right=False))
    assert waits == [0, 0, 0, 60, 600, HOUR_S, 6 * HOUR_S, DAY_S, DAY_S]
    tries = tries.after(Try(at_s=now_s, visitor=b"anna", lane=Lane.KNOWN, right=True))
    assert tries.opens_at_s(b"anna", Lane.KNOWN, at_s=now_s) <= now_s


def test_who_never_comes_back_is_forgotten(redis: Redis) -> None:
    for number in range(300):
        redis.hset(PIN_KEY, b"v" + number.to_bytes(4, "big"), (b"\x02" + (NOW_S - KEPT_S).to_bytes(4, "big")))
    enter(redis, visitor=b"anna", whence=AWAY, at_s=NOW_S, right=False)
    kept = redis.hgetall(PIN_KEY)
    assert set(kept) == {b"vanna", b"o"}
    assert 0 < redis.ttl(PIN_KEY) <= KEPT_S


def test_an_address_has_a_bucket_over_all_codes(redis: Redis) -> None:
    key = functions.pin_address_key(5, b"12345678")

    def opens(at_s: int) -> int:
        answer = redis.fcall(functions.PIN_ADDRESS, 2, functions.meta_key(5), key, 1, at_s, 30, 120)
        assert isinstance(answer, bytes)
        return int.from_bytes(answer, "big")

    assert [opens(NOW_S) for _ in range(30)] == [0] * 30
    assert opens(NOW_S) == NOW_S + 120
    assert opens(NOW_S + 120) == 0
    assert opens(NOW_S + 120) == NOW_S + 240


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=80))
def test_what_is_given_back_is_as_if_it_had_never_been_taken(redis: Redis, tried: list[tuple[int, bool]]) -> None:
    """Tries of an address, each some seconds after the last; only those that stay taken count."""
    key = functions.pin_address_key(5, b"12345678")
    redis.delete(key)
    bucket = Bucket(field=b"", capacity=pin_tries.ADDRESS_TRIES, refill_s=pin_tries.ADDRESS_REFILL_S)

    def ask(at_s: int, *, sign: int) -> int:
        tries, refill_s = sign * pin_tries.ADDRESS_TRIES, sign * pin_tries.ADDRESS_REFILL_S
        answer = redis.fcall(functions.PIN_ADDRESS, 2, functions.meta_key(5), key, 1, at_s, tries, refill_s)
        assert isinstance(answer, bytes)
        return int.from_bytes(answer, "big")

    now_s, full_at_s = NOW_S, 0
    for later_s, stays in tried:
        now_s += later_s
        opens_at_s = bucket.opens_at_s(full_at_s)
        assert ask(now_s, sign=1) == (opens_at_s if opens_at_s > now_s else 0)
        if opens_at_s > now_s:
            continue
        if stays:
            full_at_s = bucket.spent(full_at_s, at_s=now_s)
        else:
            assert ask(now_s, sign=-1) == 0
        assert 0 < redis.ttl(key) <= pin_tries.ADDRESS_TRIES * pin_tries.ADDRESS_REFILL_S
