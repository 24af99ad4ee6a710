"""The edge behind its server. Imports nothing of the edge itself: that is the worker's, and a start that imports it twice takes twice as long."""

from granian.constants import HTTPModes, Interfaces, Loops

from kit.serving import Server

TARGET = "scanservice.edge.asgi:app"
BACKLOG = 2048


def serve(*, host: str, port: int, workers: int = 1, target: str = TARGET) -> None:
    """Serves scans on the public port. The lifespan of the application refuses to start on a Redis that could lose scans."""
    Server(
        target,
        announces_end=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        workers=workers,
        websockets=False,
        backlog=BACKLOG,
        log_access=False,
    ).run()
