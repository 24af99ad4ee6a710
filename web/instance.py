"""One instance of Onemark, opened by a process: its settings, servers, engine, queue and first brand.

    with instance.opened(settings.read()) as onemark:
        with onemark.transaction("demo") as session: ...

Promises: what `DATABASE_URL` or `REDIS_URL` do not name is started privately in the data folder, or joined where it runs; the
schema is at the newest revision; in the one box a first brand is there. Commands that come and go never stop each other's servers.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version
from kit import db, redis, servers, upgrading
from kit.clock import Clock, SystemClock
from kit.jobs import Jobs
from kit.redis import Redis
from kit.refusals import Invalid
from kit.servers import Server
from kit.settings import MissingSetting, Settings
from scanservice import catalogue
from web import first_start

NAMES = servers.Names(database="onemark", owner="onemark_owner", app="onemark_app")
MIGRATIONS = "migrations:"
DELIVER = "web.worker.deliver"


class TenantAmbiguous(Invalid):
    code = "tenant_ambiguous"
    says = "This instance has several brands: say which with --tenant ({slugs})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    settings: Settings
    engine: Engine
    clock: Clock
    redis: Redis
    jobs: Jobs

    @contextmanager
    def transaction(self, tenant_id: int | None) -> Iterator[Session]:
        """One transaction of one brand, whose outbox entries are enqueued after its commit."""
        with db.transaction(self.engine, tenant_id=tenant_id) as session:
            session.info["enqueue"] = self.enqueue
            session.info[catalogue_version.TELL] = partial(catalogue.announce, self.redis)
            yield session

    def enqueue(self, *, tenant_id: int, entry_id: UUID) -> None:
        self.jobs.enqueue(DELIVER, tenant_id, str(entry_id))

    def tenant_id(self, slug: str | None) -> int:
        """The brand of that name; without a name the only brand, or `demo`."""
        with db.transaction(self.engine, tenant_id=None) as session:
            entries = brands.directory(session)
            if slug is not None:
                return brands.find(session, slug=slug).tenant_id
        if len(entries) == 1:
            return entries[0].tenant_id
        for entry in entries:
            if entry.slug == first_start.SLUG:
                return entry.tenant_id
        raise TenantAmbiguous(slugs=", ".join(entry.slug for entry in entries))


def needs(settings: Settings) -> frozenset[Server]:
    """The servers that the environment does not name."""
    wanted = set()
    if not settings.database_url:
        wanted.add(Server.POSTGRES)
    if not settings.redis_url:
        wanted.add(Server.VALKEY)
    if wanted and settings.environment == "production":
        raise MissingSetting("In production DATABASE_URL and REDIS_URL must be set.")
    return frozenset(wanted)


def with_endpoints(settings: Settings, endpoints: servers.Endpoints) -> Settings:
    return settings.model_copy(
        update={
            "database_url": endpoints.database_url or settings.database_url,
            "database_owner_url": endpoints.database_owner_url or settings.database_owner_url,
            "redis_url": endpoints.redis_url or settings.redis_url,
        }
    )


@contextmanager
def addressed(settings: Settings) -> Iterator[Settings]:
    """Settings with the addresses of servers that run for as long as the `with` lasts."""
    with ExitStack() as stack:
        wanted = needs(settings)
        if wanted:
            endpoints = stack.enter_context(servers.joined(settings.data_dir, NAMES, needs=wanted))
            settings = with_endpoints(settings, endpoints)
        yield settings


@contextmanager
def attached(settings: Settings, *, clock: Clock | None = None) -> Iterator[Instance]:
    """An instance on servers that run already, as its services find it: nothing is started and nothing migrated."""
    engine = db.make_engine(settings.database_url)
    client = redis.connect(settings.redis_url)
    queue = redis.connect(settings.queue_url, answer_s_max=redis.BLOCKING_S_MAX)
    try:
        yield Instance(settings=settings, engine=engine, clock=clock or SystemClock(), redis=client, jobs=Jobs(queue))
    finally:
        engine.dispose()
        client.close()
        queue.close()


@contextmanager
def opened(settings: Settings) -> Iterator[Instance]:
    with addressed(settings) as addresses, attached(addresses) as instance:
        if addresses.database_owner_url:
            upgrading.upgrade(addresses.database_owner_url, location=MIGRATIONS)
        if settings.environment == "onebox":
            first_start.prepare(instance.engine, addresses, now=instance.clock.now())
        yield instance
