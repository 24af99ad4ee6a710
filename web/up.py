"""`onemark up`: the whole instance on one port, until Ctrl-C.

Promises: prints where to go, with what logins and a QR code for a phone; a child or server that dies is started again; stopping
leaves nothing running. Says once, at the first start, where the key-encryption key lies and what losing it means.
"""

import os
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from codegen import digital_link, orders, symbols
from codegen.keys import keyring
from kit import servers, settings
from kit.processes import Process, Supervisor
from kit.refusals import Conflict, Refusal
from kit.settings import KEK_FILE, Settings
from scanservice.hot import generations
from scanservice.hot.generations import StateToRebuild
from web import first_start, instance, upkeep
from web.instance import Instance

NAMED = ("edge", "web", "ingester", "worker", "scheduler")


class PortTaken(Conflict):
    code = "port_taken"
    says = "Port {port} on {host} is taken by another program. Choose one with ONEMARK_PORT or --port."


def run(given: Settings, *, out: TextIO = sys.stdout) -> None:
    check_port_free(given.host, given.port)
    first_time = not (given.data_dir / KEK_FILE).exists()
    with instance.opened(given) as onemark:
        upkeep.make_months(onemark)
        try:
            generations.ensure(onemark.engine, onemark.redis, now=onemark.clock.now())
        except StateToRebuild as missing:
            # Everything else works, and the edge answers 503 until somebody has typed that command.
            print(missing.detail, file=out)
        url = _scan_url(onemark)
        web_port = given.web_port or _free_port()
        watch = Watch(onemark.settings, instance.needs(given), web_port=web_port, out=out)
        supervisor = Supervisor(_processes(onemark.settings, web_port), run_dir=given.data_dir / "run", out=out, tick=watch.look)
        watch.supervisor = supervisor
        _greet(onemark.settings, url=url, first_time=first_time, out=out)
        try:
            supervisor.run()
        finally:
            watch.close()
    print("Stopped. Your data stay in", given.data_dir, file=out)


def check_port_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            raise PortTaken(host=host, port=port) from taken


class Watch:
    """Looks after the private servers once a second: one that died is started again, and should it have had to move to another
    port, every process is started afresh with the new address.

    A killed PostgreSQL may need minutes to recover. A thread waits for it, so that the supervisor goes on hearing Ctrl-C and its
    children.
    """

    def __init__(self, addresses: Settings, wanted: frozenset[servers.Server], *, web_port: int, out: TextIO) -> None:
        self._addresses = addresses
        self._wanted = wanted
        self._web_port = web_port
        self._out = out
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="servers")
        self._looking: Future[servers.Revival] | None = None
        self._leaving = threading.Event()
        self.supervisor: Supervisor | None = None

    def look(self) -> None:
        """Takes up what the last look has found, and looks again. Never waits."""
        if not self._wanted:
            return
        if self._looking is not None:
            if not self._looking.done():
                return
            self._take_up(self._looking)
        self._looking = self._thread.submit(
            servers.ensure_running,
            self._addresses.data_dir,
            instance.NAMES,
            needs=self._wanted,
            given_up=self._leaving.is_set,
        )

    def close(self) -> None:
        """Ends a look that is under way: nobody needs the servers any more."""
        self._leaving.set()
        self._thread.shutdown()

    def _take_up(self, looked: Future[servers.Revival]) -> None:
        try:
            revival = looked.result()
        except Refusal as failed:
            print(f"A server cannot be started again, trying on: {failed.detail}", file=self._out)
            return
        for server in revival.started:
            print(f"{server} had died and was started again.", file=self._out)
        moved = instance.with_endpoints(self._addresses, revival.endpoints)
        if moved != self._addresses and self.supervisor is not None:
            self._addresses = moved
            for process in _processes(moved, self._web_port):
                self.supervisor.replace(process)


