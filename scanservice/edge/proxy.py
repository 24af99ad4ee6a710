"""Streams to the web process every request that is not the edge's own.

Promises: nothing but the web process is asked, whatever a target says; bodies pass through in pieces, in both directions, and are
never held whole; headers of one hop stay behind; the web process learns who asks by headers that only the edge sets, whatever the client
wrote into them. Refused: bodies above the limit, announced or not (413), more at once than one address may have (429), more uploads than
there is room for (503); 503 too when the web process is away or has no connection free. A connection is taken for as long as its client
sends and reads, and an upload lies on the web process's disk: without these shares a few clients could take all of either.
"""

import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from typing import ClassVar, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from kit import traces
from kit.http_protocol import HEAD_BYTES_MAX, HEADERS_MAX
from kit.refusals import Malformed, Refusal, TooMany, Unavailable
from kit.traces import Trace
from scanservice.edge import http
from scanservice.edge.http import Message, Request, Send

CONNECT_S_MAX: Final = 2
# For one of the connections to be free, and then open.
WAIT_S_MAX: Final = 10
# Exports and imports take their time; silence for this long is a process that hangs.
SILENCE_S_MAX: Final = 120
CONNECTIONS_MAX: Final = 500
RETRY_AFTER_S: Final = 2
# Of one address: an office or a carrier's gateway has many people, but their pages are done in a moment.
AT_ONCE_MAX: Final = 100
# A body that is longer, or does not say how long it is, is an upload.
UPLOAD_BYTES: Final = 256 << 10
UPLOADS_MAX: Final = 32
UPLOADS_AT_ONCE_MAX: Final = 8
# Names of ours that come on top of the client's.
_HEADERS_MAX: Final = HEADERS_MAX - 8

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


class TooManyUploads(Unavailable):
    code: ClassVar[str] = "too_many_uploads"
    says: ClassVar[str] = "Too many uploads are under way. Try again in a moment."


class TooManyHeaders(Malformed):
    code: ClassVar[str] = "too_many_headers"
    status: ClassVar[int] = 431
    says: ClassVar[str] = "A request has at most {headers_max} headers."


class TargetMalformed(Malformed):
    code: ClassVar[str] = "target_malformed"
    says: ClassVar[str] = "The target of this request is no path."


class TooManyAtOnce(TooMany):
    code: ClassVar[str] = "too_many_at_once"
    says: ClassVar[str] = "Too many requests from this address are still under way. Try again in a moment."


class _Shares:
    """How many are under way, of each address and of all."""

    def __init__(self, *, each_max: int, all_max: float = math.inf) -> None:
        self._each_max = each_max
        self._all_max = all_max
        self._under_way: Counter[bytes] = Counter()

    @contextmanager
    def one_of(self, address: bytes) -> Iterator[None]:
        if self._under_way[address] >= self._each_max:
            raise TooManyAtOnce(retry_after_s=RETRY_AFTER_S)
        if self._under_way.total() >= self._all_max:
            raise TooManyUploads(retry_after_s=RETRY_AFTER_S)
        self._under_way[address] += 1
        try:
            yield
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]


class Proxy:
    """For one event loop."""

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        self._base = URL(f"http://{host}:{port}")
        self._requests = _Shares(each_max=AT_ONCE_MAX)
        self._uploads = _Shares(each_max=UPLOADS_AT_ONCE_MAX, all_max=UPLOADS_MAX)
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=None, connect=WAIT_S_MAX, sock_connect=CONNECT_S_MAX, sock_read=SILENCE_S_MAX),
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,
        )

    async def close(self) -> None:
        await self._session.close()

    async def pass_on(self, request: Request, send: Send, *, trace: Trace, bytes_max: int) -> None:
        body = _Body(request, bytes_max=bytes_max)
        say = _Answering(send)
        address = request.address.share
        try:
            request.require_length(bytes_max=bytes_max)
            if len(request.scope["headers"]) > _HEADERS_MAX:
                raise TooManyHeaders(headers_max=_HEADERS_MAX)
            with self._requests.one_of(address), self._uploads.one_of(address) if _is_upload(request) else nullcontext():
                await self._relay(request, body, say, trace=trace)
        except (Refusal, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if say.started:
                # The status is out: only a broken connection can still say that the body is not whole.
                raise
            refusal = body.refusal or (error if isinstance(error, Refusal) else _away(error))
            await http.send(http.refused(refusal, request), send, head=request.method == "HEAD")

    async def _relay(self, request: Request, body: "_Body", send: Send, *, trace: Trace) -> None:
        async with self._session.request(
            request.method,
            self._url(request.target),
            headers=_headers(request, trace=trace),
            data=body.pieces() if _has_body(request) else None,
            allow_redirects=False,
        ) as answer:
            headers = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in _NOT_BACK]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            if request.method != "HEAD":
                async for piece in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def _url(self, target: bytes) -> URL:
        """Percent-encoding is passed on as it came: the web process decodes, once."""
        if not target.startswith(b"/"):
            raise TargetMalformed
        url = URL(f"{self._base.origin()}{target.decode('latin-1')}", encoded=True)
        # The host of what was put together is ours, whatever a parser makes of the rest.
        if url.raw_authority != self._base.raw_authority:
            raise TargetMalformed
        return url


def _is_upload(request: Request) -> bool:
    length = request.headers.get(b"content-length")
    if length is None:
        return b"transfer-encoding" in request.headers
    return length.isdigit() and int(length) > UPLOAD_BYTES


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


class _Answering:
    """Remembers whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)


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
