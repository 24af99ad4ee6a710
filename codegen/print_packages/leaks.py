"""Leaks: what a scan says of a list that got out, and whose list it was.

Promises: a scan of a canary, of a void code or of one that was not released yet, while some recipient holds it, is a leak that names
recipient, part and who gave it out. Says nothing of codes that nobody was given, nor of released ones. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from codegen.kinds import Kind
from codegen.lifecycle.ranges import CodeState
from codegen.print_packages.packages import Package


class LeakReason(StrEnum):
    CANARY = "canary"  # nobody ever prints it: somebody copied the list
    VOID = "void"
    INACTIVE = "inactive"  # not printed, or not released: goods are not out yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """`packages` all hold the code, the first print before reprints; each names recipient, part and operator (`requested_by`)."""

    reason: LeakReason
    packages: tuple[Package, ...]


def judged(*, kind: Kind, state: CodeState, given: Sequence[Package]) -> Leak | None:
    """`given` is what `packages.covering` answers for the scanned counter, `kind` and `state` what its range says."""
    reason = reason_of(kind=kind, state=state)
    return None if reason is None or not given else Leak(reason=reason, packages=tuple(given))


def reason_of(*, kind: Kind, state: CodeState) -> LeakReason | None:
    """Why a scan of such a code says that a list got out, whoever had it."""
    if kind is Kind.CANARY:
        return LeakReason.CANARY
    if state is CodeState.VOID:
        return LeakReason.VOID
    return LeakReason.INACTIVE if state in {CodeState.INACTIVE, CodeState.PRINTED} else None
