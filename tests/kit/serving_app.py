"""A small application for the tests of kit.serving: says which process answers, and breaks where it is told to."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from kit.serving import Server
from kit.wsgi import PIECE_BYTES, WsgiBridge

# Enough for a start on a busy machine: it counts for the first worker too.
HASTY_S = 3.0
PATIENT_S = 20.0
FOLDER = "SERVING_APP_FOLDER"
# More than the buffers between two processes hold.
LONG_PIECES = 512


def told(what: str) -> bool:
    return (Path(os.environ[FOLDER]) / what).exists()  # noqa: TID251 - how the tests reach a worker


class App:
    def straight(self, scope: dict[str, Any], reply: Callable[..., None]) -> bool:
        if scope["raw_path"] != b"/straight":
            return False
        reply(200, (), str(os.getpid()).encode())
        return True

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "lifespan":
            await receive()
            if told("hanging"):
                await asyncio.Event().wait()
            if told("broken"):
                await send({"type": "lifespan.startup.failed", "message": "as it was told to"})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = str(os.getpid()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})


app = App()


def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Loaded behind a bridge as `wsgi`, which hangs where it is told to."""
    if environ["PATH_INFO"] == "/long":
        start_response("200 OK", [])
        return long()
    body = str(os.getpid()).encode()
    start_response("200 OK", [("content-length", str(len(body)))])
    return [body]


def long() -> Iterator[bytes]:
    try:
        for _ in range(LONG_PIECES):
            yield bytes(PIECE_BYTES)
    finally:
        (Path(os.environ[FOLDER]) / "closed").touch()  # noqa: TID251 - how the tests reach a worker


def __getattr__(name: str) -> Any:
    if name != "wsgi":
        raise AttributeError(name)
    if told("broken"):
        threading.Event().wait()
    return WsgiBridge(wsgi_app, body_bytes_max=1 << 20, threads=2)


if __name__ == "__main__":
    kind, port = sys.argv[1:]
    server = Server(
        f"tests.kit.serving_app:{'wsgi' if kind == 'wsgi' else 'app'}",
        host="127.0.0.1",
        port=int(port),
        workers=int(kind.removeprefix("asgi") or 1) if kind.startswith("asgi") else 1,
        ready_s_max=HASTY_S if told("hasty") else PATIENT_S,
        closing_s=1.0,
    )
    sys.exit(server.run())
