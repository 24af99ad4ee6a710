"""Where benchmarks run: an instance of their own on private servers in a folder that is removed afterwards.

The folder lies in `var/`, beside real data, so that fsync costs what it costs there; /tmp may be memory.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench import figures
from codegen import digital_link, orders
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.orders import CodeOrder
from kit import chance, settings
from kit.db import transaction
from scanservice.hot import functions, generations
from web import first_start, instance
from web.instance import Instance

VAR = Path("var")
ACTOR = "bench"
SEED = 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """An instance with the demo brand; `tenant_id` is that brand's."""

    onemark: Instance
    tenant_id: int

    @property
    def folder(self) -> Path:
        return self.onemark.settings.data_dir

    def order(self, *, quantity: int, lot: str, activate: bool = False) -> CodeOrder:
        now = self.onemark.clock.now()
        with self.onemark.transaction(self.tenant_id) as session:
            order = orders.place(
                session,
                tenant_id=self.tenant_id,
                gtin=first_start.GTIN,
                quantity=quantity,
                lot=lot,
                request_id=f"bench-{lot}",
                now=now,
                actor=ACTOR,
            )
            if activate:
                ranges.activate(session, tenant_id=self.tenant_id, order_id=order.id, now=now, actor=ACTOR)
        return order

    def paths(self, order: CodeOrder) -> list[str]:
        """What phones ask for: the path of every code of an order, shuffled, so that neighbours share nothing but chance."""
        with self.onemark.transaction(self.tenant_id) as session:
            cipher = keyring.cipher(session, tenant_id=self.tenant_id, epoch=order.epoch, kek=self.onemark.settings.kek_bytes)
        origin = first_start.origin(self.onemark.settings)
        prefix = digital_link.prefix(origin, order.gtin, order.profile).removeprefix(origin)
        paths = [prefix + serial.decode() for serial in cipher.serials(order.first_counter, order.quantity).tolist()]
        chance.seeded(SEED).shuffle(paths)
        return paths

    def strewn_paths(self, order: CodeOrder, *, one_in: int) -> Iterator[str]:
        """What phones ask for: the path of one in so many codes of an order, from all over it, in no order."""
        with self.onemark.transaction(self.tenant_id) as session:
            cipher = keyring.cipher(session, tenant_id=self.tenant_id, epoch=order.epoch, kek=self.onemark.settings.kek_bytes)
        for place in chance.seeded(SEED).sample(range(order.quantity), order.quantity // one_in):
            yield f"/01/{order.gtin}/21/{cipher.serial_of(order.first_counter + place)}"

    def orders_counted(self) -> int:
        with self.onemark.transaction(self.tenant_id) as session:
            return int(session.scalar(text("SELECT count(*) FROM code_order")) or 0)


@contextmanager
def prepared() -> Iterator[Ground]:
    """Servers of its own even where the environment names some: a benchmark fills what it measures."""
    VAR.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=VAR, ignore_cleanup_errors=True) as folder:
        private = settings.read().model_copy(
            update={
                "data_dir": Path(folder).absolute(),
                "environment": "onebox",
                "database_url": "",
                "database_owner_url": "",
                "redis_url": "",
                "queue_redis_url": "",
            }
        )
        with instance.opened(private) as onemark:
            functions.prepare(onemark.redis)
            generations.ensure(onemark.engine, onemark.redis, now=onemark.clock.now())
            yield Ground(onemark=onemark, tenant_id=onemark.tenant_id(first_start.SLUG))


def described(ground: Ground) -> str:
    """The line about machine and versions."""
    with transaction(ground.onemark.engine, tenant_id=None) as session:
        postgres = str(session.scalar(text("SHOW server_version")))
    server = ground.onemark.redis.info("server")
    valkey = str(server.get("valkey_version") or server["redis_version"])
    return figures.machine(now=ground.onemark.clock.now(), postgres=postgres, valkey=valkey, folder=ground.folder)
