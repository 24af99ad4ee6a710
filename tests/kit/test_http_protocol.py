"""The protocol as a socket sees it: order of answers, limits of heads, what may follow what."""

import asyncio

import pytest

from kit.http_protocol import (
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    PIPELINED_MAX,
)
from tests.kit.http_connection import Connection, get, run


def test_a_straight_answer_is_whole_http() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/straight?a=b"))
        assert answer == b"HTTP/1.1 200 OK\r\nx-straight: yes\r\ncontent-length: 13\r\n\r\n/straight?a=b"
        assert not connection.transport.closed

    run(ask)


def test_answers_leave_in_the_order_of_their_requests() -> None:
    async def ask(connection: Connection) -> None:
        assert await connection.receives(get("/late") + get("/straight") + get("/usual")) == b""
        (late,) = connection.app.late
        late()
        while connection.state.tasks:
            await asyncio.wait(connection.state.tasks)
            await asyncio.sleep(0)
        bodies = [part.split(b"\r\n\r\n")[1] for part in connection.transport.written.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"/late?", b"/straight", b"/usual"]

    run(ask)


@pytest.mark.parametrize("header", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_a_request_with_a_body_goes_the_usual_way(header: str) -> None:
    async def ask(connection: Connection) -> None:
        body = b"abc" if header.startswith("Content") else b"3\r\nabc\r\n0\r\n\r\n"
        answer = await connection.receives(get("/straight", header) + body)
        assert answer.endswith(b"/straightabc")
        assert (await connection.receives(get("/straight"))).endswith(b"/straight?")

    run(ask)


def test_a_line_break_in_a_header_is_not_sent() -> None:
    async def ask(connection: Connection) -> None:
        assert await connection.receives(get("/split")) == b""
        assert connection.transport.closed

    run(ask)


def test_a_request_that_breaks_the_application_is_answered_so_and_ends_its_connection() -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(get("/boom"))).startswith(b"HTTP/1.1 500 ")
        assert connection.transport.closed

    run(ask)


def test_who_has_gone_is_not_answered() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        connection.protocol.connection_lost(None)
        (late,) = connection.app.late
        late()
        assert connection.transport.written == b""

    run(ask)


