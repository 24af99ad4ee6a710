"""What the edge's workers import (`scanservice.edge.serving`)."""

from kit import log, settings
from kit.clock import SystemClock
from scanservice.edge.app import Edge

log.configure(process="edge")
app = Edge(settings.read, SystemClock())
