"""The supervisor: restarts, output under names, stopping in order, and nothing left behind."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from kit import daemons, leftovers
from kit.processes import AlreadyRunning, Patience, Process, Supervisor
from tests.waiting import until

ROOT = Path(__file__).parents[2]
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
HASTY = Patience(restart_first_s=0.01, restart_s_max=0.04, stop_s_max=10.0)

# A supervisor of its own: argv is the run folder, then one shell script for each child.
SUPERVISOR = """
import sys
from pathlib import Path
from kit.processes import Process, Supervisor
children = [
    Process(name=f"child{n}", argv=["bash", "-c", script], env={"PATH": "/usr/local/bin:/usr/bin:/bin"})
    for n, script in enumerate(sys.argv[2:])
]
Supervisor(children, run_dir=Path(sys.argv[1]), out=sys.stdout).run()
print("all stopped", flush=True)
"""


class Page(io.StringIO):
    """Output that calls back at each line, so that a test acts at the right moment."""

    def __init__(self, at: Callable[[str], None] = lambda _line: None) -> None:
        super().__init__()
        self._at = at

    def write(self, text: str) -> int:
        written = super().write(text)
        self._at(text.rstrip("\n"))
        return written

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


def script(name: str, text: str) -> Process:
    return Process(name=name, argv=["bash", "-c", text], env=ENV)


def supervise(
    processes: Sequence[Process],
    run_dir: Path,
    *,
    at: Callable[[Supervisor, str], None],
    patience: Patience = HASTY,
    **hooks: object,
) -> list[str]:
    """Runs until `at`, called with each line of output, stops it."""
    supervisor: Supervisor
    page = Page(lambda line: at(supervisor, line))
    supervisor = Supervisor(processes, run_dir=run_dir, out=page, patience=patience, **hooks)  # type: ignore[arg-type]
    supervisor.run()
    return page.lines


@contextmanager
def supervisor_process(run_dir: Path, *scripts: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(run_dir), *scripts],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        yield process


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if text in line)


def marked(run_dir: Path) -> list[psutil.Process]:
    """Children on record, as processes."""
    record = json.loads((run_dir / leftovers.RECORD_FILE).read_bytes())
    return [psutil.Process(child["pid"]) for child in record["children"]]


def stop_at(text: str) -> Callable[[Supervisor, str], None]:
    def at(supervisor: Supervisor, line: str) -> None:
        if text in line:
            supervisor.stop()

    return at


def test_each_line_stands_under_the_name_of_its_process(tmp_path: Path) -> None:
    processes = [script("web", "echo one; echo two >&2; printf three; exit"), script("longer", "exec sleep 1000")]
    lines = supervise(processes, tmp_path, at=stop_at("starting again"))
    assert lines[:4] == [
        "web    | one",
        "web    | two",
        "web    | three",
        "web    | [web] ended with code 0; starting again in 0.01 s.",
    ]


def test_names_are_coloured_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        supervisor = Supervisor(
            [script("web", "echo hello")],
            run_dir=tmp_path,
            out=terminal,
            patience=HASTY,
            on_exit=lambda _name, _code: supervisor.stop(),
        )
        supervisor.run()
        assert os.read(ours, 1000).startswith(b"\x1b[36mweb | \x1b[0mhello")
    os.close(ours)


def test_a_child_that_keeps_ending_is_started_again_after_growing_delays(tmp_path: Path) -> None:
    ends: list[tuple[str, int]] = []
    lines = supervise(
        [script("broken", "exit 3")],
        tmp_path,
        at=lambda supervisor, _line: supervisor.stop() if len(ends) == 4 else None,
        on_exit=lambda name, code: ends.append((name, code)),
    )
    assert [line.rsplit("again in ", 1)[1] for line in lines[:5]] == ["0.01 s.", "0.02 s.", "0.04 s.", "0.04 s.", "0.04 s."]
    assert ends[:4] == [("broken", 3)] * 4


def test_a_child_that_lived_long_begins_with_the_first_delay_again(tmp_path: Path) -> None:
    ends: list[str] = []
    lines = supervise(
        [script("steady", "exit")],
        tmp_path,
        patience=Patience(restart_first_s=0.01, restart_s_max=1.0, steady_after_s=0.0),
        at=lambda supervisor, _line: supervisor.stop() if len(ends) == 2 else None,
        on_exit=lambda name, _code: ends.append(name),
    )
    assert {line.rsplit("again in ", 1)[1] for line in lines} == {"0.01 s."}


def test_a_killed_child_is_told_by_the_name_of_its_signal_and_its_own_children_end(tmp_path: Path) -> None:
    grandchildren: list[int] = []

    def at(supervisor: Supervisor, line: str) -> None:
        if "grandchild" in line and not grandchildren:
            grandchildren.append(int(line.rsplit(" ", 1)[1]))
            os.kill(supervisor.pids()["parent"], signal.SIGKILL)
        if "ended by SIGKILL" in line:
            supervisor.stop()

    lines = supervise([script("parent", "sleep 1000 & echo grandchild $!; wait")], tmp_path, at=at)
    assert "parent | [parent] ended by SIGKILL; starting again in 0.01 s." in lines
    until(lambda: not psutil.pid_exists(grandchildren[0]) or daemons.has_ended(psutil.Process(grandchildren[0])), "its end")


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    lines = supervise([Process(name="gone", argv=["/no/such/program"], env=ENV)], tmp_path, at=stop_at("starting again"))
    assert lines[0] == "gone | /no/such/program: No such file or directory"


def test_children_are_asked_to_end_in_reverse_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    pids: list[int] = []
    kill = os.kill

    def note(pid: int, number: int) -> None:
        asked.append(pid)
        kill(pid, number)

    def at(supervisor: Supervisor, line: str) -> None:
        pids[:] = supervisor.pids().values()
        if len(pids) == 3:
            supervisor.stop()

    monkeypatch.setattr("kit.processes.os.kill", note)
    supervise([script(name, "while echo here; do sleep 0.01; done") for name in ("first", "second", "last")], tmp_path, at=at)
    assert asked == pids[::-1]


def test_a_child_that_does_not_listen_is_killed_when_patience_ends(tmp_path: Path) -> None:
    lines = supervise(
        [script("deaf", "trap '' TERM; echo ready; while :; do sleep 1000; done")],
        tmp_path,
        patience=Patience(stop_s_max=0.05),
        at=stop_at("ready"),
    )
    assert lines[-1] == "deaf | [deaf] did not end when asked, and is killed."


def test_a_replaced_child_starts_at_once_with_its_new_environment(tmp_path: Path) -> None:
    def at(supervisor: Supervisor, line: str) -> None:
        if line == "web | at old":
            supervisor.replace(Process(name="web", argv=["bash", "-c", text], env={**ENV, "PLACE": "new"}))
        if line == "web | at new":
            supervisor.stop()

    text = "echo at $PLACE; exec sleep 1000"
    never = Patience(restart_first_s=1000.0, restart_s_max=1000.0)
    lines = supervise(
        [Process(name="web", argv=["bash", "-c", text], env={**ENV, "PLACE": "old"})], tmp_path, at=at, patience=never
    )
    assert lines == ["web | at old", "web | [web] starting again with new settings.", "web | at new"]


def test_the_tick_comes_again_and_again_and_its_failure_stops_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.processes.TICK_S", 0.02)
    pids: list[int] = []

    def tick() -> None:
        pids.extend(supervisor.pids().values())
        if len(pids) == 2:
            raise RuntimeError("no more")

    supervisor = Supervisor([script("web", "exec sleep 1000")], run_dir=tmp_path, out=io.StringIO(), tick=tick)
    with pytest.raises(RuntimeError, match="no more"):
        supervisor.run()
    assert pids[0] == pids[1]
    assert not psutil.pid_exists(pids[0])


def test_a_line_without_end_is_passed_on_in_pieces(tmp_path: Path) -> None:
    lines = supervise(
        [script("loud", "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end; exec sleep 1000")], tmp_path, at=stop_at("end")
    )
    assert len(lines) > 3
    assert "".join(line.removeprefix("loud | ") for line in lines) == "x" * 300_000 + "end"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with supervisor_process(tmp_path, "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done") as process:
        read_until(process, "ready")
        children = marked(tmp_path)
        process.send_signal(number)
        rest = process.communicate()[0]
    assert process.returncode == 0
    assert rest.splitlines()[-2:] == ["child0 | bye", "all stopped"]
    assert not any(child.is_running() for child in children)
    assert not (tmp_path / leftovers.RECORD_FILE).exists()


def test_the_terminals_ctrl_c_does_not_reach_the_children(tmp_path: Path) -> None:
    with supervisor_process(
        tmp_path, "trap 'echo interrupted' INT; trap 'exit' TERM; echo ready; while :; do sleep 0.01; done"
    ) as process:
        read_until(process, "ready")
        assert os.getsid(marked(tmp_path)[0].pid) != os.getsid(process.pid)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        assert "interrupted" not in process.communicate()[0]


def test_a_second_ctrl_c_cuts_the_waiting_short(tmp_path: Path) -> None:
    with supervisor_process(tmp_path, "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done") as process:
        read_until(process, "ready")
        process.send_signal(signal.SIGINT)
        read_until(process, "asked")
        process.send_signal(signal.SIGINT)
        assert "is killed" in process.communicate()[0]


def test_children_of_a_killed_supervisor_end_by_themselves(tmp_path: Path) -> None:
    with supervisor_process(tmp_path, "echo ready; exec sleep 1000") as process:
        read_until(process, "ready")
        children = marked(tmp_path)
        process.kill()
        until(lambda: all(daemons.has_ended(child) for child in children), "the end of the children")


def test_what_a_killed_supervisor_left_is_ended_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.leftovers.ENDING_S_MAX", 0.05)
    deaf = "trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & echo grandchild $!; while :; do sleep 0.05; done"
    with supervisor_process(tmp_path, deaf) as process:
        grandchild = int(read_until(process, "grandchild").rsplit(" ", 1)[1])
        left = [*marked(tmp_path), psutil.Process(grandchild)]
        process.kill()
        process.wait()
        assert all(child.is_running() for child in left)

        lines = supervise([script("next", "echo ready; exec sleep 1000")], tmp_path, at=stop_at("ready"))

        assert lines == ["next | ready"]
        assert all(daemons.has_ended(child) for child in left)


def test_a_stranger_who_bears_an_old_number_lives_on(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "1000"]) as stranger:
        record = {"mark": "x" * 16, "children": [{"name": "web", "pid": stranger.pid, "started_at": 1_000_000.0}]}
        (tmp_path / leftovers.RECORD_FILE).write_text(json.dumps(record))
        assert leftovers.end(tmp_path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_record_cut_short_by_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / leftovers.RECORD_FILE).write_text('{"mark": "x')
    assert leftovers.end(tmp_path) == []


def test_a_second_supervisor_of_the_folder_is_refused(tmp_path: Path) -> None:
    with supervisor_process(tmp_path, "echo ready; exec sleep 1000") as process:
        read_until(process, "ready")
        with pytest.raises(AlreadyRunning):
            Supervisor([], run_dir=tmp_path, out=io.StringIO()).run()
        assert all(child.is_running() for child in marked(tmp_path))
        process.terminate()
        process.communicate()


def test_a_reader_that_went_away_stops_everything(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w")
    Supervisor([script("web", "echo hello; exec sleep 1000")], run_dir=tmp_path, out=out).run()
    with pytest.raises(BrokenPipeError):
        out.close()


def test_two_processes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same name"):
        Supervisor([script("web", ""), script("web", "")], run_dir=tmp_path, out=io.StringIO())


def test_signal_handlers_are_as_before_afterwards(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)]
    supervise([script("web", "echo ready; exec sleep 1000")], tmp_path, at=stop_at("ready"))
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)]
