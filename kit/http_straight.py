"""Straight answers: a request that is answered in the turn in which its head is whole, without a task, a coroutine or an ASGI message.

An application with a method `straight(scope, reply)` is asked first. Where it returns True it calls `reply` once, at once or later; where it
returns False the request goes the usual way. Promises: a header value with a line break is never sent. Refused: a second answer.
"""

from collections.abc import Callable, MutableMapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from kit.http_protocol import HttpProtocol

Headers = Sequence[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Reply = Callable[[int, Headers, bytes], None]
Straight = Callable[[Scope, Reply], bool]

CONNECTIONS_MAX: Final = 10_000

_HEADER: Final = b"%b: %b\r\n"
_CLOSE: Final = b"connection: close\r\n"


class StraightApp(Protocol):
    """What an application may have beside `__call__`."""

    def straight(self, scope: Scope, reply: Reply) -> bool: ...


class State(ServerState):
    """What the connections of one server share, of which there are at most `connections_max`.

    `closing`: each answer from now on is the last of its connection.
    """

    connections: "set[HttpProtocol]"  # type: ignore[assignment]

    def __init__(self, straight: Straight | None = None, *, connections_max: int = CONNECTIONS_MAX) -> None:
        super().__init__()
        self.connections_max = connections_max
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
        lines_max = len(headers) + (2 if self.keep_alive else 3)
        if head.count(b"\n") != lines_max or head.count(b"\r") != lines_max:
            self._protocol.transport.close()
            raise RuntimeError("a header with a line break")
        self._protocol.transport.write(b"%b%b\r\n%b" % (head, self._protocol.server_state.lines(), body))
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()
