"""The edge behind its server. Imports nothing of the edge itself: that is the workers', and a start that imports it twice takes twice as long."""

import sys

from kit import log
from kit.serving import Server

TARGET = "scanservice.edge.asgi:app"


def serve(*, host: str, port: int, workers: int = 1, target: str = TARGET) -> None:
    """Serves scans on the public port. The lifespan of the application refuses to start on a Redis that could lose scans."""
    log.configure(process="edge")
    sys.exit(Server(target, host=host, port=port, workers=workers).run())
