"""Products: a GTIN and its names. A GTIN belongs to one brand of the instance.

Promises: adding the same product twice is adding it once. Refuses a GTIN without one of the brand's prefixes, a GTIN that
another brand has, and other data under a GTIN that is there: a change is a change, not an addition.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version, models
from codegen import gtin as gtins
from codegen.gtin import Gtin
from kit.refusals import Conflict, Invalid, NotFound

DESCRIPTION_LENGTH_MAX = 2000
_OWNER = text("SELECT owner_of_gtin(:gtin)")


class ProductUnknown(NotFound):
    code = "product_unknown"
    says = "This brand has no product with GTIN {gtin}."


class ProductDiffers(Conflict):
    code = "product_differs"
    says = "GTIN {gtin} is there already, with another {field}: {there!r}."


class GtinTaken(Conflict):
    code = "gtin_taken"
    says = "GTIN {gtin} belongs to another brand of this instance."


class DescriptionTooLong(Invalid):
    code = "description_too_long"
    says = "A description has at most {length_max} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    gtin: Gtin
    name: str
    name_zh: str
    description: str
    created_at: datetime
    # How many of a thousand genuine items meet one more stranger, and the odds of copies, in decibans, at which buyers are warned.
    # None: as usual (scanservice.evidence).
    stranger_rate_pm: int | None = None
    suspect_at_db: int | None = None


def add(
    session: Session,
    *,
    tenant_id: int,
    gtin: str,
    name: str,
    name_zh: str | None = None,
    description: str | None = None,
    now: datetime,
) -> Product:
    """Adds a product, or returns the one that is there with the same data. What is not given (None) is not compared."""
    number = gtins.normalise(gtin)
    gtins.require_prefix(number, prefixes=brands.load(session, tenant_id=tenant_id).gtin_prefixes)
    if len(description or "") > DESCRIPTION_LENGTH_MAX:
        raise DescriptionTooLong(length_max=DESCRIPTION_LENGTH_MAX)
    wanted = {"name": brands.checked_name(name)}
    if name_zh is not None:
        wanted["name_zh"] = brands.checked_name(name_zh) if name_zh.strip() else ""
    if description is not None:
        wanted["description"] = description.strip()
    added = session.execute(
        insert(models.Product)
        .values(tenant_id=tenant_id, gtin=number, created_at=now, **wanted)
        .on_conflict_do_nothing()
        .returning(models.Product.gtin)
    ).first()
    row = session.get(models.Product, (tenant_id, number))
    if row is None:
        raise GtinTaken(gtin=number)
    if added is not None:
        catalogue_version.grow(session)
    for field, value in wanted.items():
        there = getattr(row, field)
        if there != value:
            raise ProductDiffers(gtin=number, field=field, there=there)
    return _product(row)


def find(session: Session, *, tenant_id: int, gtin: str) -> Product:
    number = gtins.normalise(gtin)
    row = session.get(models.Product, (tenant_id, number))
    if row is None:
        raise ProductUnknown(gtin=number)
    return _product(row)


def owner(session: Session, *, gtin: str) -> int | None:
    """The brand (tenant id) whose product this is, whichever brand the session is inside of."""
    return session.execute(_OWNER, {"gtin": gtin}).scalar_one_or_none()


def set_copy_weights(
    session: Session, *, tenant_id: int, gtin: str, stranger_rate_pm: int | None, suspect_at_db: int | None
) -> Product:
    """Changes by what evidence of copies this product's buyers are warned, from the next scan on."""
    number = gtins.normalise(gtin)
    row = session.get(models.Product, (tenant_id, number), with_for_update=True)
    if row is None:
        raise ProductUnknown(gtin=number)
    row.stranger_rate_pm, row.suspect_at_db = stranger_rate_pm, suspect_at_db
    session.flush()
    catalogue_version.grow(session)
    return _product(row)


def listing(session: Session, *, tenant_id: int) -> list[Product]:
    """All products of a brand by GTIN. A brand has hundreds, which fit one page."""
    rows = session.scalars(select(models.Product).where(models.Product.tenant_id == tenant_id).order_by(models.Product.gtin))
    return [_product(row) for row in rows]


def _product(row: models.Product) -> Product:
    return Product(
        gtin=Gtin(row.gtin),
        name=row.name,
        name_zh=row.name_zh,
        description=row.description,
        created_at=row.created_at,
        stranger_rate_pm=row.stranger_rate_pm,
        suspect_at_db=row.suspect_at_db,
    )
