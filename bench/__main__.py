"""`python -m bench`: every question, or those that are named; `--write FILE` puts the figures into a document."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from bench import figures, ground, ingest, issue, labels, packages, pages, render, scale, scan
from bench.figures import Report
from bench.ground import Ground

ROUNDS = 5


class Question(Protocol):
    def __call__(self, ground: Ground, *, rounds: int) -> Report: ...


QUESTIONS: Mapping[str, Question] = {
    "issue": issue.run,
    "render": render.run,
    "packages": packages.run,
    "labels": labels.run,
    "scan": scan.run,
    "pages": pages.run,
    "scale": scale.run,
    "ingest": ingest.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"{', '.join(QUESTIONS)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each thing is measured (default: %(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the figures in this document; needs all questions")
    given = parser.parse_args()
    chosen = given.questions or list(QUESTIONS)
    unknown = set(chosen) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}")
    if given.write and set(chosen) != set(QUESTIONS):
        parser.error("--write replaces all figures by those of one run: name no questions")
    text = "\n".join(measure(chosen, rounds=given.rounds, say=lambda part: print(part, flush=True)))
    if given.write:
        figures.replace_figures(given.write, text)


def measure(names: list[str], *, rounds: int, say: Callable[[str], None]) -> list[str]:
    """Each question on servers of its own, so that none finds the caches and logs of another."""
    parts: list[str] = []
    for name in names:
        with ground.prepared() as place:
            if not parts:
                parts.append(ground.described(place) + "\n")
                say(parts[0])
            parts.append(figures.markdown(QUESTIONS[name](place, rounds=rounds)))
            say(parts[-1])
    return parts


if __name__ == "__main__":
    main()
