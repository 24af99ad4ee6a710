"""An edge on real servers, driven through ASGI in the test's own thread, with a brand that has active codes."""

import asyncio
import base64
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from redis import Redis
from sqlalchemy import Engine, text

from codegen import brands, catalogue_version, orders, products
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.orders import CodeOrder
from kit.clock import Clock, FixedClock
from kit.db import transaction
from kit.redis import connect
from kit.settings import Settings
from scanservice import catalogue
from scanservice.edge.app import Edge
from scanservice.hot import functions, generations
from scanservice.ingest import statistics
from scanservice.ingest.ingesting import Ingester
from tests.conftest import Database, Databases

GTIN = "09521234543213"
OTHER_GTIN = "09521111111115"
SECRET = base64.b64encode(bytes(32)).decode()
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1"
)


@dataclass(frozen=True, kw_only=True)
class Market:
    """A brand with one order of codes, rows 1 to 90 active, in a database of its own."""

    engine: Engine
    settings: Settings
    clock: FixedClock
    redis: Redis
    tenant_id: int
    order: CodeOrder
    serials: Sequence[str]

    def serial(self, row: int) -> str:
        return self.serials[row - 1]

    def path(self, row: int, *, gtin: str = GTIN) -> str:
        return f"/01/{gtin}/21/{self.serial(row)}"

    def url(self, row: int) -> str:
        return f"HTTPS://TEA.EXAMPLE{self.path(row)}"

    def decide(self, change: Callable[..., object], *, first: int, last: int, reason: str = "") -> None:
        """Decides about rows and tells the edges, as the border does."""
        with transaction(self.engine, tenant_id=self.tenant_id) as session:
            session.info[catalogue_version.TELL] = lambda version: catalogue.announce(self.redis, version)
            change(
                session,
                tenant_id=self.tenant_id,
                order_id=self.order.id,
                first=first,
                last=last,
                reason=reason,
                now=self.clock.now(),
                actor="test",
            )


@dataclass(frozen=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(kw_only=True)
class Client:
    """A phone or program: keeps its cookie, has an address."""

    edge: "LocalEdge"
    ip: str = "203.0.113.7"
    user_agent: str = PHONE
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Response:
        return self.ask("GET", path, b"", **headers)

    def ask(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> Response:
        (response,) = self.edge.together([self.asking(method, path, body, **headers)])
        for header in response.cookies:
            self.cookie = SimpleCookie(header)["om_v"].value if header.startswith("om_v=") else self.cookie
        return response

    def post(self, path: str, value: object, **headers: str) -> Response:
        return self.ask("POST", path, msgspec.json.encode(value), content_type="application/json", **headers)

    def verdict(self, path: str) -> str:
        """Scans as a program does: confirmed at once."""
        answer = self.get(path, accept="application/json")
        assert answer.status == 200, answer.body
        return str(answer.json()["verdict"])

    def open(self, path: str) -> str:
        """Scans as a browser does; the ticket that it was sent on with."""
        answer = self.get(path, accept="text/html")
        assert answer.status == 307, answer.body
        return answer.headers["location"].removeprefix("/s/")

    def confirm(self, ticket: str) -> Response:
        return self.post("/v1/scans/confirm", {"ticket": ticket})

    def asking(self, method: str, path: str, body: bytes | None = b"", /, **headers: str) -> dict[str, Any]:
        named = {"host": "tea.example", "user-agent": self.user_agent, **self.headers}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            named["cookie"] = f"om_v={self.cookie}"
        if body:
            named["content-length"] = str(len(body))
        raw_path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": (self.ip, "4711"),
        }
        return {"scope": scope, "body": body}


class LocalEdge:
    def __init__(self, app: Edge, runner: asyncio.Runner) -> None:
        self._app = app
        self.goes_straight = True
        self._runner = runner
        self._numbers = itertools.count(1)
        self._life: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    @contextmanager
    def running(cls, settings: Settings, clock: Clock) -> Iterator["LocalEdge"]:
        with asyncio.Runner() as runner:
            edge = cls(Edge(lambda: settings, clock), runner)
            assert edge.start() == {"type": "lifespan.startup.complete"}
            yield edge
            edge.stop()

    def start(self) -> dict[str, Any]:
        return self._runner.run(self._start())

    def stop(self) -> None:
        self._runner.run(self._stop())

    def stranger(self, **more: Any) -> Client:
        """Somebody with another phone, elsewhere."""
        return Client(edge=self, ip=f"198.18.{next(self._numbers)}.1", **more)

    def together(self, asks: Sequence[dict[str, Any]]) -> list[Response]:
        """All at once, in one event loop."""

        async def run() -> list[Response]:
            return list(await asyncio.gather(*(self._ask(**one) for one in asks)))

        return self._runner.run(run())

    def look_after(self) -> None:
        """One round of the edge's upkeep, which otherwise comes within seconds."""
        assert self._app.running is not None
        self._runner.run(self._app.running.maintain())

    async def _ask(self, *, scope: dict[str, Any], body: bytes | Sequence[bytes] | None, whole: bool = True) -> Response:
        """A body in pieces arrives so; one that is not `whole` ends with the connection, and None never comes."""
        sent: list[dict[str, Any]] = []
        pieces = [body] if isinstance(body, bytes) else [*(body or ()), b""]
        last = {"type": "http.request", "body": b"", "more_body": False} if whole else {"type": "http.disconnect"}

        async def receive() -> dict[str, Any]:
            if body is None:
                await asyncio.Event().wait()
            if not pieces:
                return last
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or not whole}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        straight: asyncio.Future[tuple[int, Any, bytes]] = asyncio.get_running_loop().create_future()
        if (
            self.goes_straight
            and scope["method"] == "GET"
            and not body
            and self._app.straight(scope, lambda *answer: straight.set_result(answer))
        ):
            # As the server does it (kit.http_protocol).
            status, given, content = await straight
            sent += [{"status": status, "headers": [*given, (b"content-length", b"%d" % len(content))]}, {"body": content}]
        else:
            await self._app(scope, receive, send)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        return Response(
            status=sent[0]["status"],
            headers=dict(headers),
            cookies=[value for name, value in headers if name == "set-cookie"],
            body=b"".join(message.get("body", b"") for message in sent[1:]),
        )

    async def _start(self) -> dict[str, Any]:
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def send(message: Any) -> None:
            await said.put(dict(message))

        self._events = asyncio.Queue()
        self._life = asyncio.get_running_loop().create_task(self._app({"type": "lifespan"}, self._events.get, send))
        await self._events.put({"type": "lifespan.startup"})
        return await said.get()

    async def _stop(self) -> None:
        assert self._life is not None
        await self._events.put({"type": "lifespan.shutdown"})
        await self._life


