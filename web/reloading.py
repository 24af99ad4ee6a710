"""`onemark reload`: fresh processes for a running `onemark up`.

Promises: edge and web replace their workers one by one and refuse nobody; ingester, worker and scheduler end after what they are at and
are started again by the supervisor. Refuses where nothing runs.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from kit import leftovers
from kit.refusals import Conflict

SERVERS: Final = frozenset({"edge", "web"})


class NothingRuns(Conflict):
    code: ClassVar[str] = "nothing_runs"
    says: ClassVar[str] = "No `onemark up` runs with the data folder {folder}."


def reload(run_dir: Path) -> list[str]:
    """The names of the processes that were told."""
    running = leftovers.running(run_dir)
    if not running:
        raise NothingRuns(folder=run_dir.parent)
    for name, pid in running.items():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP if name in SERVERS else signal.SIGTERM)
    return sorted(running)
