"""What an ASGI server imports: `granian --interface asgi scanservice.edge.asgi:app`."""

from kit import log, settings
from kit.clock import SystemClock
from scanservice.edge.app import Edge

log.configure(process="edge")
app = Edge(settings.read, SystemClock())