def _processes(addresses: Settings, web_port: int) -> list[Process]:
    environment = _environment(addresses, web_port)
    run = {name: ["web", "run", name] for name in NAMED} | {"edge": ["scanservice.edge"]}
    return [Process(name=name, argv=[sys.executable, "-m", *run[name]], env=environment) for name in NAMED]


def _environment(addresses: Settings, web_port: int) -> Mapping[str, str]:
    kept_back = ("ONEMARK_", "DATABASE_OWNER_URL")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(kept_back)}  # noqa: TID251 - handed on
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "ONEMARK_DATA_DIR": str(addresses.data_dir.absolute()),
        "ONEMARK_ENVIRONMENT": addresses.environment,
        "ONEMARK_HOST": addresses.host,
        "ONEMARK_PORT": str(addresses.port),
        "ONEMARK_WEB_HOST": addresses.web_host,
        "ONEMARK_WEB_PORT": str(web_port),
        "ONEMARK_PUBLIC_ORIGIN": addresses.public_origin,
        "ONEMARK_REQUEST_BYTES_MAX": str(addresses.request_bytes_max),
        "ONEMARK_SMS_PROVIDER": addresses.sms_provider,
        "ONEMARK_LOG_BYTES_MAX": str(addresses.log_bytes_max),
        "ONEMARK_ADDRESSES_KEPT_DAYS": str(addresses.addresses_kept_days),
        "ONEMARK_POSITIONS_KEPT_DAYS": str(addresses.positions_kept_days),
        "ONEMARK_FILES_KEPT_DAYS": str(addresses.files_kept_days),
        "ONEMARK_SCANS_KEPT_MONTHS": str(addresses.scans_kept_months),
        "ONEMARK_METRICS_HOST": addresses.metrics_host,
        "ONEMARK_METRICS_PORT": str(addresses.metrics_port),
        "ONEMARK_IP_TABLE": addresses.ip_table,
        **({"ONEMARK_SECRET": value} if (value := addresses.secret.get_secret_value()) else {}),
        **({"ONEMARK_KEK": value} if (value := addresses.kek.get_secret_value()) else {}),
        **({"ONEMARK_TRUSTED_PROXIES": settings.as_json(addresses.trusted_proxies)} if addresses.trusted_proxies else {}),
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "QUEUE_REDIS_URL": addresses.queue_url,
    }


def _scan_url(onemark: Instance) -> str:
    """The address of one active code of the first order, with the origin that this box is reached under."""
    tenant_id = onemark.tenant_id(None)
    with onemark.transaction(tenant_id) as session:
        origin = first_start.follow_address(session, tenant_id=tenant_id, settings=onemark.settings)
        first = min(orders.every(session, tenant_id=tenant_id), key=lambda order: (order.epoch, order.first_counter))
        cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=first.epoch, kek=onemark.settings.kek_bytes)
    return digital_link.build(origin, first.gtin, cipher.serial_of(first.first_counter), first.profile)


def _greet(addresses: Settings, *, url: str, first_time: bool, out: TextIO) -> None:
    base = first_start.origin(addresses).lower()
    lines = ["", f"  Onemark is starting on {base}", ""]
    for place, login in first_start.logins(addresses.data_dir).items():
        lines.append(f"  {place.capitalize():8} {base}/sign-in   {login['email']}   {login['password']}")
    lines += ["", f"  Scan this, or open it: {url}", "", symbols.terminal(url)]
    if addresses.host == "127.0.0.1":
        lines.append("  A phone in the same network can scan it after: make up HOST=0.0.0.0")
    if first_time:
        lines += [
            "",
            f"  The key-encryption key lies in {_shown(addresses.data_dir / KEK_FILE)}. Losing it voids every code printed so far:",
            "  copy it to a safe place, then tell `onemark doctor --key-backup FILE` where the copy is.",
        ]
    lines += ["", "  Ctrl-C stops everything.", ""]
    print("\n".join(lines), file=out, flush=True)


def _shown(path: Path) -> str:
    return str(path.absolute())


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
