"""Streams to the web process every request that is not the edge's own.

Promises: bodies pass through in pieces, in both directions, and are never held whole; headers of one hop stay behind; the web
process learns who asks by headers that only the edge sets, whatever the client wrote into them. Refused: bodies above the limit,
announced or not (413), bodies that break off (400), more at once than one address may have (429); 503 when the web process is away or
has no connection free. A connection is taken for as long as its client sends and reads: without that share a few could take them all.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from kit import traces
from kit.refusals import Refusal, TooMany, Unavailable
from kit.traces import Trace
from scanservice.edge import http
from scanservice.edge.http import Request, Send

CONNECT_S_MAX: Final = 2
# For one of the connections to be free, and then open.
WAIT_S_MAX: Final = 10
# Exports and imports take their time; silence for this long is a process that hangs.
SILENCE_S_MAX: Final = 120
CONNECTIONS_MAX: Final = 500
RETRY_AFTER_S: Final = 2
# Of one address: an office or a carrier's gateway has many people, but their pages are done in a moment.
AT_ONCE_MAX: Final = 100

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# The edge's server has put its own date already.
_NOT_BACK: Final = _HOP_BY_HOP | {b"date"}
_OURS: Final = frozenset(
    {
        b"host",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
        b"traceparent",
        b"content-length",
    }
)
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


class WebAway(Unavailable):
    code: ClassVar[str] = "web_away"
    says: ClassVar[str] = "This part of the service does not answer right now. Try again in a moment."


class TooManyAtOnce(TooMany):
    code: ClassVar[str] = "too_many_at_once"
    says: ClassVar[str] = "Too many requests from this address are still under way. Try again in a moment."


class Proxy:
    """For one event loop."""

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        self._base = f"http://{host}:{port}"
        self._under_way: Counter[bytes] = Counter()
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=None, connect=WAIT_S_MAX, sock_connect=CONNECT_S_MAX, sock_read=SILENCE_S_MAX),
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
        )

    async def close(self) -> None:
        await self._session.close()

    async def pass_on(self, request: Request, send: Send, *, trace: Trace, bytes_max: int) -> None:
        # Percent-encoding is passed on as it came: the web process decodes, once.
        url = URL(self._base + request.target.decode("latin-1"), encoded=True)
        started = False
        body = _Body(request, bytes_max=bytes_max)
        try:
            request.require_length(bytes_max=bytes_max)
            async with (
                self._share_of(request.address.block),
                self._session.request(
                    request.method,
                    url,
                    headers=_headers(request, trace=trace),
                    data=body.pieces() if _has_body(request) else None,
                    allow_redirects=False,
                ) as answer,
            ):
                headers = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in _NOT_BACK]
                started = True
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                if request.method != "HEAD":
                    async for piece in answer.content.iter_any():
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (Refusal, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if started:
                # The status is out: only a broken connection can still say that the body is not whole.
                raise
            refusal = body.refusal or (error if isinstance(error, Refusal) else _away(error))
            await http.send(http.refused(refusal, request), send, head=request.method == "HEAD")

    @asynccontextmanager
    async def _share_of(self, block: bytes) -> AsyncIterator[None]:
        if self._under_way[block] >= AT_ONCE_MAX:
            raise TooManyAtOnce(retry_after_s=RETRY_AFTER_S)
        self._under_way[block] += 1
        try:
            yield
        finally:
            self._under_way[block] -= 1
            if not self._under_way[block]:
                del self._under_way[block]


def _headers(request: Request, *, trace: Trace) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    named = {part.strip().lower() for part in request.headers.get(b"connection", b"").split(b",")}
    for name, value in request.scope["headers"]:
        if name not in _HOP_BY_HOP and name not in _OURS and name not in named:
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
    headers["Host"] = request.host
    headers["X-Forwarded-For"] = request.address_text
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    headers["X-Request-Id"] = trace.trace_id
    headers[traces.HEADER] = trace.onward()
    length = request.headers.get(b"content-length")
    if length is not None:
        headers["Content-Length"] = length.decode("latin-1")
    return headers


def _has_body(request: Request) -> bool:
    length = request.headers.get(b"content-length")
    if length is None:
        return b"transfer-encoding" in request.headers
    return length != b"0" or request.method not in _BODILESS


class _Body:
    """The request's body on its way. Why it was refused is kept here: the client library makes an error of its own out of it."""

    def __init__(self, request: Request, *, bytes_max: int) -> None:
        self._request = request
        self._bytes_max = bytes_max
        self.refusal: Refusal | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._request.pieces(bytes_max=self._bytes_max):
                yield piece
        except Refusal as refusal:
            self.refusal = refusal
            raise


def _away(cause: Exception) -> Refusal:
    refusal = WebAway()
    refusal.__cause__ = cause
    return refusal
