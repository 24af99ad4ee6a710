"""What a benchmark says: measured samples, their ratio to a control of the same run, and the ceiling aimed at.

Nothing here is asserted. A ratio is made round by round, so that a machine that slows down slows both sides of it.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

PACKAGES = ("uvicorn", "httptools", "granian", "gunicorn", "flask", "redis", "psycopg", "sqlalchemy", "numpy", "cryptography")
FSYNC_TRIES = 50
FSYNC_BYTES = 4096
CPU_INFO = Path("/proc/cpuinfo")
BEGIN = "<!-- figures: written by `python -m bench --write docs/benchmarks.md` -->"
END = "<!-- end of figures -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Repeated samples of one thing, one for each round."""

    what: str
    unit: str
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How one thing compares with its control, round by round; `aim` says where the ratio should be."""

    what: str
    samples: tuple[float, ...]
    aim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer to one question: absolute figures, ratios, and what the reader should know of this very run."""

    title: str
    measured: tuple[Measured, ...]
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...] = ()


class Rounds:
    """Collects samples as rounds go by; every thing is measured once in each round."""

    def __init__(self) -> None:
        self._samples: dict[str, list[float]] = {}
        self._units: dict[str, str] = {}

    def note(self, what: str, unit: str, value: float) -> None:
        self._samples.setdefault(what, []).append(value)
        self._units[what] = unit

    def measured(self) -> tuple[Measured, ...]:
        return tuple(
            Measured(what=what, unit=self._units[what], samples=tuple(samples)) for what, samples in self._samples.items()
        )

    def ratio(self, one: str, control: str, *, aim: str = "", what: str = "") -> Ratio:
        pairs = zip(self._samples[one], self._samples[control], strict=True)
        return Ratio(what=what or f"{one} / {control}", samples=tuple(sample / base for sample, base in pairs), aim=aim)


def elapsed_s(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def core_s(work: Callable[[], object]) -> float:
    """Processor time of this process: what one core needs, whoever else is using the machine."""
    began = time.process_time()
    work()
    return time.process_time() - began


def markdown(report: Report) -> str:
    lines = [f"### {report.title}", "", "| measured | median | least | most | unit |", "|---|--:|--:|--:|---|"]
    lines += [f"| {row.what} | {_three(row.samples)} | {row.unit} |" for row in report.measured]
    lines += ["", "| ratio, round by round | median | least | most | aim |", "|---|--:|--:|--:|---|"]
    lines += [f"| {row.what} | {_three(row.samples)} | {row.aim} |" for row in report.ratios]
    if report.notes:
        lines += ["", *(f"- {note}" for note in report.notes)]
    return "\n".join([*lines, ""])


def _three(samples: Sequence[float]) -> str:
    return " | ".join(_number(value) for value in (median(samples), min(samples), max(samples)))


def _number(value: float) -> str:
    """Three significant digits: the rest is noise."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value / 10**digits) * 10**digits:,}"
    return f"{value:.3g}"


def machine(*, now: datetime, postgres: str, valkey: str, folder: Path) -> str:
    """One line about where and when this was measured; the load average says how much company the run had."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"{now:%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"load average {load:.1f} at the start, fsync of 4 KiB {fsync_ms(folder):.2f} ms (median); "
        f"Python {platform.python_version()}, Valkey {valkey}, PostgreSQL {postgres}, {packages}."
    )


def _processor() -> str:
    if CPU_INFO.exists():
        for line in CPU_INFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def fsync_ms(folder: Path) -> float:
    """How long this disk takes to promise a page: the price of one durable write with nobody to share it."""
    block = bytes(FSYNC_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:

        def once() -> None:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())

        return median(elapsed_s(once) for _ in range(FSYNC_TRIES)) * 1000


def replace_figures(document: Path, figures: str) -> None:
    """Puts a run's figures between the two marks of a document."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{document} has no place for figures: it needs the lines\n{BEGIN}\n{END}")
    document.write_text(f"{before}{BEGIN}\n\n{figures}\n{END}{after}", encoding="utf-8")
