"""Distributors of a brand and the divisions they may sell in.

Promises: `put` makes a distributor what it is told, once or again, and says what that changed. Refuses ids and names that could not be
printed, and divisions that geography does not know.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit.refusals import Invalid, NotFound
from supplychain import geography
from supplychain.models import Distributor as DistributorRow
from supplychain.models import Territory

ID_LENGTH_MAX = 64
NAME_LENGTH_MAX = 200
DIVISIONS_MAX = 5_000  # more than China has counties


class DistributorUnknown(NotFound):
    code = "distributor_unknown"
    says = "There is no distributor {distributor_id!r}."


class DistributorMalformed(Invalid):
    code = "distributor_malformed"
    says = "{field}: {why}."


class Change(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributor:
    """`divisions` are sorted: GB/T 2260 in China, ISO 3166-2 elsewhere."""

    distributor_id: str
    name: str
    divisions: tuple[str, ...]


def checked(*, distributor_id: str, name: str, divisions: Collection[str]) -> Distributor:
    """The distributor that these words describe, or a refusal that names the field."""
    if why := _id_fault(distributor_id):
        raise DistributorMalformed(field="distributor_id", why=why)
    if not name.strip() or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise DistributorMalformed(field="name", why=f"needs 1 to {NAME_LENGTH_MAX} printable characters")
    if len(divisions) > DIVISIONS_MAX:
        raise DistributorMalformed(field="divisions", why=f"{len(divisions)} are more than {DIVISIONS_MAX}")
    for division in divisions:
        if not geography.known(division):
            raise DistributorMalformed(
                field="divisions",
                why=f"{division!r} is neither a six-digit division of GB/T 2260 nor, outside China, a code of ISO 3166-2",
            )
    return Distributor(distributor_id=distributor_id, name=name.strip(), divisions=tuple(sorted(set(divisions))))


def _id_fault(distributor_id: str) -> str:
    if not 0 < len(distributor_id) <= ID_LENGTH_MAX:
        return f"needs 1 to {ID_LENGTH_MAX} characters"
    if not distributor_id.isprintable() or distributor_id != distributor_id.strip():
        return "has characters that cannot be printed, or spaces around it"
    return ""


def put(session: Session, distributor: Distributor, *, tenant_id: int, now: datetime) -> Change:
    return put_all(session, [distributor], tenant_id=tenant_id, now=now)[distributor.distributor_id]


def put_all(session: Session, distributors: Collection[Distributor], *, tenant_id: int, now: datetime) -> Mapping[str, Change]:
    """What became of each, by id. A distributor that is there already takes the new name and territory.

    All of the brand's distributors are read: a brand has thousands of them, not millions.
    """
    before = {known.distributor_id: known for known in everybody(session, tenant_id=tenant_id)}
    changes = {wanted.distributor_id: _change(before.get(wanted.distributor_id), wanted) for wanted in distributors}
    touched = [wanted for wanted in distributors if changes[wanted.distributor_id] is not Change.SAME]
    rows = [
        {"tenant_id": tenant_id, "distributor_id": wanted.distributor_id, "name": wanted.name, "created_at": now}
        for wanted in sorted(touched, key=lambda wanted: wanted.distributor_id)
    ]
    if rows:
        statement = insert(DistributorRow)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "distributor_id"], set_={"name": statement.excluded.name}
            ),
            rows,
        )
    _put_territories(session, touched, before, tenant_id=tenant_id)
    return changes


def find(session: Session, distributor_id: str, *, tenant_id: int) -> Distributor:
    row = session.get(DistributorRow, (tenant_id, distributor_id))
    if row is None:
        raise DistributorUnknown(distributor_id=distributor_id)
    return Distributor(
        distributor_id=distributor_id, name=row.name, divisions=territory(session, distributor_id, tenant_id=tenant_id)
    )


def everybody(session: Session, *, tenant_id: int) -> tuple[Distributor, ...]:
    """The brand's distributors by id, with their territories."""
    divisions: dict[str, list[str]] = {}
    for distributor_id, division in session.execute(
        select(Territory.distributor_id, Territory.division).where(Territory.tenant_id == tenant_id).order_by(Territory.division)
    ):
        divisions.setdefault(distributor_id, []).append(division)
    rows = session.execute(
        select(DistributorRow.distributor_id, DistributorRow.name)
        .where(DistributorRow.tenant_id == tenant_id)
        .order_by(DistributorRow.distributor_id)
    )
    return tuple(
        Distributor(distributor_id=distributor_id, name=name, divisions=tuple(sorted(divisions.get(distributor_id, ()))))
        for distributor_id, name in rows
    )


def ids(session: Session, *, tenant_id: int) -> frozenset[str]:
    return frozenset(session.scalars(select(DistributorRow.distributor_id).where(DistributorRow.tenant_id == tenant_id)))


def territory(session: Session, distributor_id: str, *, tenant_id: int) -> tuple[str, ...]:
    divisions = session.scalars(
        select(Territory.division).where(Territory.tenant_id == tenant_id, Territory.distributor_id == distributor_id)
    )
    return tuple(sorted(divisions))


def _change(before: Distributor | None, wanted: Distributor) -> Change:
    if before is None:
        return Change.NEW
    return Change.SAME if before == wanted else Change.CHANGED


def _put_territories(
    session: Session, touched: Iterable[Distributor], before: Mapping[str, Distributor], *, tenant_id: int
) -> None:
    added: list[dict[str, object]] = []
    for wanted in touched:
        known = before.get(wanted.distributor_id)
        had = frozenset(known.divisions if known else ())
        lost = had - set(wanted.divisions)
        if lost:
            session.execute(
                delete(Territory).where(
                    Territory.tenant_id == tenant_id,
                    Territory.distributor_id == wanted.distributor_id,
                    Territory.division.in_(lost),
                )
            )
        added += [
            {"tenant_id": tenant_id, "distributor_id": wanted.distributor_id, "division": division}
            for division in wanted.divisions
            if division not in had
        ]
    if added:
        session.execute(insert(Territory).on_conflict_do_nothing(), added)
