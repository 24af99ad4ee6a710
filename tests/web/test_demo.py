import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import phonenumbers
import pytest
from sqlalchemy import text

from codegen import orders
from codegen.lifecycle import ranges
from crm import identities
from kit import chance, redis, servers
from kit.clock import FixedClock
from kit.db import transaction
from kit.ids import uuid7
from kit.jobs import Jobs
from kit.settings import Settings
from scanservice.verdicts import Verdict
from supplychain import geography
from tests.conftest import NOW, Database, Databases
from web import first_start
from web.demo import cast, filling, history, membership, people, places, story
from web.demo.filling import Filled
from web.demo.ground import DemoDiffers, Options
from web.demo.story import Story
from web.instance import Instance

SMALL = Options(seed=1, codes=300, days=5)


@contextmanager
def no_bar(_label: str, _total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


def open_box(database: Database, data_dir: Path, redis_url: str) -> Instance:
    """An instance after its first start."""
    settings = Settings(data_dir=data_dir).model_copy(
        update={"database_url": database.app_url, "database_owner_url": database.owner_url, "redis_url": redis_url}
    )
    first_start.prepare(database.app_engine, settings, now=NOW)
    client = redis.connect(redis_url)
    return Instance(settings=settings, engine=database.app_engine, clock=FixedClock(NOW), redis=client, jobs=Jobs(client))


@pytest.fixture
def onebox(fresh_database: Database, tmp_path: Path, redis_url: str) -> Iterator[Instance]:
    """On a database of its own: GTINs are unique in an instance."""
    opened = open_box(fresh_database, tmp_path, redis_url)
    yield opened
    opened.redis.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A brand that the demo has filled, for tests that only look."""

    onebox: Instance
    tenant_id: int
    filled: Filled

    def number(self, question: str) -> int:
        with transaction(self.onebox.engine, tenant_id=self.tenant_id) as session:
            return int(session.scalar(text(question)) or 0)


@pytest.fixture(scope="module")
def stage(databases: Databases, servers_of_run: servers.Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    name = f"demo_{uuid7(NOW).hex}"
    database = databases.make(name)
    with redis.connect(servers_of_run.redis_url) as client:
        client.flushall()
        client.function_flush("SYNC")
    opened = open_box(database, tmp_path_factory.mktemp("demo"), servers_of_run.redis_url)
    yield Stage(onebox=opened, tenant_id=opened.tenant_id(first_start.SLUG), filled=fill(opened))
    opened.redis.close()
    databases.drop(name, database)


def fill(onebox: Instance, options: Options = SMALL, *, bar: filling.Bar = no_bar) -> Filled:
    return filling.fill(onebox, options, tenant_id=onebox.tenant_id(first_start.SLUG), bar=bar)


def told(seed: int = 1, codes: int = 600, days: int = 6) -> Story:
    return story.tell(seed=seed, codes=codes, days=days, ends_at=NOW)


def test_the_same_seed_tells_the_same_story() -> None:
    assert told(seed=7) == told(seed=7)
    assert told(seed=7).scans != told(seed=8).scans


def test_a_story_moves_with_the_instant_at_which_it_ends() -> None:
    later = story.tell(seed=1, codes=600, days=6, ends_at=NOW + timedelta(days=7))
    assert [scan.at - timedelta(days=7) for scan in later.scans] == [scan.at for scan in told().scans]


def test_nothing_in_a_story_happens_after_its_end_or_before_the_shipment() -> None:
    whole = told()
    for scan in whole.scans:
        assert scan.at <= NOW
        if not scan.altered and whole.lots[scan.lot].released:
            assert scan.at > whole.lots[scan.lot].shipped_at
    assert all(one.at <= other.at for one, other in pairwise(whole.scans))
    assert all(member.joined_at <= NOW for member in whole.members)


def test_lots_have_all_codes_together() -> None:
    for codes in (story.CODES_MIN, 333, 20_000):
        lots = told(codes=codes).lots
        assert sum(lot.quantity for lot in lots) == codes
        assert all(lot.quantity > 0 for lot in lots)


def test_every_district_of_the_demo_is_on_the_map_and_its_positions_are_in_it() -> None:
    districts = [district for city in places.EVERYWHERE for district in city.districts]
    points = places.positions(districts * 3, chance.seeded(1))
    found = geography.locate_many(np.array([point[0] for point in points]), np.array([point[1] for point in points]))
    assert found.tolist() == districts * 3


def test_distributors_sell_where_their_customers_live() -> None:
    for dealer in cast.DEALERS:
        for city in dealer.cities:
            for district in city.districts:
                assert any(geography.covers(division, district) for division in dealer.divisions)


def test_households_have_networks_of_their_own() -> None:
    town = people.Town(chance.seeded(1))
    households = town.households(places.EVERYWHERE, 600)
    blocks = [{person.ip.rpartition("::")[0] for person in household} for household in households]
    assert all(len(block) == 1 for block in blocks)
    assert len(set.union(*blocks)) == 600


def test_phone_numbers_are_those_of_stories_and_yet_of_a_phone() -> None:
    numbers = [membership.phone(place) for place in range(membership.PHONES_MAX)]
    assert len(set(numbers)) == membership.PHONES_MAX
    for one in numbers:
        assert one[5:10] == "55501"
        assert phonenumbers.is_valid_number(phonenumbers.parse(one, None))
        assert identities.read_phone(one) == one


def test_an_altered_serial_differs_in_one_character_behind_the_epoch() -> None:
    serial = "0816MZTTBH7PFP77PTNS"
    for count in range(40):
        changed = history.altered(serial, count)
        different = [place for place in range(20) if serial[place] != changed[place]]
        assert len(different) == 1
        assert different[0] > 0


def test_the_demo_fills_a_brand_and_again_changes_nothing(onebox: Instance) -> None:
    first = fill(onebox)
    assert first.changed
    assert first.scans_new == first.scans == len(story.tell(seed=1, codes=300, days=5, ends_at=NOW).scans)
    assert first.counts.members_new == first.counts.members > 0
    assert first.counts.claims_new == first.counts.claims > 0
    file = onebox.settings.data_dir / filling.LOGINS_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    later = replace(onebox, clock=FixedClock(NOW + timedelta(days=2)))
    second = fill(later)
    unchanged = replace(first, changed=False, scans_new=0, counts=replace(first.counts, members_new=0, claims_new=0))
    assert second == unchanged


def test_a_demo_that_was_interrupted_is_finished_by_the_next_run(onebox: Instance) -> None:
    class Interrupted(Exception):  # noqa: N818
        pass

    def breaks_off(label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        if label == "Members":
            raise Interrupted
        return no_bar(label, total)

    with pytest.raises(Interrupted):
        fill(onebox, bar=breaks_off)
    second = fill(onebox)
    assert second.scans_new == 0
    assert second.counts.members_new == second.counts.members > 0
    assert second.counts.claims_new == second.counts.claims > 0


def test_another_demo_in_the_same_brand_is_refused(stage: Stage) -> None:
    with pytest.raises(DemoDiffers) as refused:
        fill(stage.onebox, replace(SMALL, seed=2))
    assert "--seed 1 --codes 300 --days 5" in refused.value.detail


def test_the_figures_add_up(stage: Stage) -> None:
    filled = stage.filled
    assert stage.number("SELECT count(*) FROM scan") == filled.scans
    assert stage.number("SELECT sum(scans) FROM scan_total") == filled.scans
    assert stage.number("SELECT sum(scans) FROM visitor_activity") == filled.scans
    confirmed = stage.number("SELECT count(*) FROM scan WHERE confirmed_at IS NOT NULL")
    assert confirmed == stage.number("SELECT sum(confirmed) FROM scan_total") < filled.scans
    assert stage.number("SELECT count(*) FROM claim") == filled.counts.claims
    assert stage.number("SELECT sum(points) FROM point_entry") == 0
    assert stage.number("SELECT sum(points_original) FROM point_lot") == filled.counts.points
    assert stage.number("SELECT sum(points) FROM claim") == filled.counts.points


def test_every_verdict_of_the_story_is_met(stage: Stage) -> None:
    with transaction(stage.onebox.engine, tenant_id=stage.tenant_id) as session:
        met = {Verdict(verdict) for verdict in session.scalars(text("SELECT DISTINCT verdict FROM scan"))}
    assert met == {
        Verdict.GENUINE_FIRST,
        Verdict.GENUINE_AGAIN,
        Verdict.GENUINE_SEEN,
        Verdict.SUSPECT,
        Verdict.COUNTERFEIT,
        Verdict.INACTIVE,
        Verdict.VOID,
    }


def test_one_lot_is_not_released_and_some_codes_are_void(stage: Stage) -> None:
    with transaction(stage.onebox.engine, tenant_id=stage.tenant_id) as session:
        made = [order for order in orders.every(session, tenant_id=stage.tenant_id) if order.ordered_by == "demo"]
        counts = ranges.counts(session, tenant_id=stage.tenant_id, orders=made)
    assert [order.lot for order in made if counts[order.id].active == 0] == ["HN-B04"]
    assert [order.lot for order in made if counts[order.id].void] == ["LJ-A02"]


def test_members_consented_and_nobody_was_sent_a_message(stage: Stage) -> None:
    members = stage.filled.counts.members
    assert stage.number("SELECT count(*) FROM consent WHERE purpose = 'service' AND granted") == members
    assert 0 < stage.number("SELECT count(*) FROM consent WHERE purpose = 'marketing' AND granted") < members
    assert stage.number("SELECT count(*) FROM text_message") == 0


def test_the_demos_logins(stage: Stage) -> None:
    assert [(login.role.value, login.distributor_id) for login in stage.filled.logins] == [
        ("marketer", None),
        ("distributor", "D104"),
        ("distributor", "D105"),
    ]
    assert all(login.password for login in stage.filled.logins)
