"""API keys: by which an app, a shop's till, a hand scanner or a factory reports scans, and what each may say.

Promises: a key is shown once, when it is made; a revoked key is refused by every edge from its next scan on; what a key may say is
a list of scopes, and a scan in another role than the key's is refused. Refused: keys without scope, and a second key of one name.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version
from codegen.audit import Action
from kit import chance
from kit.refusals import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from scanservice import models
from scanservice.verdicts import Role

PREFIX: Final = "omk_"
SECRET_BYTES: Final = 32
SHOWN_CHARS: Final = 8
NAME_LENGTH_MAX: Final = 80
SCANS_PER_S: Final = 200
SCANS_PER_S_MAX: Final = 100_000
KEYS_MAX: Final = 200


class Scope(StrEnum):
    """What a key may do. Stable words: they stand in configurations of devices."""

    SCAN = "scan"  # as consumers: an app or mini-program that names its users by `visitor_id`
    SHOP = "scan.shop"  # as a shop: tills and sales people
    STAFF = "scan.staff"  # as the brand's own: warehouses, lines, inspectors
    OFFLINE = "scan.offline"  # with the time at which the device read the code


class KeyNameMalformed(Invalid):
    code = "key_name_malformed"
    says = "A key needs a name of 1 to {length_max} printable characters."


class KeyNameTaken(Conflict):
    code = "key_name_taken"
    says = "There is a key named {name!r} already. Revoke it, or choose another name."


class ScopesMissing(Invalid):
    code = "scopes_missing"
    says = "Say what the key may do: {scopes}."


class RateOutside(Invalid):
    code = "key_rate_outside"
    says = "A key may report 1 to {rate_max} scans a second."


class TooManyKeys(Conflict):
    code = "too_many_keys"
    says = "A brand has at most {keys_max} keys. Revoke one that is no longer used."


class KeyUnknown(NotFound):
    code = "key_unknown"
    says = "This brand has no such API key."


class KeyRefused(Unauthenticated):
    code = "key_refused"
    says = "This API key is not valid. Ask the brand for another."


class ScopeMissing(Forbidden):
    code = "scope_missing"
    says = "This API key lacks the scope {scope}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """`shown` is the beginning of the key, by which people tell keys apart."""

    id: UUID
    tenant_id: int
    name: str
    shown: str
    scopes: frozenset[Scope]
    scans_per_s: int
    created_by: str
    created_at: datetime
    revoked_by: str
    revoked_at: datetime | None

    def require(self, scope: Scope) -> None:
        if scope not in self.scopes:
            raise ScopeMissing(scope=scope.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    key: ApiKey
    secret: str


_SCOPE_OF_ROLE: Final = {Role.CONSUMER: Scope.SCAN, Role.SHOP: Scope.SHOP, Role.STAFF: Scope.STAFF}


def scope_of(role: Role) -> Scope:
    return _SCOPE_OF_ROLE[role]


def add(
    session: Session,
    *,
    tenant_id: int,
    key_id: UUID,
    name: str,
    scopes: Iterable[Scope],
    scans_per_s: int = SCANS_PER_S,
    actor: str,
    now: datetime,
) -> NewKey:
    """Makes a key. Its secret is in the answer and nowhere else."""
    named = name.strip()
    if not 1 <= len(named) <= NAME_LENGTH_MAX or not named.isprintable():
        raise KeyNameMalformed(length_max=NAME_LENGTH_MAX)
    allowed = sorted(set(scopes))
    if not set(allowed) & set(_SCOPE_OF_ROLE.values()):
        raise ScopesMissing(scopes=", ".join(_SCOPE_OF_ROLE.values()))
    if not 1 <= scans_per_s <= SCANS_PER_S_MAX:
        raise RateOutside(rate_max=SCANS_PER_S_MAX)
    living = [key for key in listing(session, tenant_id=tenant_id) if key.revoked_at is None]
    if len(living) >= KEYS_MAX:
        raise TooManyKeys(keys_max=KEYS_MAX)
    secret = PREFIX + chance.token(SECRET_BYTES)
    added = session.execute(
        insert(models.ApiKey)
        .values(
            tenant_id=tenant_id,
            id=key_id,
            name=named,
            key_sha256=digest(secret),
            shown=secret[: len(PREFIX) + SHOWN_CHARS],
            scopes=allowed,
            scans_per_s=scans_per_s,
            created_by=actor,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(models.ApiKey.id)
    ).first()
    if added is None:
        raise KeyNameTaken(name=named)
    facts = {"name": named, "scopes": allowed}
    audit.write(session, Action.API_KEY_MADE, tenant_id=tenant_id, actor=actor, now=now, facts=facts)
    catalogue_version.grow(session)
    return NewKey(key=find(session, tenant_id=tenant_id, key_id=key_id), secret=secret)


def revoke(session: Session, *, tenant_id: int, key_id: UUID, actor: str, now: datetime) -> ApiKey:
    """For ever: who lost a key gets a new one. Again is fine, and the first to revoke stays named."""
    row = session.get(models.ApiKey, (tenant_id, key_id), with_for_update=True)
    if row is None:
        raise KeyUnknown
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = now, actor
        session.flush()
        audit.write(session, Action.API_KEY_REVOKED, tenant_id=tenant_id, actor=actor, now=now, facts={"name": row.name})
        catalogue_version.grow(session)
    return _key(row)


def find(session: Session, *, tenant_id: int, key_id: UUID) -> ApiKey:
    row = session.get(models.ApiKey, (tenant_id, key_id))
    if row is None:
        raise KeyUnknown
    return _key(row)


def listing(session: Session, *, tenant_id: int) -> list[ApiKey]:
    """All keys of a brand, revoked ones included, newest first."""
    rows = session.scalars(
        select(models.ApiKey)
        .where(models.ApiKey.tenant_id == tenant_id)
        .order_by(models.ApiKey.created_at.desc(), models.ApiKey.id)
    )
    return [_key(row) for row in rows]


def by_digest(session: Session, *, tenant_id: int) -> Mapping[bytes, ApiKey]:
    """The living keys, as an edge holds them."""
    rows = session.scalars(select(models.ApiKey).where(models.ApiKey.tenant_id == tenant_id, models.ApiKey.revoked_at.is_(None)))
    return {bytes(row.key_sha256): _key(row) for row in rows}


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def bearer(authorization: bytes | None) -> str | None:
    """The key of an `Authorization: Bearer` header (RFC 6750 section 2.1); None without one. Raises KeyRefused for any other."""
    if authorization is None:
        return None
    scheme, _, secret = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip().startswith(PREFIX):
        raise KeyRefused
    return secret.strip()


def scopes_of(words: Collection[str]) -> frozenset[Scope]:
    """Raises ScopesMissing where a word is no scope."""
    try:
        return frozenset(Scope(word) for word in words)
    except ValueError as error:
        raise ScopesMissing(scopes=", ".join(Scope)) from error


def _key(row: models.ApiKey) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        shown=row.shown,
        scopes=frozenset(Scope(word) for word in row.scopes),
        scans_per_s=row.scans_per_s,
        created_by=row.created_by,
        created_at=row.created_at,
        revoked_by=row.revoked_by,
        revoked_at=row.revoked_at,
    )
