"""The database session: one transaction for each request or job, scoped to one tenant.

Promises: `transaction` commits once, at its end, or not at all; the tenant is set inside the transaction, so that row-level
security is the second fence behind every query's own tenant filter. Refuses to guess a tenant: without one, tenant tables look empty.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.orm import DeclarativeBase, Session

STATEMENT_MS_MAX = 60_000
LOCK_MS_MAX = 10_000
IDLE_IN_TRANSACTION_MS_MAX = 120_000
POOL_SIZE = 8
POOL_OVERFLOW = 8
POOL_WAIT_S = 10
CONNECT_S_MAX = 5


class Base(DeclarativeBase):
    """Every table of every package hangs on this one metadata, with names that refusals can look up."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(url: str, *, application: str = "onemark") -> Engine:
    """An engine whose connections carry our limits. `url` starts with `postgresql+psycopg://`."""
    options = (
        f"-c statement_timeout={STATEMENT_MS_MAX} -c lock_timeout={LOCK_MS_MAX} "
        f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS_MAX} -c timezone=UTC"
    )
    return create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        # What a failed statement was given may be a phone number or a password's hash: errors are logged, so they go without it.
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": CONNECT_S_MAX, "application_name": application},
    )


def enter_tenant(session: Session, tenant_id: int) -> None:
    """From here to the end of the transaction the session sees this tenant's rows alone."""
    session.execute(text("SELECT set_config('onemark.tenant', :tenant, true)"), {"tenant": str(tenant_id)})
    session.info["tenant_id"] = tenant_id


@contextmanager
def transaction(engine: Engine, *, tenant_id: int | None) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on any exception, then runs what `after_commit` was given."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        if tenant_id is not None:
            enter_tenant(session, tenant_id)
        yield session


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Runs `action` once, after the running transaction has committed; never when it rolls back."""
    session.info.setdefault("after_commit", []).append(action)


@event.listens_for(Session, "after_commit")
def _run_after_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: nothing is committed yet
    for action in session.info.pop("after_commit", []):
        action()


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(session: Session) -> None:
    if session.in_nested_transaction():
        return  # what was written before the savepoint stands; an action about what is gone finds nothing to do
    session.info.pop("after_commit", None)
