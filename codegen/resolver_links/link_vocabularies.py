"""A brand's own link types: a prefix for a namespace, so that `tea:brewing` can be asked for and written.

Promises: a prefix means one namespace; saying so twice is saying it once; the resolver's description file names it. Forgetting a prefix
leaves links as they are: they are asked for by their whole IRI then. Refuses other namespaces under a prefix that is there.
"""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version
from codegen.audit import Action
from codegen.resolver_links import link_types
from codegen.resolver_links.link_models import LinkVocabulary
from kit.refusals import Conflict, NotFound

VOCABULARIES_MAX = 8


class VocabularyDiffers(Conflict):
    code = "vocabulary_differs"
    says = "The prefix {prefix} means {namespace} already."


class VocabularyUnknown(NotFound):
    code = "vocabulary_unknown"
    says = "There is no vocabulary under the prefix {prefix!r}."


class TooManyVocabularies(Conflict):
    code = "too_many_vocabularies"
    says = "A brand has at most {vocabularies_max} vocabularies of its own."


def define(session: Session, *, prefix: str, namespace: str, tenant_id: int, now: datetime, actor: str) -> str:
    """Returns the prefix as it is kept."""
    name, meaning = link_types.checked_prefix(prefix), link_types.checked_namespace(namespace)
    there = listing(session, tenant_id=tenant_id)
    if name not in there and len(there) >= VOCABULARIES_MAX:
        raise TooManyVocabularies(vocabularies_max=VOCABULARIES_MAX)
    added = session.execute(
        insert(LinkVocabulary)
        .values(tenant_id=tenant_id, prefix=name, namespace=meaning, added_by=actor, created_at=now)
        .on_conflict_do_nothing()
        .returning(LinkVocabulary.prefix)
    ).first()
    if added is None:
        kept = listing(session, tenant_id=tenant_id)[name]
        if kept != meaning:
            raise VocabularyDiffers(prefix=name, namespace=kept)
        return name
    facts = {"prefix": name, "namespace": meaning}
    audit.write(session, Action.LINK_VOCABULARY_DEFINED, tenant_id=tenant_id, actor=actor, now=now, facts=facts)
    catalogue_version.grow(session)
    return name


def forget(session: Session, prefix: str, *, tenant_id: int, now: datetime, actor: str) -> None:
    gone = session.execute(
        delete(LinkVocabulary)
        .where(LinkVocabulary.tenant_id == tenant_id, LinkVocabulary.prefix == prefix)
        .returning(LinkVocabulary.prefix)
    ).first()
    if gone is None:
        raise VocabularyUnknown(prefix=prefix)
    audit.write(session, Action.LINK_VOCABULARY_FORGOTTEN, tenant_id=tenant_id, actor=actor, now=now, facts={"prefix": prefix})
    catalogue_version.grow(session)


def listing(session: Session, *, tenant_id: int) -> dict[str, str]:
    """Namespaces by prefix."""
    rows = session.execute(
        select(LinkVocabulary.prefix, LinkVocabulary.namespace)
        .where(LinkVocabulary.tenant_id == tenant_id)
        .order_by(LinkVocabulary.prefix)
    )
    return {prefix: namespace for prefix, namespace in rows}  # noqa: C416 - rows are tuples to Python, not to mypy
