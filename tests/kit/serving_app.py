"""A small application for the tests of kit.asgi_serving and kit.serving: says which process answers, and breaks where it is told to."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kit.asgi_serving import AsgiServer
from kit.serving import Server

HASTY_S = 0.5
PATIENT_S = 20.0
FOLDER = "SERVING_APP_FOLDER"


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


class WsgiApp:
    """Loaded as `wsgi`, which hangs where it is told to."""

    def __call__(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = str(os.getpid()).encode()
        start_response("200 OK", [("content-length", str(len(body)))])
        return [body]


def __getattr__(name: str) -> Any:
    if name != "wsgi":
        raise AttributeError(name)
    if told("broken"):
        threading.Event().wait()
    return WsgiApp()


if __name__ == "__main__":
    kind, port = sys.argv[1:]
    ready_s_max = HASTY_S if told("hasty") else PATIENT_S
    if kind.startswith("asgi"):
        asgi = AsgiServer(
            "tests.kit.serving_app:app",
            host="127.0.0.1",
            port=int(port),
            workers=int(kind.removeprefix("asgi") or 1),
            ready_s_max=ready_s_max,
            closing_s=0.3,
        )
        sys.exit(asgi.run())
    Server(
        "tests.kit.serving_app:wsgi",
        ready_s_max=ready_s_max,
        address="127.0.0.1",
        port=int(port),
        interface="wsgi",
        log_access=False,
    ).run()