def test_a_head_without_end_is_refused() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(b"GET / HTTP/1.1\r\n")
        piece = b"x-long: " + b"y" * 1000 + b"\r\n"
        for _ in range(HEAD_BYTES_MAX // len(piece) + 1):
            await connection.receives(piece)
        assert connection.transport.written.startswith(b"HTTP/1.1 431 ")
        assert connection.transport.closed

    run(ask)


def test_too_many_headers_are_refused() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/straight", *(f"x-{number}: y" for number in range(HEADERS_MAX + 1))))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert connection.transport.closed
        assert connection.app.asked == []

    run(ask)


def test_a_head_that_is_too_long_is_refused_though_it_comes_at_once() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/straight", "x-long: " + "y" * (HEAD_BYTES_MAX + 1)))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert connection.app.asked == []

    run(ask)


def test_many_short_requests_are_no_long_head() -> None:
    async def ask(connection: Connection) -> None:
        padded = get("/straight", "x-some: " + "y" * 8000)
        assert (await connection.receives(padded * (HEAD_BYTES_MAX // len(padded) + 1) + b"GET /stra")).count(b"200 OK") == 9
        assert not connection.transport.closed

    run(ask)


def test_a_refused_head_neither_overtakes_an_answer_nor_lets_anything_follow() -> None:
    async def ask(connection: Connection) -> None:
        many = [f"x-{number}: y" for number in range(HEADERS_MAX + 1)]
        assert await connection.receives(get("/late") + get("/straight", *many) + get("/straight")) == b""
        assert connection.transport.aborted
        assert connection.app.asked == ["/late"]

    run(ask)


CHUNKED = get("/usual", "Transfer-Encoding: chunked").replace(b"GET", b"POST")


def test_trailers_are_no_headers() -> None:
    async def ask(connection: Connection) -> None:
        body = b"3\r\nabc\r\n0\r\nx-forwarded-for: 198.51.100.9\r\nhost: evil.example\r\n\r\n"
        assert (await connection.receives(CHUNKED + body)).endswith(b"/usualabc")
        assert [name for name, _ in connection.protocol.headers] == [b"host", b"transfer-encoding"]

    run(ask)


@pytest.mark.parametrize("piece", [b"a: b\r\n" * 200, b"y" * 1200])
def test_trailers_without_end_are_cut_off(piece: bytes) -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(CHUNKED + b"3\r\nabc\r\n0\r\na: ")
        for _ in range(HEAD_BYTES_MAX // len(piece) + 2):
            await connection.receives(piece)
        assert connection.transport.closed
        assert len(connection.protocol.headers) == 2

    run(ask)


def test_only_so_many_requests_may_wait_behind_one_that_is_under_way() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late") + get("/straight") * PIPELINED_MAX)
        assert not connection.transport.closed
        await connection.receives(get("/straight"))
        assert connection.transport.aborted

    run(ask)


@pytest.mark.parametrize("path", ["/straight", "/usual"])
def test_two_hosts_are_refused(path: str) -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(get(path, "Host: another.example"))).startswith(b"HTTP/1.1 400 ")
        assert not connection.app.asked

    run(ask)


@pytest.mark.parametrize(
    "target", ["*@127.0.0.1:1/x", "*", "usual", "http://a@b/usual", "ftp://tea.example/usual", "http:///usual"]
)
def test_a_target_without_a_path_is_refused(target: str) -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(get(target))).startswith(b"HTTP/1.1 400 ")
        assert not connection.app.asked

    run(ask)


@pytest.mark.parametrize(("target", "path"), [("http://other.example:80/whole?a=b", "/whole"), ("HTTP://other.example:80", "/")])
def test_a_target_that_names_a_host_is_read_as_its_path_and_that_host(target: str, path: str) -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(get(target))).startswith(b"HTTP/1.1 200 ")
        assert connection.app.asked == [path]
        assert connection.app.hosts == [b"other.example:80"]

    run(ask)


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")


@pytest.mark.parametrize(
    ("framing", "body"), [("Content-Length: 5", b"hello"), ("Transfer-Encoding: chunked", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")]
)
@pytest.mark.parametrize("cut", [0, 3, 1000])
def test_who_offers_another_protocol_keeps_the_body(framing: str, body: bytes, cut: int) -> None:
    async def ask(connection: Connection) -> None:
        head = get("/whole", framing, *OFFER).replace(b"GET", b"POST")
        connection.protocol.data_received(head + body[:cut])
        if body[cut:]:
            connection.protocol.data_received(body[cut:])
        await connection.settles()
        assert connection.transport.written.endswith(b"/wholehello")
        assert connection.transport.closed

    run(ask)


def test_nothing_follows_a_request_that_offered_another_protocol() -> None:
    async def ask(connection: Connection) -> None:
        head = get("/whole", "Content-Length: 2", *OFFER).replace(b"GET", b"POST")
        await connection.receives(head + b"hi" + get("/usual"))
        assert connection.app.asked == ["/whole"]

    run(ask)


def test_an_old_client_gets_no_chunks() -> None:
    async def ask(connection: Connection) -> None:
        answer = await connection.receives(get("/open").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert answer.endswith(b"\r\n\r\nwithout a length")
        assert b"transfer-encoding" not in answer
        assert connection.transport.closed
        assert b"transfer-encoding: chunked" in await Connection().receives(get("/open"))

    run(ask)


def test_who_sends_to_nobody_is_told_so() -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(get("/endless"))
        await connection.app.sends.wait()
        connection.protocol.connection_lost(None)
        await connection.settles()

    run(ask)


def test_who_announces_a_body_and_waits_with_it_is_answered_for_the_last_time() -> None:
    async def ask(connection: Connection) -> None:
        waiting = get("/early", "Expect: 100-continue", "Content-Length: 2000000").replace(b"GET", b"POST")
        assert b"connection: close\r\n" in await connection.receives(waiting)
        assert connection.transport.closed

    run(ask)


def test_who_has_said_everything_still_gets_the_answer() -> None:
    async def ask(connection: Connection) -> None:
        await connection.receives(get("/late"))
        assert connection.protocol.eof_received() is True
        (late,) = connection.app.late
        late()
        assert b"connection: close\r\n" in connection.transport.written
        assert connection.transport.closed
        assert Connection().protocol.eof_received() is None

    run(ask)


def test_who_stops_in_the_middle_of_a_body_has_gone() -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(b"POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf")
        assert not connection.protocol.eof_received()
        connection.protocol.connection_lost(None)
        await connection.settles()

    run(ask)


def test_a_request_hears_that_its_client_left_though_others_wait_behind_it() -> None:
    async def ask(connection: Connection) -> None:
        connection.protocol.data_received(get("/waits") + get("/usual"))
        connection.protocol.connection_lost(None)
        await connection.settles()
        assert connection.app.asked == ["/waits", "gone"]

    run(ask)


def test_an_old_client_is_not_kept() -> None:
    async def ask(connection: Connection) -> None:
        old = get("/straight", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
        assert b"connection: close\r\n" in await connection.receives(old)

    run(ask)


def test_what_is_no_http_is_refused() -> None:
    async def ask(connection: Connection) -> None:
        assert (await connection.receives(b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert connection.transport.closed

    run(ask)


def test_after_the_end_was_announced_each_answer_is_the_last_of_its_connection() -> None:
    async def ask(connection: Connection) -> None:
        connection.state.closing = True
        assert b"connection: close\r\n" in await connection.receives(get("/straight"))
        assert connection.transport.closed
        usual = Connection()
        usual.state.closing = True
        assert b"connection: close\r\n" in await usual.receives(get("/usual"))
        assert usual.transport.closed

    run(ask)
