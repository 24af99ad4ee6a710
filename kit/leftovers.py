"""What a killed supervisor left running: written down while it lives, ended at the next start.

Promises to end our own alone: a child is known by its number and its start time, and what a child had started itself by a mark
that both carry in their environment. A stranger who was given an old number lives on.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from kit import daemons

RECORD_FILE = "processes.json"
MARK = "KIT_SUPERVISED_BY"
ENDING_S_MAX = 10.0
START_TIME_TOLERANCE_S = 1.0  # psutil derives start times from the wall clock, which may have been corrected since


class LeftOver(msgspec.Struct, frozen=True, kw_only=True):
    """A child as the record file knows it, so that the next supervisor can tell it from a stranger with the same number."""

    name: str
    pid: int
    started_at: float


class Record(msgspec.Struct, frozen=True, kw_only=True):
    mark: str
    children: tuple[LeftOver, ...]


def write(run_dir: Path, *, mark: str, pids: Mapping[str, int]) -> None:
    """Replaces the record by the children that run now."""
    children = []
    for name, pid in pids.items():
        with suppress(psutil.NoSuchProcess):
            children.append(LeftOver(name=name, pid=pid, started_at=psutil.Process(pid).create_time()))
    draft = run_dir / f"{RECORD_FILE}.draft"
    draft.write_bytes(msgspec.json.encode(Record(mark=mark, children=tuple(children))))
    draft.replace(run_dir / RECORD_FILE)


def forget(run_dir: Path) -> None:
    (run_dir / RECORD_FILE).unlink(missing_ok=True)


def running(run_dir: Path) -> dict[str, int]:
    """Names and numbers of the children that a living supervisor of this folder has."""
    try:
        record = msgspec.json.decode((run_dir / RECORD_FILE).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
    found = {}
    for left in record.children:
        with suppress(psutil.Error):
            if abs(psutil.Process(left.pid).create_time() - left.started_at) < START_TIME_TOLERANCE_S:
                found[left.name] = left.pid
    return found


def end(run_dir: Path) -> list[str]:
    """Ends what a killed supervisor of this folder left running, and returns the names. Strangers with the same number live on."""
    try:
        record = msgspec.json.decode((run_dir / RECORD_FILE).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return []
    names = {left.pid: left.name for left in record.children}
    ours = [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_left_over(process, record)]
    for process in ours:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    daemons.end(ours, patience_s=ENDING_S_MAX)
    forget(run_dir)
    return sorted({names[process.pid] for process in ours if process.pid in names})


def _is_left_over(process: psutil.Process, record: Record) -> bool:
    """A child by its number and start time; what a child had started itself by the mark in its environment."""
    with suppress(psutil.Error, OSError):
        if any(
            left.pid == process.pid and abs(process.create_time() - left.started_at) < START_TIME_TOLERANCE_S
            for left in record.children
        ):
            return True
        marked: bool = process.environ().get(MARK) == record.mark
        return marked
    return False
