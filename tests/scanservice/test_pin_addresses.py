"""What one address may try over all codes: wrong PINs of strangers count, and nothing that a neighbour does locks out whom a code knows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from scanservice.hot.pin_tries import ADDRESS_REFILL_S, ADDRESS_TRIES
from scanservice.hot.state import VISITORS_MAX
from tests.scanservice import test_pins
from tests.scanservice.conftest import Client, LocalEdge, Market, Response
from tests.scanservice.test_pins import arrive, enter, pin_of, wrong_for

pinned = test_pins.pinned

# Behind which a whole quarter surfs.
CARRIER = "198.51.100.9"


@pytest.fixture
def edge(pinned: Market) -> Iterator[LocalEdge]:
    with LocalEdge.running(pinned.settings, pinned.clock) as running:
        yield running


def neighbour(edge: LocalEdge) -> Client:
    return Client(edge=edge, ip=CARRIER)


def fill(edge: LocalEdge, market: Market, *rows: int) -> None:
    """Takes all places of these codes: whoever comes later is a stranger to them."""
    for row in rows:
        for _ in range(VISITORS_MAX):
            edge.stranger().verdict(market.path(row))
    market.clock.advance(timedelta(minutes=1))


def limits(answers: Sequence[Response]) -> list[str]:
    return [one.json()["pin"] if one.status == 200 else one.json()["limit"] for one in answers]


def test_strangers_of_one_address_run_out_over_all_codes(edge: LocalEdge, pinned: Market) -> None:
    fill(edge, pinned, 1, 2)
    for number in range(ADDRESS_TRIES + 1):
        bot = neighbour(edge)
        row = 1 + number % 2
        told = enter(bot, arrive(bot, pinned, row), wrong_for(pinned, row))
        assert limits([told]) == ["wrong" if number < ADDRESS_TRIES else "address"]


def test_a_neighbour_locks_nobody_out_by_tries_that_do_not_count(edge: LocalEdge, pinned: Market) -> None:
    owner = neighbour(edge)
    ticket = arrive(owner, pinned, 1)
    fill(edge, pinned, 2, 3)
    mallory = neighbour(edge)
    own = arrive(mallory, pinned, 2)
    tries = [enter(mallory, own, wrong_for(pinned, 2)) for _ in range(2 * ADDRESS_TRIES)]
    assert limits(tries) == ["wrong"] * 3 + ["code"] * (2 * ADDRESS_TRIES - 3)
    buyer = neighbour(edge)
    assert limits([enter(buyer, arrive(buyer, pinned, 3), pin_of(pinned, 3))]) == ["right"]
    assert limits([enter(owner, ticket, pin_of(pinned, 1))]) == ["right"]


def test_an_empty_address_keeps_out_strangers_whatever_their_pin_and_nobody_whom_the_code_knows(
    edge: LocalEdge, pinned: Market
) -> None:
    owner, visitor = neighbour(edge), neighbour(edge)
    ticket = arrive(owner, pinned, 1)
    fill(edge, pinned, 2, 3, 4)
    for number in range(ADDRESS_TRIES):
        bot = neighbour(edge)
        row = 2 + number % 2
        enter(bot, arrive(bot, pinned, row), wrong_for(pinned, row))
    strange = arrive(visitor, pinned, 4)
    refused = [enter(visitor, strange, pin) for pin in (wrong_for(pinned, 4), pin_of(pinned, 4))]
    assert limits(refused) == ["address"] * 2
    assert refused[0].body == refused[1].body
    assert limits([enter(owner, ticket, pin) for pin in (wrong_for(pinned, 1), pin_of(pinned, 1))]) == ["wrong", "right"]
    assert limits([enter(visitor, strange, pin_of(pinned, 4))]) == ["address"]
    pinned.clock.advance(timedelta(seconds=ADDRESS_REFILL_S))
    # A right one is given back, so the one that came back is there for the wrong one after it.
    pins = (pin_of(pinned, 4), wrong_for(pinned, 4), wrong_for(pinned, 4), pin_of(pinned, 4))
    assert limits([enter(visitor, strange, pin) for pin in pins]) == ["right", "wrong", "address", "address"]


def test_whom_the_code_knows_takes_nothing_from_their_neighbours(edge: LocalEdge, pinned: Market) -> None:
    for number in range(ADDRESS_TRIES + 5):
        row = 5 + number % 6
        known = neighbour(edge)
        enter(known, arrive(known, pinned, row), wrong_for(pinned, row))
    fill(edge, pinned, 1)
    buyer = neighbour(edge)
    assert limits([enter(buyer, arrive(buyer, pinned, 1), wrong_for(pinned, 1))]) == ["wrong"]


def test_many_at_once_are_no_more_than_one_after_another(edge: LocalEdge, pinned: Market) -> None:
    fill(edge, pinned, 1, 2, 3)
    asked = []
    for number in range(2 * ADDRESS_TRIES):
        row = 1 + number % 3
        bot = neighbour(edge)
        body = b'{"ticket":"%b","pin":"%b"}' % (arrive(bot, pinned, row).encode(), wrong_for(pinned, row).encode())
        asked.append(bot.asking("POST", "/v1/scans/pin", body, content_type="application/json"))
    told = limits(edge.together(asked))
    assert (told.count("wrong"), told.count("address")) == (ADDRESS_TRIES, ADDRESS_TRIES)
