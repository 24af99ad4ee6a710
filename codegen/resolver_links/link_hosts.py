"""The hosts that a brand's links may lead to, each with everything below it (ASVS 5.0 V3.7.2).

Promises: allowing a host twice is allowing it once; a host that is taken off the list takes its links out of every answer at once, and brings
them back when it returns. Refuses addresses, this machine, and more hosts than HOSTS_MAX.
"""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version
from codegen.audit import Action
from codegen.resolver_links import link_targets
from codegen.resolver_links.link_models import LinkHost
from kit.refusals import Conflict, NotFound

HOSTS_MAX = 100


class LinkHostUnknown(NotFound):
    code = "link_host_unknown"
    says = "{host} is not on the list of hosts."


class TooManyLinkHosts(Conflict):
    code = "too_many_link_hosts"
    says = "A brand allows at most {hosts_max} hosts."


def allow(session: Session, host: str, *, tenant_id: int, now: datetime, actor: str) -> str:
    checked = link_targets.checked_host(host)
    if len(listing(session, tenant_id=tenant_id)) >= HOSTS_MAX:
        raise TooManyLinkHosts(hosts_max=HOSTS_MAX)
    added = session.execute(
        insert(LinkHost)
        .values(tenant_id=tenant_id, host=checked, added_by=actor, created_at=now)
        .on_conflict_do_nothing()
        .returning(LinkHost.host)
    ).first()
    if added is not None:
        audit.write(session, Action.LINK_HOST_ALLOWED, tenant_id=tenant_id, actor=actor, now=now, facts={"host": checked})
        catalogue_version.grow(session)
    return checked


def disallow(session: Session, host: str, *, tenant_id: int, now: datetime, actor: str) -> None:
    gone = session.execute(
        delete(LinkHost).where(LinkHost.tenant_id == tenant_id, LinkHost.host == host).returning(LinkHost.host)
    ).first()
    if gone is None:
        raise LinkHostUnknown(host=host)
    audit.write(session, Action.LINK_HOST_DISALLOWED, tenant_id=tenant_id, actor=actor, now=now, facts={"host": host})
    catalogue_version.grow(session)


def listing(session: Session, *, tenant_id: int) -> list[str]:
    return list(session.scalars(select(LinkHost.host).where(LinkHost.tenant_id == tenant_id).order_by(LinkHost.host)))
