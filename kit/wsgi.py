"""A WSGI application (PEP 3333) on our ASGI server (`kit.serving`).

Promises: a thread is held while the application works, never while a client sends or reads; of bodies little is in memory, of both
directions; all of one request runs in one context, whichever thread takes it; what the application opened is closed, answered or not.
Refused: bodies above the limit (413). Headers whose names hold `_` stay behind: in WSGI's words X_Forwarded_For is X-Forwarded-For.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import Any, Final
from urllib.parse import unquote_to_bytes

# They share one interpreter: while one waits for the database another works, and more than a few only get in each other's way.
THREADS: Final = 4
BODY_BYTES_IN_MEMORY: Final = 256 << 10
# Sent at once; most answers are shorter, and take one turn.
PIECE_BYTES: Final = 64 << 10
_OF_THIS_HOP: Final = frozenset({b"content-length", b"transfer-encoding"})

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Body = SpooledTemporaryFile[bytes]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiBridge:
    """An ASGI application that hands its requests to a WSGI application, in `threads` threads. Long bodies lie in the folder of `tempfile` meanwhile."""

    def __init__(self, app: WsgiApp, *, body_bytes_max: int, threads: int = THREADS) -> None:
        self._app = app
        self._body_bytes_max = body_bytes_max
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        with SpooledTemporaryFile[bytes](BODY_BYTES_IN_MEMORY) as body:
            try:
                length = await _read(receive, body, bytes_max=self._body_bytes_max)
            except _CutError:
                return
            except _TooLargeError:
                await _refuse(send)
                return
            await self._answer(_Answer(self._app, _environ(scope, body, length)), send)

    async def _answer(self, answer: "_Answer", send: Send) -> None:
        def in_thread(work: Callable[[], bytes]) -> Awaitable[bytes]:
            return asyncio.get_running_loop().run_in_executor(self._threads, answer.run, work)

        try:
            piece = await in_thread(answer.begin)
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await send({"type": "http.response.body", "body": piece, "more_body": not answer.ended})
            while not answer.ended:
                piece = await in_thread(answer.go_on)
                # Where its client has left, this raises.
                await send({"type": "http.response.body", "body": piece, "more_body": not answer.ended})
        finally:
            if not answer.ended:
                # Not waited for: where this was cancelled, a thread may still be at work, and stops behind that.
                self._threads.submit(answer.run, answer.stop)


class _Answer:
    """What the application says, in pieces."""

    def __init__(self, app: WsgiApp, environ: dict[str, Any]) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.ended = False
        self._app = app
        self._environ = environ
        self._context = copy_context()
        self._turn = Lock()
        self._begun = False
        # What it wrote by PEP 3333's older way comes before what it returns.
        self._written: list[bytes] = []
        self._returned: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def run(self, work: Callable[[], bytes]) -> bytes:
        """In whichever thread; one at a time."""
        with self._turn:
            return self._context.run(work)

    def begin(self) -> bytes:
        try:
            self._returned = self._app(self._environ, self._start)
            self._pieces = iter(self._returned)
        except BaseException:
            self.stop()
            raise
        piece = self.go_on()
        if not self.status:
            self.stop()
            raise RuntimeError("the application gave no status")
        self._begun = True
        return piece

    def go_on(self) -> bytes:
        """At least PIECE_BYTES, or the rest."""
        gathered, self._written = self._written, []
        size = sum(map(len, gathered))
        try:
            while size < PIECE_BYTES:
                piece = next(self._pieces, None)
                if piece is None:
                    self.stop()
                    break
                gathered.append(piece)
                size += len(piece)
        except BaseException:
            self.stop()
            raise
        return b"".join(gathered)

    def stop(self) -> bytes:
        """No more is wanted, or comes."""
        if not self.ended:
            self.ended = True
            getattr(self._returned, "close", lambda: None)()
        return b""

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is not None and self._begun:
            raise exc_info[1]
        if self.status and exc_info is None:
            raise RuntimeError("an answer has one status")
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._written.append


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


class _CutError(Exception):
    """Its client went away before it had sent all."""


class _TooLargeError(Exception):
    pass


async def _read(receive: Receive, body: Body, *, bytes_max: int) -> int:
    """Its length."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _CutError
        piece = message.get("body", b"")
        length += len(piece)
        if length > bytes_max:
            raise _TooLargeError
        if length > BODY_BYTES_IN_MEMORY:
            await asyncio.to_thread(body.write, piece)
        else:
            body.write(piece)
        if not message.get("more_body"):
            body.seek(0)
            return length


async def _refuse(send: Send) -> None:
    """Said by the edge in better words; this is for whoever comes past it."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _environ(scope: Message, body: Body, length: int) -> dict[str, Any]:
    host, port = scope["server"]
    address, its_port = scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # Bytes in the clothes of characters, as PEP 3333 wants it.
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": address,
        "REMOTE_PORT": str(its_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name in _OF_THIS_HOP:
            continue
        key = _name(name)
        said = value.decode("latin-1")
        environ[key] = f"{environ[key]}{'; ' if name == b'cookie' else ','}{said}" if key in environ else said
    # What came, whatever was announced.
    environ["CONTENT_LENGTH"] = str(length)
    return environ


def _name(header: bytes) -> str:
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"
