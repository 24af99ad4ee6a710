"""The edge: the process that owns the public port, answers scans, and streams every other path to the web process.

Promises: no verdict without a record; a refusal is a page for people and a problem document for programs; while PostgreSQL or
Redis are away it answers 503 and looks for them by itself. Refused: to run on a Redis that could forget an answered scan.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from time import perf_counter
from typing import Final

from prometheus_client.core import Metric
from redis import Redis
from redis.exceptions import RedisError

from kit import log, metrics, seals, traces
from kit.clock import Clock
from kit.db import make_engine
from kit.http_straight import Reply
from kit.redis import connect
from kit.refusals import Refusal
from kit.settings import MissingSetting, Settings
from scanservice import catalogue, insiders, tickets, visitors
from scanservice.address_places import AddressPlaces
from scanservice.catalogue import CatalogueAway, Shelf
from scanservice.edge import beacons, cluster_recorder, counters, http, key_set, pins, readiness, reports, visits
from scanservice.edge.devices import Devices
from scanservice.edge.http import Answer, Receive, Request, Scope, Send
from scanservice.edge.parts import Parts
from scanservice.edge.pin_desk import PinDesk
from scanservice.edge.printed import Printed
from scanservice.edge.proxy import Proxy
from scanservice.edge.readiness import Readiness
from scanservice.edge.scanning import Scanner
from scanservice.hot import functions, generations
from scanservice.resolver import description

HEALTHZ: Final = b"/healthz"
READYZ: Final = b"/readyz"
# After trouble the upkeep runs at once, but not more often than this.
UPKEEP_S_MIN: Final = 0.5

Handler = Callable[[Parts, Request], Awaitable[Answer]]
HeadersOf = Callable[[Request], tuple[tuple[bytes, bytes], ...]]
"""What stands on refusals too."""

# What apps and pages send us; everything else that is the edge's own stands in `Running.handle`.
POSTED: Final[Mapping[bytes, Handler]] = {
    reports.PATH: reports.answer,
    beacons.PATH: beacons.answer,
    pins.PATH: pins.answer,
}

_log = log.get(__name__)


class Running:
    """An edge between its start and its end, in one event loop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        if not settings.database_url or not settings.redis_url:
            raise MissingSetting("The edge joins servers that run already: DATABASE_URL and REDIS_URL must be set.")
        secret = settings.secret_bytes
        kek = settings.kek_bytes
        self._engine = make_engine(settings.database_url, application="onemark-edge")
        self._redis: Redis = connect(settings.redis_url)
        self._url = settings.redis_url
        self._recorder = cluster_recorder.recorder(self._url)
        self._request_bytes_max = settings.request_bytes_max
        self._proxy = Proxy(port=settings.web_port, host=settings.web_host)
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upkeep")
        self._looking: asyncio.Task[Readiness] | None = None
        keys = visitors.Keys.of(secret)
        shelf = Shelf(partial(catalogue.load, self._engine, kek=kek, kept_links={}), partial(catalogue.signs, self._engine))
        self.parts = Parts(
            shelf=shelf,
            scanner=Scanner(
                shelf,
                self._recorder,
                keys=keys,
                log_bytes_max=settings.log_bytes_max,
            ),
            pin_desk=PinDesk(shelf, self._recorder, keys=keys, log_bytes_max=settings.log_bytes_max),
            devices=Devices(),
            keys=keys,
            ticket_key=seals.derive(secret, tickets.KEY_PURPOSE),
            insider_key=seals.derive(secret, insiders.KEY_PURPOSE),
            clock=clock,
            address_places=AddressPlaces(),
            trusted=visitors.proxies(settings.trusted_proxies),
            guess_brand=settings.environment == "onebox",
        )
        self.printed = Printed(self.parts, partial(self._answered, visits.answer, visits.resolver_headers))
        loop = asyncio.get_running_loop()
        # Until the table is there scans have no place, which is no reason to keep anybody waiting.
        self._places = loop.run_in_executor(self._threads, self.parts.address_places.load, settings.ip_table)
        self._places.add_done_callback(lambda _loaded: self.printed.forget_askers())
        self._upkeep = loop.create_task(self._keep_up())
        self._metrics = ExitStack()
        self._metrics.enter_context(metrics.served(self._families, host=settings.metrics_host, first_port=settings.metrics_port))

    def _families(self) -> Iterator[Metric]:
        known = self.parts.shelf.current
        return counters.families(catalogue_version=0 if known is None else known.version)

    async def close(self) -> None:
        self._metrics.close()
        self._upkeep.cancel()
        await asyncio.wait([self._upkeep, self._places])
        await self._recorder.close()
        await self._proxy.close()
        self.parts.shelf.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._redis.close()
        self._engine.dispose()

    async def handle(self, request: Request, send: Send) -> None:
        path = request.path
        if visits.is_code(request):
            await self._respond(visits.answer, request, send, visits.resolver_headers)
        elif path in POSTED and request.method == "POST":
            await self._respond(POSTED[path], request, send)
        elif key_set.is_asked(request):
            await self._respond(key_set.answer, request, send)
        elif path == READYZ:
            await self._send(await self._readyz(), request, send)
        elif path == HEALTHZ:
            await self._send(http.json(200, {"status": "ok"}), request, send)
        elif path == description.PATH:
            await self._respond(visits.describe, request, send, visits.resolver_headers)
        else:
            await self._pass_on(request, send)

    async def _respond(
        self,
        handler: Handler,
        request: Request,
        send: Send,
        headers: HeadersOf = lambda _request: (),
    ) -> None:
        began_s = perf_counter()
        answer = await self._answered(handler, headers, request)
        await self._send(answer, request, send)
        counters.ANSWERS.add(answer.status)
        counters.ANSWER_S.observe(perf_counter() - began_s)

    async def _answered(self, handler: Handler, headers: HeadersOf, request: Request) -> Answer:
        try:
            return await handler(self.parts, request)
        except Refusal as refusal:
            return http.refused(refusal, request, headers(request))

    async def _send(self, answer: Answer, request: Request, send: Send) -> None:
        await http.send(answer, send, head=request.method == "HEAD")

    async def _pass_on(self, request: Request, send: Send) -> None:
        trace = traces.of(request.headers.get(b"traceparent", b"").decode("latin-1"))
        with log.request(trace.trace_id):
            await self._proxy.pass_on(request, send, trace=trace, bytes_max=self._request_bytes_max)

    async def _readyz(self) -> Answer:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        found = await asyncio.shield(self._looking)
        members = {name: getattr(found, name) for name in Readiness.__dataclass_fields__}
        return http.json(200 if found.ready else 503, {"status": "ready" if found.ready else "not ready", **members})

    async def _look(self) -> Readiness:
        known = self.parts.shelf.current
        look = partial(
            readiness.look,
            self._engine,
            self._redis,
            catalogue=known is not None,
            brand=known is not None and bool(known.brands),
            loaded_generation=generations.NONE if known is None else known.generation,
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        if not found.generation:
            self._recorder.troubled.set()
        return found

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_S_MIN)
            try:
                async with asyncio.timeout(catalogue.POLL_S):
                    await self._recorder.troubled.wait()
            except TimeoutError:
                pass
            self._recorder.troubled.clear()
            try:
                await self.maintain()
            except functions.RedisUnfit as unfit:
                _log.error("redis is not fit for scans any more", error=str(unfit))
            except Exception:  # noqa: BLE001 - the edge goes on answering what it can
                _log.exception("upkeep failed and will be tried again")

    async def maintain(self) -> None:
        """Catalogue and generation, the function library, replicas: whatever is away now is looked for in the next round.

        Raises functions.RedisUnfit.
        """
        try:
            await self.parts.shelf.refresh()
        except CatalogueAway as away:
            _log.warning("the catalogue was not refreshed", error=str(away.__cause__ or away))
        try:
            loop = asyncio.get_running_loop()
            # Where everything lies comes first: after a failover the library is looked for on the servers that are left.
            look = partial(cluster_recorder.look, self._redis, url=self._url)
            placement = await loop.run_in_executor(self._threads, look)
            await loop.run_in_executor(self._threads, functions.prepare, self._redis)
            self._recorder.settle(placement)
        except RedisError as away:
            _log.warning("redis does not answer", error=str(away))


class Edge:
    """The ASGI application. Everything is made at the start of the server, when there is an event loop."""

    def __init__(self, read_settings: Callable[[], Settings], clock: Clock) -> None:
        self._read_settings = read_settings
        self._clock = clock
        self.running: Running | None = None

    def straight(self, scope: Scope, reply: Reply) -> bool:
        """What is printed, answered without a task (kit.http_straight)."""
        return self.running is not None and self.running.printed.straight(scope, reply)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http" or self.running is None:
            raise RuntimeError(f"the edge serves no {scope['type']}")
        await self.running.handle(Request(scope, receive, trusted=self.running.parts.trusted), send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self.running = Running(self._read_settings(), self._clock)
            await self.running.maintain()
        except (SystemExit, Refusal) as refused:
            _log.error("the edge cannot start", error=str(refused))
            await self._end()
            await send({"type": "lifespan.startup.failed", "message": str(refused)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _end(self) -> None:
        if self.running is not None:
            await self.running.close()
            self.running = None
