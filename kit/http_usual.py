"""What uvicorn's half of a connection leaves to be wished for, where a request goes the usual way of ASGI.

Promises: an application that goes on sending to a client who has left is told so (ASGI HTTP specification 2.4: an OSError); an HTTP/1.0
client gets no chunks (RFC 9112 section 6.1); a request that offers another protocol keeps its body (RFC 9110 section 7.8: the offer may
be ignored); a target that names a host is read as its path and that Host (RFC 9112 section 3.2.2), and one without a path is refused.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

Header = tuple[bytes, bytes]

_ABSOLUTE: Final = re.compile(rb"https?://([A-Za-z0-9.:\[\]_-]+)(/.*|\?.*|)", re.IGNORECASE)
_BODY_HEADERS: Final = frozenset({b"content-length", b"transfer-encoding"})


class ClientLeftError(OSError):
    """Nobody is there to send to."""


def attentive(app: Any, cycle: RequestResponseCycle) -> Any:
    """The application with a `send` that keeps this module's promises."""
    is_old = cycle.scope["http_version"] == "1.0"

    async def run(scope: Any, receive: Any, send: Any) -> None:
        until_close = False

        async def say(message: Any) -> None:
            nonlocal until_close
            if cycle.disconnected:
                raise ClientLeftError
            if is_old and message["type"] == "http.response.start":
                until_close = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
                cycle.chunked_encoding = False if until_close else None
            elif until_close:
                # The end of the connection is the end of the body: whatever length comes is right.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        with suppress(ClientLeftError):
            await app(scope, receive, say)

    return run


def origin_form(target: bytes, headers: Sequence[Header]) -> tuple[bytes, list[Header]] | None:
    """Path and headers of a request whose target does not begin with its path; None: it has none."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return None
    host, path = absolute.groups()
    others = [header for header in headers if header[0] != b"host"]
    return path if path.startswith(b"/") else b"/" + path, [(b"host", host), *others]


def has_body(headers: Sequence[Header]) -> bool:
    """Does a request say that a body follows its head?"""
    said = dict(headers)
    return b"transfer-encoding" in said or said.get(b"content-length", b"0").strip() != b"0"


class BodyOnly:
    """Takes the body of a request whose head was read already, by a parser that believed the rest to be of another protocol."""

    def __init__(self, protocol: HttpToolsProtocol, headers: Sequence[Header]) -> None:
        self._protocol = protocol
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete
        self.parser = HttpRequestParser(self)
        framing = b"".join(b"%b: %b\r\n" % header for header in headers if header[0] in _BODY_HEADERS)
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing)
