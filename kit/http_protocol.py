"""HTTP/1.1 for an ASGI application: uvicorn's protocol over llhttp, with limits, an orderly end, and straight answers.

A straight answer takes no task, no coroutine and no ASGI messages: an application with a method `straight(scope, reply)` is asked first, in
the turn in which the head of a request is whole. Where it returns True it calls `reply` once, at once or later; where it returns False the
request goes the usual way. Asked are only requests without a body, on connections where nothing else is under way.

Promises: answers of one connection leave in the order of its requests; a header value with a line break is never sent; what a connection
may take of the memory is bounded. Refused: heads that are too long (431) or do not arrive in time, bodies that hardly move, trailers, more
than a few requests ahead of their answers, clients that do not read, connections on which nothing happens, and more connections than
CONNECTIONS_MAX (closed).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

HEAD_BYTES_MAX: Final = 64 << 10
HEADERS_MAX: Final = 100
HEAD_S_MAX: Final = 20.0
# Longer than the proxies before it keep theirs (nginx: 60 s), so that it is they who close.
IDLE_S_MAX: Final = 75.0
# Without a byte of a body. Each byte buys its time at this rate, and nobody may save up more than that.
BODY_S_MAX: Final = 30.0
BODY_BYTES_PER_S_MIN: Final = 500
# Without reading a byte of what was written.
STUCK_S_MAX: Final = 30.0
SWEEP_EVERY_S: Final = 1.0
# Requests that wait behind one that is under way: nearly no client sends any.
PIPELINED_MAX: Final = 32
CONNECTIONS_MAX: Final = 10_000

Headers = Sequence[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Reply = Callable[[int, Headers, bytes], None]
Straight = Callable[[Scope, Reply], bool]

_HEADER: Final = b"%b: %b\r\n"
_CLOSE: Final = b"connection: close\r\n"
_TOO_LONG: Final = b"The head of this request is too long."
_log = logging.getLogger(__name__)


class StraightApp(Protocol):
    """What an application may have beside `__call__`."""

    def straight(self, scope: Scope, reply: Reply) -> bool: ...


class State(ServerState):
    """What the connections of one server share. `closing`: each answer from now on is the last of its connection."""

    connections: "set[HttpProtocol]"  # type: ignore[assignment]

    def __init__(self, straight: Straight | None = None) -> None:
        super().__init__()
        self.straight = straight
        self.closing = False
        self._lines_of: Headers = ()
        self._lines = b""

    def lines(self) -> bytes:
        """The headers that every answer has (Date), as they are sent; made anew when they have changed, once a second."""
        if self._lines_of is not self.default_headers:
            self._lines_of = self.default_headers
            self._lines = b"".join(_HEADER % header for header in self.default_headers)
        return self._lines


class _Silent:
    """Stands for the event that wakes an ASGI application: a straight answer has none to wake."""

    def set(self) -> None:
        pass


class Exchange:
    """A request that is answered straight. What uvicorn's protocol asks of a cycle, this has too."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    message_event: ClassVar[_Silent] = _Silent()

    def __init__(self, protocol: "HttpProtocol", *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        if self.response_complete:
            raise RuntimeError("a request has one answer")
        self.response_complete = True
        if self.disconnected or self._protocol.transport.is_closing():
            return
        lines = _HEADER * len(headers) % tuple(chain.from_iterable(headers))
        close = b"" if self.keep_alive else _CLOSE
        head = b"%b%b%bcontent-length: %d\r\n" % (STATUS_LINE[status], lines, close, len(body))
        # One for each header, and those of status and length; a client's own line break among them would split the answer.
        if head.count(b"\n") != len(headers) + (2 if self.keep_alive else 3):
            self._protocol.transport.close()
            raise RuntimeError("a header with a line break")
        self._protocol.transport.write(b"%b%b\r\n%b" % (head, self._protocol.server_state.lines(), body))
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()


class HttpProtocol(HttpToolsProtocol):
    """For one connection."""

    server_state: State

    def __init__(
        self, config: Config, server_state: State, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._straight = server_state.straight
        self._reads_head = False
        # Nothing that still comes is looked at.
        self._refused = False
        # Bytes that came since a head or a piece of a body was whole, and whether one was in this read.
        self._still_bytes = 0
        self._moved = False
        # When it last began to wait for somebody: for a head, or for the next request; and since when its client does not read.
        self._waits_since_s = self.loop.time()
        self._stuck_since_s: float | None = None
        # When more of the body that is under way must have come.
        self._body_due_s: float | None = None
        # The request that is being answered: `cycle` is the last that came, with others perhaps waiting between the two.
        self._runs: RequestResponseCycle | None = None
        self._was_used = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        self.pipeline.clear()
        if self._runs is not None and not self._runs.response_complete:
            self._runs.disconnected = True
            self._runs.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._runs = cycle
        super()._start_asgi_task(cycle, app)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Whoever has said everything may still want the answer; whoever stops in the middle of a body has gone."""
        if self.cycle is None or self.cycle.response_complete or self._body_due_s is not None:
            return None
        self.cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._moved = False
        self._still_bytes += len(data)
        super().data_received(data)
        if self._moved:
            self._still_bytes = 0
        elif self._still_bytes > HEAD_BYTES_MAX:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """As uvicorn's, but the scope of ASGI is made only for requests that go the usual way."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._reads_head = True
        self._waits_since_s = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """As uvicorn's, but what comes behind a body is a trailer. Nobody asked for one, and it must not pass for a header."""
        if not self._reads_head:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._reads_head = False
        self._was_used = True
        if self._refused or self.transport.is_closing():
            self._refused = True
            return
        if len(self.headers) > HEADERS_MAX or (self._still_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX):
            self._refuse_head()
            return
        self._moved = True
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way and len(self.pipeline) >= PIPELINED_MAX:
            self._abort()
            return
        if not under_way and self._straight is not None and self._goes_straight(self._straight):
            return
        if sum(name == b"host" for name, _ in self.headers) > 1:
            self.send_400_response("A request has one Host.")
            return
        self._make_scope()
        super().on_headers_complete()
        self._body_due_s = self.loop.time() + BODY_S_MAX
        if self.server_state.closing or self.expect_100_continue or self.parser.should_upgrade():
            # Who is answered before it has sent what it announced, or has switched to another protocol, cannot be understood afterwards.
            self.cycle.keep_alive = False

    def _make_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)

    def on_body(self, body: bytes) -> None:
        self._moved = True
        if self._body_due_s is not None:
            latest_s = self.loop.time() + BODY_S_MAX
            self._body_due_s = min(self._body_due_s + len(body) / BODY_BYTES_PER_S_MIN, latest_s)
        if isinstance(self.cycle, RequestResponseCycle) and not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._body_due_s = None
        if isinstance(self.cycle, RequestResponseCycle) and not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, without a timer for each answer: `sweep` closes what is idle. Reads on only when all that came has its answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.flow.resume_reading()
            self._waits_since_s = self.loop.time()

    def pause_writing(self) -> None:
        self._stuck_since_s = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since_s = None
        super().resume_writing()

    @property
    def is_promised(self) -> bool:
        """Was the connection accepted, but not asked for anything yet? Its request may be on the way, and nobody else will see it."""
        return not self._refused and (self._reads_head or not self._was_used) and not self.transport.is_closing()

    def send_400_response(self, msg: str) -> None:
        if self._refused:
            return
        self._refused = True
        if self.cycle is None or self.cycle.response_complete:
            super().send_400_response(msg)
        else:
            # The answer that is under way must not be followed by one to something else.
            self._abort()

    def sweep(self, now_s: float) -> None:
        """Closes the connection where its client has kept it waiting for too long."""
        if self._stuck_since_s is not None and now_s - self._stuck_since_s > STUCK_S_MAX:
            self._abort()
            return
        if self._body_due_s is not None:
            if self.flow.read_paused:
                self._body_due_s = now_s + BODY_S_MAX
            elif now_s > self._body_due_s:
                self._abort()
            return
        waits_s = now_s - self._waits_since_s
        if self._reads_head:
            over = waits_s > HEAD_S_MAX
        elif self.cycle is None or self.cycle.response_complete:
            over = waits_s > (IDLE_S_MAX if self._was_used else HEAD_S_MAX)
        else:
            over = False
        if over and (self.transport.is_closing() or self.transport.get_write_buffer_size()):
            self._abort()
        elif over:
            self.transport.close()

    def _goes_straight(self, straight: Straight) -> bool:
        if self.flow.write_paused:
            return False
        parser = self.parser
        if parser.get_method() != b"GET" or parser.should_upgrade() or not self._is_plain():
            return False
        path, _, query = self.url.partition(b"?")
        scope: Scope = {
            "method": "GET",
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
            "client": self.client,
            "scheme": self.scheme,
        }
        keep_alive = parser.should_keep_alive() and not self.server_state.closing and parser.get_http_version() != "1.0"
        exchange = Exchange(self, keep_alive=keep_alive)
        before = self.cycle
        # It counts as under way before anybody hears of it: the answer may come at once.
        self.cycle = exchange  # type: ignore[assignment]
        try:
            taken = straight(scope, exchange.reply)
        except Exception:  # noqa: BLE001 - as uvicorn does with an application's
            _log.exception("a request was not answered")
            exchange.keep_alive = False
            if not exchange.response_complete:
                exchange.reply(500, (), b"")
            return True
        if not taken:
            self.cycle = before
        return taken

    def _is_plain(self) -> bool:
        """No body, and one Host."""
        hosts = 0
        for name, _ in self.headers:
            if name in _LOOKED_AT:
                if name != b"host":
                    return False
                hosts += 1
        return hosts <= 1

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_head(self) -> None:
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._abort()
            return
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LONG), _TOO_LONG)
        )
        self.transport.close()

    def _abort(self) -> None:
        self._refused = True
        self.transport.abort()


_LOOKED_AT: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"host"})


def sweep(connections: Iterable[Any], *, now_s: float) -> None:
    for connection in tuple(connections):
        connection.sweep(now_s)
