"""A worker in a process of its own that is killed in the middle of a step, after the bytes are written and before anybody is told.

python -m tests.codegen.print_packages.package_worker URL TENANT PACKAGE FOLDER BYTES_MAX STEPS
"""

import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from codegen.print_packages import package_making
from codegen.print_packages.package_files import Digests
from kit.db import make_engine, transaction
from tests.codegen.conftest import KEK, NOW


def die_at(steps: int) -> None:
    synced, fsync = 0, os.fsync

    def fsync_and_die(file: int) -> None:
        nonlocal synced
        synced += 1
        fsync(file)
        if synced == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = fsync_and_die  # type: ignore[assignment]


def main(url: str, tenant: str, package_id: str, folder: str, bytes_max: str, steps: str) -> None:
    die_at(int(steps))
    engine, digests, finished = make_engine(url), Digests(), False
    while not finished:
        with transaction(engine, tenant_id=int(tenant)) as session:
            step = package_making.advance(
                session,
                tenant_id=int(tenant),
                package_id=UUID(package_id),
                digests=digests,
                kek=KEK,
                objects_dir=Path(folder),
                now=NOW,
                bytes_max=int(bytes_max),
            )
        finished = step is None or step.finished


if __name__ == "__main__":
    main(*sys.argv[1:])
