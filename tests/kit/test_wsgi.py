"""WSGI on our server: what the application is told, and that slow clients stop nobody."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest

from kit.wsgi import BODY_BYTES_IN_MEMORY, PIECE_BYTES, WsgiBridge
from tests.kit.serving_app import LONG_PIECES
from tests.kit.test_serving import answers, serving
from tests.waiting import until

THREADS = 2
MANY = 3 * THREADS
PATIENCE_S = 20
BODY_BYTES_MAX = 4 * BODY_BYTES_IN_MEMORY
Message = dict[str, Any]
SCOPE: Message = {
    "type": "http",
    "method": "POST",
    "http_version": "1.1",
    "scheme": "http",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.2", 4711),
}


def talk(
    app: Callable[..., Iterable[bytes]],
    *pieces: bytes,
    gone: bool = False,
    breaks_at: int = 100,
    **scope: Any,
) -> list[Message]:
    """What the bridge sends for one request whose body comes in `pieces`; `gone`: its client leaves before it says that this was all."""
    come: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    come.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""})
    sent: list[Message] = []

    async def receive() -> Message:
        if not come:
            await asyncio.Event().wait()
        return come.pop(0)

    async def send(message: Message) -> None:
        if len(sent) == breaks_at:
            raise ConnectionError
        sent.append(message)

    bridge = WsgiBridge(app, body_bytes_max=BODY_BYTES_MAX, threads=1)
    asyncio.run(bridge({**SCOPE, **scope}, receive, send))  # type: ignore[arg-type]
    return sent


def mirror(environ: Message, start_response: Any) -> Iterable[bytes]:
    start_response("201 Created", [("X-Path", environ["PATH_INFO"]), ("X-Length", environ["CONTENT_LENGTH"])])
    told = [f"{name}={value}\n".encode() for name, value in environ.items() if name.startswith("HTTP_")]
    return [*told, environ["wsgi.input"].read()]


def body_of(sent: list[Message]) -> bytes:
    return b"".join(message["body"] for message in sent[1:])


def test_an_answer_of_usual_length_is_one_piece() -> None:
    sent = talk(mirror, b"")
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 201
    assert not sent[1]["more_body"]


def test_a_path_keeps_its_bytes() -> None:
    sent = talk(mirror, b"", raw_path=b"/a%2Fb%FF")
    assert dict(sent[0]["headers"])[b"x-path"] == b"/a/b\xff"


@pytest.mark.parametrize("size", [0, 1, BODY_BYTES_IN_MEMORY, 3 * BODY_BYTES_IN_MEMORY])
def test_a_body_comes_whole_and_with_its_true_length(size: int) -> None:
    body = os.urandom(size)
    headers = [(b"content-length", b"17"), (b"transfer-encoding", b"chunked")]
    sent = talk(mirror, body[: size // 2], body[size // 2 :], headers=headers)
    assert body_of(sent) == body
    assert dict(sent[0]["headers"])[b"x-length"] == str(size).encode()


def test_no_header_passes_for_another() -> None:
    headers = [(b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    assert body_of(talk(mirror, b"", headers=headers)).splitlines() == [b"HTTP_X_FORWARDED_FOR=1.1.1.1", b"HTTP_COOKIE=a=1; b=2"]


def test_who_leaves_before_the_body_is_whole_is_not_heard() -> None:
    heard: list[bytes] = []

    def app(environ: Message, _start_response: Any) -> Iterable[bytes]:
        heard.append(environ["wsgi.input"].read())
        return []

    assert talk(app, b"half", gone=True) == []
    assert not heard


def test_what_is_written_in_the_older_way_comes_first() -> None:
    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"first ")
        return [b"second"]

    assert body_of(talk(app, b"")) == b"first second"


def test_an_error_may_still_take_the_place_of_an_answer() -> None:
    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("500 Oh", [], (LookupError, LookupError(), None))
        return [b"oh"]

    assert talk(app, b"")[0]["status"] == 500


class Closing:
    """An answer that remembers whether it was closed, and breaks after so many pieces."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.pieces):
            yield bytes(PIECE_BYTES)
        raise LookupError

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("pieces", [0, 3])
def test_an_answer_that_breaks_is_closed_and_says_so(pieces: int) -> None:
    answer = Closing(pieces)

    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return answer

    with pytest.raises(LookupError):
        talk(app, b"")
    assert answer.closed == 1


