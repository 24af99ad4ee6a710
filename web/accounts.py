"""Staff accounts: argon2 passwords, roles, sign-in that tells a stranger nothing.

Promises: an unknown address costs the same time as a wrong password and gets the same answer; a new password or a disabled
account ends every session of that person, because sessions carry the epoch they were opened under.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit import ids
from kit.db import enter_tenant
from kit.refusals import Conflict, Invalid, NotFound, Unauthenticated
from supplychain import distributors
from web.models import Staff

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 200
EMAIL_CHARS_MAX = 254
_hasher = PasswordHasher()
_NOBODYS_HASH = _hasher.hash("the password of nobody, so that unknown addresses take as long as known ones")


class Role(StrEnum):
    OWNER = "owner"
    MARKETER = "marketer"
    DISTRIBUTOR = "distributor"
    INSPECTOR = "inspector"
    LINE = "line"


# Reserved for later issues: nobody can be given these yet.
RESERVED_ROLES = frozenset({Role.INSPECTOR, Role.LINE})
CONSOLE_ROLES = (Role.OWNER, Role.MARKETER)


class WrongCredentials(Unauthenticated):
    code: ClassVar[str] = "wrong_credentials"
    says: ClassVar[str] = "This e-mail address and password do not match."


class EmailTaken(Conflict):
    code: ClassVar[str] = "email_taken"
    says: ClassVar[str] = "An account with the address {email} exists already."


class PasswordTooShort(Invalid):
    code: ClassVar[str] = "password_length"
    says: ClassVar[str] = "A password has {at_least} to {at_most} characters."


class RoleReserved(Invalid):
    code: ClassVar[str] = "role_reserved"
    says: ClassVar[str] = "The role {role} is not in use yet."


class DistributorNeeded(Invalid):
    code: ClassVar[str] = "distributor_needed"
    says: ClassVar[str] = "An account of the role distributor names whose goods it may see."


class EmailInvalid(Invalid):
    code: ClassVar[str] = "email_invalid"
    says: ClassVar[str] = "{email} is not an e-mail address."


class LastOwner(Conflict):
    code: ClassVar[str] = "last_owner"
    says: ClassVar[str] = "A brand keeps at least one owner who can sign in."


class StaffUnknown(NotFound):
    code: ClassVar[str] = "staff_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    tenant_id: int
    id: UUID
    email: str
    name: str
    role: Role
    distributor_id: str | None
    language: str
    session_epoch: int
    disabled: bool
    created_at: datetime


def add(
    session: Session,
    *,
    tenant_id: int,
    email: str,
    name: str,
    role: Role,
    password: str,
    now: datetime,
    distributor_id: str | None = None,
) -> StaffMember:
    """Opens an account. Addresses are unique in the whole instance, as sign-in asks for no brand."""
    address = email.strip().lower()
    if not _looks_like_email(address):
        raise EmailInvalid(email=email)
    if role in RESERVED_ROLES:
        raise RoleReserved(role=role)
    if role is Role.DISTRIBUTOR:
        if not distributor_id:
            raise DistributorNeeded
        distributors.find(session, distributor_id, tenant_id=tenant_id)
    _check_password(password)
    row = session.scalar(
        insert(Staff)
        .values(
            tenant_id=tenant_id,
            id=ids.uuid7(now),
            email=address,
            name=name.strip() or address,
            password_hash=_hasher.hash(password),
            role=role,
            distributor_id=distributor_id if role is Role.DISTRIBUTOR else None,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(Staff)
    )
    if row is None:
        raise EmailTaken(email=address)
    return _member(row)


def sign_in(session: Session, *, email: str, password: str) -> StaffMember:
    """Checks the password and enters the person's tenant. Raises WrongCredentials for every reason alike."""
    found = session.execute(
        text("SELECT tenant_id, id, password_hash, disabled FROM staff_for_login(:email)"), {"email": email.strip().lower()}
    ).one_or_none()
    matches = _matches(found.password_hash if found else _NOBODYS_HASH, password)
    if found is None or found.disabled or not matches:
        raise WrongCredentials
    enter_tenant(session, found.tenant_id)
    if _hasher.check_needs_rehash(found.password_hash):
        session.execute(
            update(Staff)
            .where(Staff.tenant_id == found.tenant_id, Staff.id == found.id)
            .values(password_hash=_hasher.hash(password))
        )
    return find(session, tenant_id=found.tenant_id, staff_id=found.id)


def find(session: Session, *, tenant_id: int, staff_id: UUID) -> StaffMember:
    row = session.get(Staff, (tenant_id, staff_id))
    if row is None:
        raise StaffUnknown
    return _member(row)


def by_email(session: Session, *, tenant_id: int, email: str) -> StaffMember:
    row = session.scalar(select(Staff).where(Staff.tenant_id == tenant_id, Staff.email == email.strip().lower()))
    if row is None:
        raise StaffUnknown
    return _member(row)


def everyone(session: Session, *, tenant_id: int) -> list[StaffMember]:
    rows = session.scalars(select(Staff).where(Staff.tenant_id == tenant_id).order_by(Staff.created_at))
    return [_member(row) for row in rows]


def change_password(session: Session, *, tenant_id: int, staff_id: UUID, password: str) -> None:
    _check_password(password)
    changed = session.execute(
        update(Staff)
        .where(Staff.tenant_id == tenant_id, Staff.id == staff_id)
        .values(password_hash=_hasher.hash(password), session_epoch=Staff.session_epoch + 1)
        .returning(Staff.id)
    )
    if changed.one_or_none() is None:
        raise StaffUnknown


def disable(session: Session, *, tenant_id: int, staff_id: UUID, now: datetime) -> None:
    """Ends the person's sessions and keeps them out. The last owner stays."""
    session.scalars(select(Staff.id).where(Staff.tenant_id == tenant_id, Staff.role == Role.OWNER).with_for_update()).all()
    changed = session.execute(
        update(Staff)
        .where(Staff.tenant_id == tenant_id, Staff.id == staff_id)
        .values(disabled_at=now, session_epoch=Staff.session_epoch + 1)
        .returning(Staff.id)
    )
    if changed.one_or_none() is None:
        raise StaffUnknown
    owners = session.scalar(
        select(func.count()).where(Staff.tenant_id == tenant_id, Staff.role == Role.OWNER, Staff.disabled_at.is_(None))
    )
    if not owners:
        raise LastOwner


def enable(session: Session, *, tenant_id: int, staff_id: UUID) -> None:
    session.execute(update(Staff).where(Staff.tenant_id == tenant_id, Staff.id == staff_id).values(disabled_at=None))


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:PASSWORD_CHARS_MAX])
    except (VerifyMismatchError, InvalidHashError):
        return False


def _check_password(password: str) -> None:
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise PasswordTooShort(at_least=PASSWORD_CHARS_MIN, at_most=PASSWORD_CHARS_MAX)


def _looks_like_email(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and len(address) <= EMAIL_CHARS_MAX and not any(char.isspace() for char in address)


def _member(row: Staff) -> StaffMember:
    return StaffMember(
        tenant_id=row.tenant_id,
        id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        distributor_id=row.distributor_id,
        language=row.language,
        session_epoch=row.session_epoch,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
    )
