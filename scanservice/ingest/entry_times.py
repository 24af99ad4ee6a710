"""When an edge recorded an entry of the scan log, by that edge's clock.

Promises: true to a minute. A scan that a device reports late carries the device's time, up to thirty days back; the edge has marked by how
much, and both together are the edge's own time. Delays of less than a minute are not marked. An entry that cannot be read, or that names no
time of our calendar, says nothing of its age: None, which is neither old nor young.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from scanservice.hot import log as scan_log
from scanservice.hot import pin_log
from scanservice.hot.log import Sighting

# As the edge marks it (scanservice.edge.devices).
LATE: Final = "reported_late_s"


def at(fields: Mapping[bytes, bytes]) -> datetime | None:
    try:
        if pin_log.ENTRY_FIELD in fields:
            return pin_log.at(pin_log.read(fields).entry)
        sighting = scan_log.decode(fields[scan_log.ENTRY_FIELD])
        return datetime.fromtimestamp(sighting.at_ms / 1000 + _late_s(sighting), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _late_s(sighting: Sighting) -> int:
    return next((mark.value for mark in sighting.visit.marks if mark.code == LATE and isinstance(mark.value, int)), 0)