@pytest.mark.parametrize("breaks_at", range(4))
def test_an_answer_that_cannot_be_sent_is_closed(breaks_at: int) -> None:
    answer = Closing(3)

    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return answer

    with pytest.raises(ConnectionError):
        talk(app, b"", breaks_at=breaks_at)
    until(lambda: answer.closed == 1, "it is closed")


def test_a_request_that_is_called_off_is_closed_when_its_thread_is_done() -> None:
    answer, at_work, goes_on = Closing(1), Event(), Event()

    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        at_work.set()
        assert goes_on.wait(PATIENCE_S)
        start_response("200 OK", [])
        return answer

    async def call_off() -> None:
        come = [{"type": "http.request", "body": b""}]

        async def receive() -> Message:
            return come.pop()

        async def send(_message: Message) -> None:
            raise AssertionError("nothing is said to nobody")

        asking = asyncio.ensure_future(WsgiBridge(app, body_bytes_max=0, threads=2)(SCOPE, receive, send))  # type: ignore[arg-type]
        await asyncio.to_thread(at_work.wait, PATIENCE_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(call_off())
    assert answer.closed == 0
    goes_on.set()
    until(lambda: answer.closed == 1, "it is closed")


def test_a_body_above_the_limit_is_refused_unheard() -> None:
    sent = talk(mirror, bytes(BODY_BYTES_MAX), b"x")
    assert [message.get("status") for message in sent] == [413, None]


def test_an_error_cannot_take_the_place_of_an_answer_that_has_left() -> None:
    def app(_environ: Message, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield bytes(PIECE_BYTES)
        start_response("500 Oh", [], (LookupError, LookupError("late"), None))

    with pytest.raises(LookupError, match="late"):
        talk(app, b"")


def test_an_application_without_a_status_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no status"):
        talk(lambda _environ, _start_response: [b"x"], b"")


@pytest.fixture
def connections(port: int) -> Iterator[Callable[[int], list[HTTPConnection]]]:
    """As many as are asked for."""
    with ExitStack() as stack:
        yield lambda count: [stack.enter_context(closing(connect(port))) for _ in range(count)]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with serving("wsgi", tmp_path) as (_process, port):
        yield port


def connect(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)


def test_clients_that_read_nothing_stop_nobody_and_get_all_of_it(
    port: int, connections: Callable[[int], list[HTTPConnection]]
) -> None:
    slow = connections(MANY)
    for connection in slow:
        connection.request("GET", "/long")
    given = [connection.getresponse() for connection in slow]
    assert answers(port)
    assert {len(answer.read()) for answer in given} == {LONG_PIECES * PIECE_BYTES}


def test_clients_that_send_slowly_stop_nobody(port: int, connections: Callable[[int], list[HTTPConnection]]) -> None:
    slow = connections(MANY)
    for connection in slow:
        connection.putrequest("POST", "/")
        connection.putheader("content-length", "2")
        connection.endheaders(b"a")
    assert answers(port)
    for connection in slow:
        connection.send(b"b")
        assert connection.getresponse().status == 200


def test_an_answer_whose_client_leaves_is_closed(connections: Callable[[int], list[HTTPConnection]], tmp_path: Path) -> None:
    (connection,) = connections(1)
    connection.request("GET", "/long")
    answer = connection.getresponse()
    answer.read(1)
    assert not (tmp_path / "closed").exists()
    answer.close()
    connection.close()
    until((tmp_path / "closed").exists, "the answer was closed")


def test_an_upload_that_breaks_off_is_noticed(port: int, connections: Callable[[int], list[HTTPConnection]]) -> None:
    watching, leaving = connections(2)
    watching.request("GET", "/")
    worker = psutil.Process(int(watching.getresponse().read()))
    leaving.putrequest("POST", "/")
    leaving.putheader("content-length", "100000")
    leaving.endheaders(b"a")
    mine = leaving.sock.getsockname()
    until(lambda: mine in clients_of(worker), "the worker has it")
    leaving.close()
    until(lambda: mine not in clients_of(worker), "the worker has let it go")


def clients_of(worker: psutil.Process) -> set[tuple[str, int]]:
    return {tuple(one.raddr) for one in worker.net_connections() if one.raddr}
