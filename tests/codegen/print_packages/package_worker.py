"""A worker in a process of its own that is killed in the middle of a step, after the bytes are written and before anybody is told.

python -m tests.codegen.print_packages.package_worker URL TENANT PACKAGE FOLDER FSYNCS
"""

import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from codegen.print_packages import package_making
from codegen.print_packages.package_files import JobMemory
from kit.db import make_engine, transaction
from tests.codegen.conftest import KEK, NOW
from tests.codegen.print_packages import small_steps


def die_at(fsyncs: int) -> None:
    synced, fsync = 0, os.fsync

    def fsync_and_die(file: int) -> None:
        nonlocal synced
        synced += 1
        fsync(file)
        if synced == fsyncs:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = fsync_and_die  # type: ignore[assignment]


def main(url: str, tenant: str, package_id: str, folder: str, fsyncs: str) -> None:
    small_steps.take()
    die_at(int(fsyncs))
    engine, memory, finished = make_engine(url), JobMemory(), False
    while not finished:
        with transaction(engine, tenant_id=int(tenant)) as session:
            step = package_making.advance(
                session,
                tenant_id=int(tenant),
                package_id=UUID(package_id),
                memory=memory,
                kek=KEK,
                objects_dir=Path(folder),
                now=NOW,
            )
        finished = step is None or step.finished


if __name__ == "__main__":
    main(*sys.argv[1:])
