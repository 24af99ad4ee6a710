"""Trace ids by W3C Trace Context: one request can be followed through all processes, and into those of whoever called us.

Promises: an id that came in a sound `traceparent` is kept, else one is made; what we pass on names us as the parent. Refuses nothing: a
header that is not sound is as if it had not come (section 3.2 of the recommendation). Sampling is the caller's affair: its flags are kept.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Final

HEADER: Final = "traceparent"
# Version ff is forbidden; later versions may add members behind a dash, and are read like version 00.
_SOUND: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`trace_id`: 32 hexadecimal digits, the same in every process."""

    trace_id: str
    flags: str = _SAMPLED

    def onward(self) -> str:
        """The header for whom we ask next, with a span of our own."""
        return f"00-{self.trace_id}-{secrets.token_hex(8)}-{self.flags}"


def of(header: str) -> Trace:
    return given(header) or Trace(trace_id=secrets.token_hex(16))


def given(header: str) -> Trace | None:
    """None where none came, or none that is sound."""
    sound = _SOUND.fullmatch(header)
    if sound is None or (sound[1] == "00" and sound[4]):
        return None
    return Trace(trace_id=sound[2], flags=sound[3])
