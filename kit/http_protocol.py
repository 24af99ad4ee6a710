"""HTTP/1.1 for an ASGI application: uvicorn's protocol over llhttp, with limits, an orderly end, and straight answers.

Straight answers (`kit.http_straight`) are asked for only where a request has no body, on connections where nothing else is under way.

Promises: answers of one connection leave in the order of its requests; what a connection may take of the memory is bounded. Refused: heads
that are too long (431) or do not arrive in time, targets without a path (400), bodies that hardly move, trailers, more than a few requests
ahead of their answers, clients that hardly read, connections on which nothing happens, and more connections than there may be (closed).
"""

import asyncio
import fcntl
import logging
import sys
import termios
from collections.abc import Iterable
from typing import Any, Final

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kit import http_usual
from kit.http_straight import Exchange, Scope, State, Straight
from kit.http_usual import BodyOnly

HEAD_BYTES_MAX: Final = 64 << 10
HEADERS_MAX: Final = 100
HEAD_S_MAX: Final = 20.0
# Longer than the proxies before it keep theirs (nginx: 60 s), so that it is they who close.
IDLE_S_MAX: Final = 75.0
# At which a body has to come, and an answer to be read.
BYTES_PER_S_MIN: Final = 500
# Without a byte of a body. Each byte buys its time, and nobody may save up more than that.
BODY_S_MAX: Final = 30.0
# For so much of what was written to be read as that rate makes of it.
STUCK_S_MAX: Final = 30.0
READ_BYTES_MIN: Final = round(BYTES_PER_S_MIN * STUCK_S_MAX)
SWEEP_EVERY_S: Final = 1.0
# Requests that wait behind one that is under way: nearly no client sends any.
PIPELINED_MAX: Final = 32

_TOO_LONG: Final = b"The head of this request is too long."
_log = logging.getLogger(__name__)


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
        self._unread_bytes = 0
        # When more of the body that is under way must have come.
        self._body_due_s: float | None = None
        # The request that is being answered: `cycle` is the last that came, with others perhaps waiting between the two.
        self._runs: RequestResponseCycle | None = None
        self._was_used = False
        # Of a request that offers another protocol: whether its body is still to come, and what reads it then.
        self._body_follows = False
        self._body_alone: BodyOnly | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.server_state.connections_max:
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
        super()._start_asgi_task(cycle, http_usual.attentive(app, cycle))

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
        self._feed(data)
        if self._moved:
            self._still_bytes = 0
        elif self._still_bytes > HEAD_BYTES_MAX:
            self._refuse_head()

    def _feed(self, data: bytes) -> None:
        try:
            (self._body_alone or self).parser.feed_data(data)
        except HttpParserUpgrade as offer:
            if self._body_follows:
                self._body_follows = False
                self._body_alone = BodyOnly(self, self.headers)
                self._feed(data[offer.args[0] :])
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

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
        if not self.url.startswith(b"/"):
            asked = http_usual.origin_form(self.url, self.headers)
            if asked is None:
                self.send_400_response("The target of a request begins with its path.")
                return
            self.url, self.headers = asked
        if not under_way and self._straight is not None and self._goes_straight(self._straight):
            return
        if sum(name == b"host" for name, _ in self.headers) > 1:
            self.send_400_response("A request has one Host.")
            return
        self._make_scope()
        super().on_headers_complete()
        self._body_due_s = self.loop.time() + BODY_S_MAX
        offers_protocol = self.parser.should_upgrade()
        self._body_follows = offers_protocol and http_usual.has_body(self.headers)
        if self.server_state.closing or self.expect_100_continue or offers_protocol:
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
            self._body_due_s = min(self._body_due_s + len(body) / BYTES_PER_S_MIN, latest_s)
        if isinstance(self.cycle, RequestResponseCycle) and not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._body_follows:
            return
        self._body_due_s = None
        if isinstance(self.cycle, RequestResponseCycle) and not self._refused:
            super().on_message_complete()
        if self._body_alone is not None:
            self._refused = True

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
        self._unread_bytes = self._unread()
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
        closing = self.transport.is_closing()
        if closing and self._stuck_since_s is None:
            self._stuck_since_s = now_s
            self._unread_bytes = self._unread()
        if self._stuck_since_s is not None and self._hardly_reads(self._stuck_since_s, now_s):
            self._abort()
            return
        if closing:
            return
        if self._body_due_s is not None:
            if self.flow.read_paused:
                self._body_due_s = now_s + BODY_S_MAX
            elif now_s > self._body_due_s:
                self._abort()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            return
        waits_s_max = IDLE_S_MAX if self._was_used and not self._reads_head else HEAD_S_MAX
        if now_s - self._waits_since_s > waits_s_max:
            if self.transport.get_write_buffer_size():
                self._abort()
            else:
                self.transport.close()

    def _unread(self) -> int:
        """Bytes that the client has not confirmed: what lies here, and what the kernel holds (tcp(7), SIOCOUTQ)."""
        waiting = self.transport.get_write_buffer_size()
        socket = self.transport.get_extra_info("socket")
        try:
            held = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4)) if socket is not None else b""
        except OSError:
            return waiting
        return waiting + int.from_bytes(held, sys.byteorder)

    def _hardly_reads(self, since_s: float, now_s: float) -> bool:
        unread_bytes = self._unread()
        if unread_bytes <= self._unread_bytes - READ_BYTES_MIN:
            self._unread_bytes = unread_bytes
            self._stuck_since_s = now_s
            return False
        return now_s - since_s > STUCK_S_MAX

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
