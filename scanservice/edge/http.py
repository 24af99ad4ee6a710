"""HTTP as the edge needs it: a request read once from its ASGI scope, an answer written in two messages.

Promises: header names are lower-case bytes; a body is read whole only up to a limit that the caller names; host, scheme and
client address come from forwarding headers only when a trusted proxy sent them. Refused: bodies above the limit (413), bodies that
break off (400) and bodies that do not arrive in time (408), whatever length was announced.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from kit import traces
from kit.refusals import Malformed, Refusal, TooLarge, problem
from scanservice import visitors
from scanservice.edge import pages
from scanservice.visitors import Address, IpNetwork

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
HTML: Final = (b"content-type", b"text/html; charset=utf-8")
NO_STORE: Final = (b"cache-control", b"no-store")
RETRY_S: Final = 2
BODY_S_MAX: Final = 20
HOST_CHARS_MAX: Final = 255
LENGTH_DIGITS_MAX: Final = 18
# What the JSON reader raises for a body that is not what was asked for, or is nested deeper than anybody reads.
NOT_READ: Final = (msgspec.DecodeError, RecursionError)
# RFC 9110 section 8.6: what has no content has no length.
_WITHOUT_CONTENT: Final = frozenset({204, 304})
_SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"),
)


class BodyTooLarge(TooLarge):
    code: ClassVar[str] = "body_too_large"
    says: ClassVar[str] = "The body of this request may have at most {bytes_max} bytes."


class BodyCut(Malformed):
    code: ClassVar[str] = "body_cut"
    says: ClassVar[str] = "The body of this request broke off."


class BodyLate(Malformed):
    code: ClassVar[str] = "body_late"
    status: ClassVar[int] = 408
    says: ClassVar[str] = "The body of this request did not arrive within {seconds_max} seconds."


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes = b""


class Request:
    """One request. `path` is raw: percent-encoded bytes."""

    __slots__ = ("_trusted", "headers", "method", "path", "query", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive | None = None, *, trusted: Sequence[IpNetwork]) -> None:
        """Without `receive` it has no body."""
        self.scope = scope
        self.receive = receive or _no_body
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._trusted = trusted

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def peer(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def forwarded(self) -> bool:
        """Did a trusted proxy send this?"""
        return visitors.is_proxy(self.peer, self._trusted)

    @property
    def address_text(self) -> str:
        peer = self.peer
        if self._trusted and b"x-forwarded-for" in self.headers and self.forwarded:
            return visitors.forwarded_for(self.header(b"x-forwarded-for"), self._trusted, peer=peer)
        return peer

    @property
    def address(self) -> Address:
        return visitors.address(self.address_text)

    @property
    def scheme(self) -> str:
        if self._trusted and b"x-forwarded-proto" in self.headers and self.forwarded:
            return "https" if self.headers[b"x-forwarded-proto"] == b"https" else "http"
        return str(self.scope["scheme"])

    @property
    def host(self) -> str:
        """The Host header, with its port."""
        if self._trusted and b"x-forwarded-host" in self.headers and self.forwarded:
            host = self.header(b"x-forwarded-host")
        else:
            host = self.header(b"host")
        # Nobody's is longer, and hosts are remembered.
        return host if len(host) <= HOST_CHARS_MAX else ""

    @property
    def target(self) -> bytes:
        """Path and query as they came."""
        return self.path + b"?" + self.query if self.query else self.path

    @property
    def accept(self) -> bytes:
        return self.headers.get(b"accept", b"")

    @property
    def trace(self) -> bytes:
        """The caller's own trace id, packed; empty where it sent none."""
        header = self.headers.get(b"traceparent")
        found = None if header is None else traces.given(header.decode("latin-1"))
        return b"" if found is None else bytes.fromhex(found.trace_id)

    @property
    def wants_json(self) -> bool:
        accept = self.accept
        return b"application/json" in accept and b"text/html" not in accept

    @property
    def wants_html(self) -> bool:
        return b"text/html" in self.accept

    async def body(self, *, bytes_max: int) -> bytes:
        try:
            async with asyncio.timeout(BODY_S_MAX):
                return b"".join([piece async for piece in self.pieces(bytes_max=bytes_max)])
        except TimeoutError as late:
            raise BodyLate(seconds_max=BODY_S_MAX) from late

    async def pieces(self, *, bytes_max: int) -> AsyncIterator[bytes]:
        """The body as it comes, for who does not want it whole."""
        self.require_length(bytes_max=bytes_max)
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise BodyCut
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > bytes_max:
                raise BodyTooLarge(bytes_max=bytes_max)
            if piece:
                yield piece
            if not message.get("more_body"):
                return

    def require_length(self, *, bytes_max: int) -> None:
        """Refuses by the length that the client announces, if it does; what comes is counted besides."""
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and (len(declared) > LENGTH_DIGITS_MAX or int(declared) > bytes_max):
            raise BodyTooLarge(bytes_max=bytes_max)


async def _no_body() -> Message:
    return {"type": "http.request", "body": b""}


async def send(answer: Answer, send: Send, *, head: bool = False) -> None:
    headers = [*answer.headers]
    if answer.status not in _WITHOUT_CONTENT:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


def json(status: int, value: object, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, (JSON, NO_STORE, *headers), msgspec.json.encode(value))


def redirect(status: int, location: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, ((b"location", location), NO_STORE, *headers))


def refused(refusal: Refusal, request: Request, headers: Iterable[tuple[bytes, bytes]] = ()) -> Answer:
    """A page in words for people, a problem document (RFC 9457) for programs."""
    extra = [*headers, NO_STORE]
    retry_s = refusal.data.get("retry_after_s", RETRY_S if refusal.status == 503 else None)  # noqa: PLR2004
    if retry_s is not None:
        extra.append((b"retry-after", str(retry_s).encode()))
    if request.wants_html:
        return Answer(refusal.status, (HTML, *_SAFE, *extra), pages.refusal(refusal, language=request.header(b"accept-language")))
    document = problem(refusal, instance=request.path.decode("latin-1"))
    return Answer(refusal.status, (PROBLEM, *extra), msgspec.json.encode(document))
