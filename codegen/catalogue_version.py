"""The number that tells edges that what they hold in memory is old: one for the instance, growing with each change they must hear of.

Promises: the number grows in the same commit as the change, once for each transaction and at its very end, so that the one row that
all brands share is locked for an instant only and always last. After the commit the border's own `TELL`, if it set one in `session.info`,
is called with the new number. An edge that was not told finds out by asking.
"""

from collections.abc import Callable

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from codegen.models import CatalogueVersion
from kit.db import after_commit

TELL = "catalogue_changed"  # session.info key of a Tell
_GROWS = "catalogue_grows"

Tell = Callable[[int], None]


def current(session: Session) -> int:
    return session.execute(select(CatalogueVersion.version)).scalar_one()


def grow(session: Session) -> None:
    """Marks the running transaction as one that edges must hear of."""
    session.info[_GROWS] = True


@event.listens_for(Session, "before_commit")
def _grow_before_commit(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.pop(_GROWS, False):
        return
    session.flush()
    version = session.execute(
        update(CatalogueVersion).values(version=CatalogueVersion.version + 1).returning(CatalogueVersion.version)
    ).scalar_one()
    tell: Tell | None = session.info.get(TELL)
    if tell is not None:
        after_commit(session, lambda: tell(version))


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(session: Session) -> None:
    session.info.pop(_GROWS, None)
