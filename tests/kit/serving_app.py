"""A small application for the tests of kit.serving: says which process answers, and breaks where it is told to."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.serving import CLOSING, Server


class App:
    def __init__(self) -> None:
        self.when_ready: Callable[[], None] = lambda: None
        self.closing = False

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "lifespan":
            await receive()
            asyncio.get_running_loop().add_signal_handler(CLOSING, lambda: setattr(self, "closing", True))
            if (Path(sys.argv[-1]) / "broken").exists():
                await asyncio.Event().wait()
            await send({"type": "lifespan.startup.complete"})
            self.when_ready()
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = str(os.getpid()).encode()
        headers = [(b"content-length", str(len(body)).encode())] + [(b"connection", b"close")] * self.closing
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


app = App()

if __name__ == "__main__":
    port, _folder = sys.argv[1:]
    Server(
        "tests.kit.serving_app:app",
        announces_end=True,
        ready_s_max=20.0 if not Path(_folder, "hasty").exists() else 0.5,
        closing_s=0.3,
        address="127.0.0.1",
        port=int(port),
        interface="asgi",
        log_access=False,
    ).run()
