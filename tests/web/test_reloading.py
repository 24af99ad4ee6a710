"""`onemark reload` on processes of its own that write down when they were told."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kit import leftovers
from tests import waiting
from web import reloading
from web.reloading import NothingRuns

# Says "ready", then its name and each signal that it was told; ends on SIGTERM.
PROCESS = """
import signal, sys
told = open(sys.argv[2], "a", buffering=1)
def note(number, frame):
    told.write(f"{sys.argv[1]} {signal.Signals(number).name}\\n")
    if number == signal.SIGTERM:
        sys.exit()
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, note)
print("ready", flush=True)
while True:
    signal.pause()
"""
NAMES = ("edge", "ingester", "scheduler", "web", "worker")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """The file in which the processes write; their numbers stand in the record of a supervisor."""
    file = tmp_path / "told"
    with ExitStack() as stack:
        pids = {}
        for name in NAMES:
            command = [sys.executable, "-c", PROCESS, name, str(file)]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            pids[name] = process.pid
        leftovers.write(tmp_path, mark="test", pids=pids)
        yield file


def test_who_reads_the_log_is_renewed_before_who_writes_it(told: Path) -> None:
    assert reloading.reload(told.parent) == sorted(NAMES)
    waiting.until(lambda: len(told.read_text().splitlines()) == len(NAMES), "every process was told")
    lines = told.read_text().splitlines()
    assert set(lines) == {"edge SIGHUP", "web SIGHUP", "ingester SIGTERM", "scheduler SIGTERM", "worker SIGTERM"}
    assert lines.index("ingester SIGTERM") < min(lines.index("edge SIGHUP"), lines.index("web SIGHUP"))


def test_where_nothing_runs_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingRuns):
        reloading.reload(tmp_path)