@pytest.fixture(scope="session")
def log_database(databases: Databases, worker_id: str) -> Iterator[Database]:
    """A database of this package's tests: log, generation and catalogue belong to the instance, and not to a brand."""
    name = f"scans_{worker_id}"
    made = databases.make(name)
    yield made
    databases.drop(name, made)


@pytest.fixture
def instance(log_database: Database) -> Database:
    """As new: no brand, no scan, no generation."""
    with log_database.owner_engine.begin() as connection:
        tables = "tenant, scan, scan_total, code_state, scan_month, pin_try, log_position, log_generation, log_dead_letter"
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return log_database


@pytest.fixture
def settings(instance: Database, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {
        "DATABASE_URL": instance.app_url,
        "REDIS_URL": redis_url,
        "data_dir": tmp_path,
        "web_port": 9,
        "secret": SECRET,
    }
    return Settings(**given)


@pytest.fixture
def market(instance: Database, redis_url: str, settings: Settings, clock: FixedClock) -> Iterator[Market]:
    engine = instance.app_engine
    now = clock.now()
    with transaction(engine, tenant_id=None) as session:
        brand = brands.create(
            session,
            slug="tea",
            name="Tea House",
            scan_origin="https://tea.example",
            gtin_prefixes=("952",),
            kek=settings.kek_bytes,
            now=now,
        )
        tenant_id = brand.tenant_id
        products.add(session, tenant_id=tenant_id, gtin=GTIN, name="Tea", name_zh="茶", now=now)
        order = orders.place(
            session, tenant_id=tenant_id, gtin=GTIN, quantity=100, lot="L1", request_id="one", now=now, actor="test"
        )
        ranges.activate(session, tenant_id=tenant_id, order_id=order.id, first=1, last=90, now=now, actor="test")
        cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=order.epoch, kek=settings.kek_bytes)
        serials = [serial.decode() for serial in cipher.serials(order.first_counter, order.quantity)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        generations.ensure(engine, redis, now=now)
        yield Market(
            engine=engine, settings=settings, clock=clock, redis=redis, tenant_id=tenant_id, order=order, serials=serials
        )


@pytest.fixture
def ingester(market: Market) -> Ingester:
    return Ingester(market.engine, market.redis, projections=(statistics.project,), locate=locate, clock=market.clock)


def locate(latitudes: npt.NDArray[np.float64], longitudes: npt.NDArray[np.float64]) -> list[str]:
    """Two divisions, east and west of the 110th meridian."""
    assert (np.abs(latitudes) <= 90).all()
    return ["310000" if longitude > 110 else "510000" for longitude in longitudes]


@pytest.fixture
def edge(market: Market) -> Iterator[LocalEdge]:
    with LocalEdge.running(market.settings, market.clock) as running:
        yield running


@pytest.fixture
def trusting_edge(market: Market) -> Iterator[LocalEdge]:
    """Behind a proxy of the network 10."""
    with LocalEdge.running(market.settings.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)}), market.clock) as running:
        yield running
