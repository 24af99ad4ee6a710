"""Packages that a worker is asked to make: told by the outbox, in the same commit as the request.

Promises: asking twice is harmless, since `package_making` lets one worker at a package and a finished one is left alone. A lost message costs
time only: `packages.unfinished` finds what nobody has moved.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kit import outbox

TOPIC = "codegen.package"  # outbox entries: {"package_id": ...}


def put(session: Session, package_id: UUID, *, tenant_id: int, now: datetime) -> None:
    outbox.put(session, tenant_id=tenant_id, topic=TOPIC, payload={"package_id": str(package_id)}, now=now)
