"""The label templates of a brand: its own beside the built-in ones, and its logos.

Promises: a template that is kept fits (`fitting.check`) and names a logo that is there; who saves over somebody else's change is told instead.
Refuses names that are taken, built-in ones included, and more templates or logos than limits allow.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from codegen.labels import fitting, logos
from codegen.labels.built_in import BUILT_IN, LabelTemplateUnknown
from codegen.labels.label_models import LabelLogo, LabelTemplateRow
from codegen.labels.logos import Logo
from codegen.labels.templates import LabelTemplate
from kit.refusals import Conflict, Invalid, NotFound

TEMPLATES_MAX = 200
LOGOS_MAX = 200


class LabelNameTaken(Conflict):
    code = "label_name_taken"
    says = "There is a label template named {name!r} already."


class LabelTemplateChanged(Conflict):
    code = "label_template_changed"
    says = "Somebody changed this label template, or removed it, while you were at it. Load it again."


class LabelTemplatesTooMany(Invalid):
    code = "label_templates_too_many"
    says = "A brand keeps at most {limit} label templates. Remove one that is no longer used."


class LogosTooMany(Invalid):
    code = "logos_too_many"
    says = "A brand keeps at most {limit} logos."


class LogoUnknown(NotFound):
    code = "logo_unknown"
    says = "This brand has no logo {name!r}."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTemplate:
    """`revision` grows with every change."""

    id: UUID
    template: LabelTemplate
    revision: int
    changed_by: str
    changed_at: datetime


def listing(session: Session, *, tenant_id: int) -> list[KeptTemplate]:
    """The brand's own, by name."""
    rows = session.scalars(
        select(LabelTemplateRow)
        .where(LabelTemplateRow.tenant_id == tenant_id)
        .order_by(LabelTemplateRow.name)
        .limit(TEMPLATES_MAX)
    )
    return [_kept(row) for row in rows]


def names(session: Session, *, tenant_id: int) -> list[str]:
    """Every template that can be printed with: the brand's own, then the built-in ones."""
    return [*(one.template.name for one in listing(session, tenant_id=tenant_id)), *BUILT_IN]


def find(session: Session, *, tenant_id: int, name: str) -> LabelTemplate:
    """The brand's own or a built-in one."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    row = session.scalar(select(LabelTemplateRow).where(LabelTemplateRow.tenant_id == tenant_id, LabelTemplateRow.name == name))
    if row is None:
        raise LabelTemplateUnknown(name=name)
    return LabelTemplate.from_plain(row.layout)


def kept(session: Session, template_id: UUID, *, tenant_id: int) -> KeptTemplate:
    row = session.get(LabelTemplateRow, (tenant_id, template_id), populate_existing=True)
    if row is None:
        raise LabelTemplateUnknown(name=str(template_id))
    return _kept(row)


def add(
    session: Session, template: LabelTemplate, *, tenant_id: int, template_id: UUID, now: datetime, actor: str
) -> KeptTemplate:
    """The caller makes the id; adding the same twice is adding it once."""
    _check(session, template, tenant_id=tenant_id)
    if _count(session, LabelTemplateRow, tenant_id=tenant_id) >= TEMPLATES_MAX:
        raise LabelTemplatesTooMany(limit=TEMPLATES_MAX)
    session.execute(
        insert(LabelTemplateRow)
        .values(
            tenant_id=tenant_id,
            id=template_id,
            name=template.name,
            layout=template.as_plain(),
            changed_by=actor,
            created_at=now,
            changed_at=now,
        )
        .on_conflict_do_nothing()
    )
    row = session.get(LabelTemplateRow, (tenant_id, template_id), populate_existing=True)
    if row is None or LabelTemplate.from_plain(row.layout) != template:
        raise LabelNameTaken(name=template.name)
    return _kept(row)


def change(
    session: Session,
    template: LabelTemplate,
    *,
    tenant_id: int,
    template_id: UUID,
    revision: int,
    now: datetime,
    actor: str,
) -> KeptTemplate:
    """`revision` is the one that was looked at."""
    _check(session, template, tenant_id=tenant_id)
    try:
        with session.begin_nested():
            changed = session.execute(
                update(LabelTemplateRow)
                .where(
                    LabelTemplateRow.tenant_id == tenant_id,
                    LabelTemplateRow.id == template_id,
                    LabelTemplateRow.revision == revision,
                )
                .values(
                    name=template.name,
                    layout=template.as_plain(),
                    revision=LabelTemplateRow.revision + 1,
                    changed_by=actor,
                    changed_at=now,
                )
            )
    except IntegrityError as error:
        raise LabelNameTaken(name=template.name) from error
    if cast("CursorResult[Any]", changed).rowcount != 1:
        raise LabelTemplateChanged
    return kept(session, template_id, tenant_id=tenant_id)


def remove(session: Session, template_id: UUID, *, tenant_id: int) -> None:
    """What is gone stays gone: removing twice is removing once."""
    session.execute(delete(LabelTemplateRow).where(LabelTemplateRow.tenant_id == tenant_id, LabelTemplateRow.id == template_id))


def keep_logo(session: Session, upload: bytes, *, tenant_id: int, now: datetime, actor: str) -> Logo:
    """A logo from an uploaded file. The same picture twice is kept once."""
    logo = logos.read(upload)
    if session.get(LabelLogo, (tenant_id, logo.name)) is None:
        if _count(session, LabelLogo, tenant_id=tenant_id) >= LOGOS_MAX:
            raise LogosTooMany(limit=LOGOS_MAX)
        session.execute(
            insert(LabelLogo)
            .values(tenant_id=tenant_id, name=logo.name, png=logo.png, uploaded_by=actor, created_at=now)
            .on_conflict_do_nothing()
        )
    return logo


def logo_of(session: Session, template: LabelTemplate, *, tenant_id: int) -> Logo | None:
    """The logo that a template names, or None where it names none."""
    if template.logo is None:
        return None
    row = session.get(LabelLogo, (tenant_id, template.logo.logo))
    if row is None:
        raise LogoUnknown(name=template.logo.logo)
    return logos.of_png(row.png)


def _check(session: Session, template: LabelTemplate, *, tenant_id: int) -> None:
    fitting.check(template)
    if template.name in BUILT_IN:
        raise LabelNameTaken(name=template.name)
    logo_of(session, template, tenant_id=tenant_id)


def _count(session: Session, table: type[LabelTemplateRow | LabelLogo], *, tenant_id: int) -> int:
    return session.scalars(select(func.count()).select_from(table).where(table.tenant_id == tenant_id)).one()


def _kept(row: LabelTemplateRow) -> KeptTemplate:
    return KeptTemplate(
        id=row.id,
        template=LabelTemplate.from_plain(row.layout),
        revision=row.revision,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )
