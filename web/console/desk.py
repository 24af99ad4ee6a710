"""What every page of the console starts from: the brand that is worked for, the time, and who acts."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g

from codegen import brands
from codegen.brands import Brand
from crm.identities import PersonalKeys
from kit import ids
from scanservice.ingest import months
from supplychain import geography
from web import wording
from web.accounts import Role
from web.app import db, parts
from web.console.routes import blueprint
from web.signed_in import staff


def tenant_id() -> int:
    return staff().tenant_id


def actor() -> str:
    """The name under which decisions are kept."""
    return staff().email


def now() -> datetime:
    return parts().clock.now()


def new_id() -> UUID:
    return ids.uuid7(now())


def brand() -> Brand:
    """Loaded once for each request."""
    loaded: Brand | None = g.get("console_brand")
    if loaded is None:
        loaded = g.console_brand = brands.load(db(), tenant_id=tenant_id())
    return loaded


def zone() -> ZoneInfo:
    return ZoneInfo(brand().timezone)


def personal_keys() -> PersonalKeys:
    return PersonalKeys.derive(parts().settings.secret_bytes)


def is_owner() -> bool:
    return staff().role is Role.OWNER


def shows_messages() -> bool:
    """Whether text messages stay on this machine, for developers to read."""
    return parts().settings.sms == "console"


@blueprint.app_template_filter("when")
def when(at: datetime) -> str:
    """An instant on the brand's clock."""
    return wording.instant(at, timezone=brand().timezone)


@blueprint.app_template_filter("place")
def place(division: str) -> str:
    """A division from the province down, in the reader's language."""
    return geography.full_name(division, language=wording.language())


def kept_since() -> date | None:
    """Single scans before this day (UTC) were dropped; what codes remember of them, and sums by day, were not."""
    since = months.kept_since(db(), tenant_id=tenant_id())
    return None if since is None else since.date()


@blueprint.context_processor
def _navigation() -> dict[str, object]:
    return {"is_owner": is_owner, "shows_messages": shows_messages, "kept_since": kept_since}
