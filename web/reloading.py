"""`onemark reload`: fresh processes for a running `onemark up`.

Promises: edge and web replace their workers one by one and refuse nobody; ingester, worker and scheduler end after what they are at and
are started again by the supervisor. Who reads the scan log is told first, because older entries are understood for ever and newer ones
only by newer readers. Refuses where nothing runs.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import psutil

from kit import leftovers
from kit.refusals import Conflict

SERVERS: Final = frozenset({"edge", "web"})
READER: Final = "ingester"
# For the batch that an ingester is at.
READER_S_MAX: Final = 30.0


class NothingRuns(Conflict):
    code: ClassVar[str] = "nothing_runs"
    says: ClassVar[str] = "No `onemark up` runs with the data folder {folder}."


class ReaderBusy(Conflict):
    code: ClassVar[str] = "reader_busy"
    says: ClassVar[str] = (
        "The ingester has not ended within {seconds} seconds, so edge and web were left as they are. See its log, then try again."
    )


def reload(run_dir: Path) -> list[str]:
    """The names of the processes that were told."""
    running = leftovers.running(run_dir)
    if not running:
        raise NothingRuns(folder=run_dir.parent)
    servers = {name: running[name] for name in running if name in SERVERS}
    _tell([pid for name, pid in running.items() if name not in servers], signal.SIGTERM)
    if READER in running:
        try:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(running[READER]).wait(READER_S_MAX)
        except psutil.TimeoutExpired as error:
            raise ReaderBusy(seconds=round(READER_S_MAX)) from error
    _tell(servers.values(), signal.SIGHUP)
    return sorted(running)


def _tell(pids: Iterable[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)
