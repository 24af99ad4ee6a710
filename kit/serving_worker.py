"""One worker of `kit.serving`: `python -m kit.serving_worker`, with its orders as JSON in the last argument.

Promises: it says on its pipe when its application is ready and it accepts connections; on CLOSING each answer asks its client to open a
new connection, on SIGTERM it accepts no more, finishes what is under way within STOP_S_MAX, and ends. It ends too when its server is gone.
"""

import asyncio
import importlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import uvicorn

from kit import collecting, http_protocol
from kit.http_protocol import SWEEP_EVERY_S, HttpProtocol
from kit.http_straight import CONNECTIONS_MAX, State
from kit.serving import CLOSING, STOP_S_MAX, Orders

TICK_S: Final = 0.1
# For a request on its way. Browsers connect ahead of need, and would be waited for in vain.
FIRST_REQUEST_S_MAX: Final = 1.0
FIRST_REQUEST_LOOK_S: Final = 0.01
# Connections to the web process and to the servers behind it, uploads, logs.
OWN_FILES_MAX: Final = 1_000
_FIRST_REQUEST_LOOKS: Final = round(FIRST_REQUEST_S_MAX / FIRST_REQUEST_LOOK_S)
_TICKS_TO_SWEEP: Final = round(SWEEP_EVERY_S / TICK_S)


class Worker(uvicorn.Server):
    server_state: State

    def __init__(self, config: uvicorn.Config, *, ready: int) -> None:
        super().__init__(config)
        self.server_state = State(getattr(config.app, "straight", None), connections_max=_connections_max())
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collecting.settle()
        asyncio.get_running_loop().add_signal_handler(CLOSING, self.close_connections)
        os.write(self._ready, b"!")
        os.close(self._ready)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM alone: a Ctrl-C in the terminal reaches the server too, which ends its workers in order."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_TO_SWEEP == 0:
            http_protocol.sweep(self.server_state.connections, now_s=asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which closes the connections that were accepted last without reading the requests that they bring."""
        for server in self.servers:
            server.close()
        self.close_connections()
        for _ in range(_FIRST_REQUEST_LOOKS):
            # The first turn brings in those that the kernel had handed over already.
            await asyncio.sleep(FIRST_REQUEST_LOOK_S)
            if not any(connection.is_promised for connection in self.server_state.connections):
                break
        await super().shutdown(sockets)

    def close_connections(self) -> None:
        self.server_state.closing = True


def run(orders: Orders) -> None:
    listening = socket.socket(fileno=orders.listening)
    # Whoever sends what is no HTTP would else fill the log, a line for each connection.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        _loaded(orders.target),
        interface="asgi3",
        http=HttpProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        backlog=orders.backlog,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S_MAX,
    )
    Worker(config, ready=orders.ready).run(sockets=[listening])


def _connections_max() -> int:
    """As many as the system lets this process have open files, which is first raised to what it may be, less those of our own."""
    _, files_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files_max == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    return min(CONNECTIONS_MAX, files_max - min(OWN_FILES_MAX, files_max // 2))


def _loaded(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    collecting.put_off()
    run(msgspec.json.decode(sys.argv[-1], type=Orders))
