"""The templates that a brand keeps under names of its own, for presses that expect them so.

Promises: the brand's own stand beside the built-in ones; saving the same again changes nothing; a package that was made with a template has it in its recipe,
whatever becomes of the name. Refuses names of built-in templates, and more templates than a limit allows.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen.print_packages.package_models import PackageTemplate
from codegen.print_packages.templates import BUILT_IN, Template, TemplateUnknown
from kit.refusals import Conflict, Invalid

NAME_LENGTH_MAX = 60
TEMPLATES_MAX = 200


class TemplateNameMalformed(Invalid):
    code = "template_name_malformed"
    says = "The name of a template has 1 to {length_max} printable characters, and does not end in .json; {name!r} is not."


class TemplateNameTaken(Conflict):
    code = "template_name_taken"
    says = "{name!r} is the name of a built-in template."


class TemplatesTooMany(Invalid):
    code = "templates_too_many"
    says = "A brand keeps at most {limit} templates. Remove one that is no longer used."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTemplate:
    template: Template
    saved_by: str
    saved_at: datetime


def save(session: Session, template: Template, *, tenant_id: int, name: str, now: datetime, actor: str) -> KeptTemplate:
    """Keeps it under a name; what stood there before is replaced."""
    if not 1 <= len(name) <= NAME_LENGTH_MAX or name != name.strip() or not name.isprintable() or name.endswith(".json"):
        raise TemplateNameMalformed(name=name, length_max=NAME_LENGTH_MAX)
    if name in BUILT_IN:
        raise TemplateNameTaken(name=name)
    plain = replace(template, name=name).as_plain()
    values = {"template": plain, "saved_by": actor, "saved_at": now}
    session.execute(
        insert(PackageTemplate)
        .values(tenant_id=tenant_id, name=name, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "name"], set_=values, where=PackageTemplate.template.is_distinct_from(plain)
        )
    )
    kept = session.scalars(select(func.count()).select_from(PackageTemplate).where(PackageTemplate.tenant_id == tenant_id)).one()
    if kept > TEMPLATES_MAX:
        raise TemplatesTooMany(limit=TEMPLATES_MAX)
    return _kept(_row(session, tenant_id=tenant_id, name=name))


def listing(session: Session, *, tenant_id: int) -> list[KeptTemplate]:
    """The brand's own, by name."""
    rows = session.scalars(
        select(PackageTemplate).where(PackageTemplate.tenant_id == tenant_id).order_by(PackageTemplate.name).limit(TEMPLATES_MAX)
    )
    return [_kept(row) for row in rows]


def names(session: Session, *, tenant_id: int) -> list[str]:
    """Every template that a package can be made with: the brand's own, then the built-in ones."""
    return [*(one.template.name for one in listing(session, tenant_id=tenant_id)), *BUILT_IN]


def find(session: Session, *, tenant_id: int, name: str) -> Template:
    """A built-in one, or the brand's own."""
    return BUILT_IN[name] if name in BUILT_IN else _kept(_row(session, tenant_id=tenant_id, name=name)).template


def remove(session: Session, *, tenant_id: int, name: str) -> None:
    """Packages that were made with it stay as they are."""
    removed = cast(
        "CursorResult[Any]",
        session.execute(delete(PackageTemplate).where(PackageTemplate.tenant_id == tenant_id, PackageTemplate.name == name)),
    )
    if not removed.rowcount:
        raise TemplateUnknown(name=name, built_in=", ".join(BUILT_IN))


def _row(session: Session, *, tenant_id: int, name: str) -> PackageTemplate:
    row = session.get(PackageTemplate, (tenant_id, name), populate_existing=True)
    if row is None:
        raise TemplateUnknown(name=name, built_in=", ".join(BUILT_IN))
    return row


def _kept(row: PackageTemplate) -> KeptTemplate:
    return KeptTemplate(template=Template.from_plain(row.template), saved_by=row.saved_by, saved_at=row.saved_at)
