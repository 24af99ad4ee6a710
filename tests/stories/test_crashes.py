"""Kill -9 of each process in turn under load: every answered scan is in the scan log exactly once.

And an emptied Redis: refusals until the state is rebuilt, then the verdicts that there were.
"""

import asyncio
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from sqlalchemy import text

from kit import chance, servers
from kit.db import make_engine, transaction
from tests.stories.box import Box, started
from tests.waiting import until
from web.instance import NAMES

VICTIMS = ("edge", "edge-worker", "ingester", "valkey", "postgres", "web", "worker", "scheduler")
CLIENTS = 6
DEVICES = 2
BATCH = 20
ANSWERED_AFTER_EACH = 150
CODES = 500
PROVED_S = 300.0


@dataclass
class Load:
    """Clients that scan on and on, and remember each scan that was answered with a verdict."""

    urls: list[str]
    answered: list[str] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def client(self, number: int) -> None:
        pick = chance.seeded(number)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while not self.stop.is_set():
                try:
                    async with session.get(pick.choice(self.urls), headers={"Accept": "application/json"}) as answer:
                        if answer.status == 200:
                            body = await answer.json()
                            await self.note(body)
                            continue
                        assert answer.status in {429, 503}, await answer.text()
                        self.refused += 1
                except (aiohttp.ClientError, TimeoutError, ConnectionError):
                    self.refused += 1
                await asyncio.sleep(0)

    async def device(self, number: int) -> None:
        """Sends batches. Each item is answered for itself; one that was refused may come again, under another id."""
        pick = chance.seeded(1000 + number)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while not self.stop.is_set():
                scans = [{"url": pick.choice(self.urls), "visitor_id": f"device {number}"} for _ in range(BATCH)]
                try:
                    async with session.post(urljoin(self.urls[0], "/v1/scans"), json={"scans": scans}) as answer:
                        if answer.status == 200:
                            results = (await answer.json())["results"]
                            assert len(results) == BATCH
                            await self.note(*(one for one in results if one["status"] == 200))
                            self.refused += sum(one["status"] != 200 for one in results)
                            continue
                        assert answer.status in {429, 503}, await answer.text()
                        self.refused += BATCH
                except (aiohttp.ClientError, TimeoutError, ConnectionError):
                    self.refused += BATCH
                await asyncio.sleep(0)

    async def note(self, *verdicts: dict[str, str]) -> None:
        async with self.heard:
            for body in verdicts:
                self.answered.append(body["scan_id"])
                self.verdicts[body["verdict"]] = self.verdicts.get(body["verdict"], 0) + 1
            self.heard.notify_all()

    async def more(self, count: int) -> None:
        """Waits for `count` further answered scans."""
        target = len(self.answered) + count
        async with self.heard:
            await self.heard.wait_for(lambda: len(self.answered) >= target)


def urls_of(box: Box, folder: Path) -> list[str]:
    order = box.run("codes", "order", "--gtin", "09521234543213", "--quantity", str(CODES), "--lot", "CRASH", "--activate")
    file = folder / "codes.csv"
    box.run("codes", "export", order["order_id"], "--out", str(file))
    lines = file.read_text(encoding="utf-8").splitlines()[1:]
    return [line.split(",")[0].replace("HTTP://127.0.0.1", "http://127.0.0.1") for line in lines]


def logged(box: Box) -> dict[str, int]:
    """How often each scan id stands in the scan log."""
    with servers.joined(box.data_dir, NAMES) as endpoints:
        engine = make_engine(endpoints.database_url)
        with transaction(engine, tenant_id=1) as session:
            rows = session.execute(text("SELECT scan_id::text, count(*) FROM scan GROUP BY 1")).all()
        engine.dispose()
    return {str(scan_id): int(count) for scan_id, count in rows}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with started(tmp_path_factory.mktemp("crash") / "var") as running:
        yield running


async def storm(box: Box, load: Load, victims: Iterable[str]) -> int:
    """Returns how many were killed."""
    killed = 0
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(load.client(number))
        for number in range(DEVICES):
            tasks.create_task(load.device(number))
        await load.more(ANSWERED_AFTER_EACH)
        for victim in victims:
            await asyncio.to_thread(box.kill, victim)
            killed += 1
            await load.more(ANSWERED_AFTER_EACH)
        load.stop.set()
    return killed


def prove_nothing_lost(box: Box, folder: Path, victims: Iterable[str]) -> None:
    load = Load(urls=urls_of(box, folder))
    killed = asyncio.run(storm(box, load, victims))
    box.wait_until_ready()

    def missing() -> set[str]:
        return set(load.answered) - set(logged(box))

    until(lambda: not missing(), "all answered scans are in PostgreSQL")
    counts = logged(box)
    twice = [scan_id for scan_id, times in counts.items() if times > 1]
    print(  # noqa: T201 - for who proves it
        f"{killed} processes killed; {len(load.answered):,} answered, {load.refused:,} refused; "
        f"answered - logged = {len(missing())}, logged twice = {len(twice)}"
    )
    assert len(load.answered) >= ANSWERED_AFTER_EACH * (killed + 1)
    assert len(set(load.answered)) == len(load.answered)
    assert not twice
    assert set(load.verdicts) <= {"genuine_first", "genuine_again", "genuine_seen", "suspect"}


def at_random(seconds: float) -> Iterator[str]:
    """Somebody to kill, for so long."""
    pick, ends = chance.seeded("crashes"), time.monotonic() + seconds
    while time.monotonic() < ends:
        yield pick.choice(VICTIMS)


def test_every_answered_scan_survives_kill_9_of_each_process(box: Box, tmp_path: Path) -> None:
    prove_nothing_lost(box, tmp_path, VICTIMS)


@pytest.mark.prove
def test_every_answered_scan_survives_minutes_of_random_kills(box: Box, tmp_path: Path) -> None:
    prove_nothing_lost(box, tmp_path, at_random(PROVED_S))


def scan(url: str, visitor: str) -> dict[str, Any]:
    """The answer to one scan, with its status; status 0 where nobody answered."""

    async def ask() -> dict[str, Any]:
        async with aiohttp.ClientSession(cookies={"om_v": visitor}) as session:
            with suppress(aiohttp.ClientError):
                async with session.get(url, headers={"Accept": "application/json"}) as answer:
                    return {**await answer.json(content_type=None), "status": answer.status}
        return {"status": 0}

    return asyncio.run(ask())


def verdict(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["status"], answer.get("verdict", "")


def test_an_emptied_redis_answers_503_until_rebuilt_and_then_as_before(box: Box, tmp_path: Path) -> None:
    alice, bob = "A" * 22, "B" * 22
    url, fresh = urls_of(box, tmp_path)[:2]
    first, again = scan(url, alice), scan(url, alice)
    assert [verdict(first), verdict(again)] == [(200, "genuine_first"), (200, "genuine_again")]
    until(lambda: {first["scan_id"], again["scan_id"]} <= logged(box).keys(), "both scans are in PostgreSQL")

    box.kill("valkey")
    for folder in box.data_dir.glob("valkey*"):
        if folder.is_dir():
            shutil.rmtree(folder)
    until(lambda: scan(url, alice)["status"] == 503, "the edge refuses with an empty Redis")
    assert scan(fresh, alice)["status"] == 503
    assert not box.ready()

    rebuilt = box.run("rebuild", "state")
    assert rebuilt["codes"] >= 1
    box.wait_until_ready()
    assert verdict(scan(url, alice)) == (200, "genuine_again")
    assert verdict(scan(fresh, bob)) == (200, "genuine_first")
