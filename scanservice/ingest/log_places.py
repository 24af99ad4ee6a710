"""Where an ingester stands in a partition of the log."""

from dataclasses import dataclass
from typing import Final

from scanservice.hot import generations

_SEQUENCE_LAST: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the log of one partition: the last entry that was stored."""

    partition: int
    generation: int
    sequence: int

    @property
    def after(self) -> str:
        """For XREAD: entries behind this id."""
        if self.sequence == generations.BEFORE_FIRST:
            return f"{self.generation - 1}-{_SEQUENCE_LAST}"
        return f"{self.generation}-{self.sequence}"
