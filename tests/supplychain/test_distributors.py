import pytest

from kit.clock import FixedClock
from kit.db import transaction
from supplychain import distributors
from supplychain.distributors import Change, Distributor, DistributorMalformed, DistributorUnknown
from tests.conftest import Brand, Database

EAST = Distributor(distributor_id="D-EAST", name="华东经销", divisions=("310000", "330000"))
SOUTH = Distributor(distributor_id="D-SOUTH", name="South", divisions=("440000",))


def test_a_distributor_is_found_with_its_territory(database: Database, brand: Brand, clock: FixedClock) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        changes = distributors.put_all(session, [EAST, SOUTH], tenant_id=brand.tenant_id, now=clock.now())
        assert changes == {"D-EAST": Change.NEW, "D-SOUTH": Change.NEW}
        assert distributors.find(session, "D-EAST", tenant_id=brand.tenant_id) == EAST
        assert distributors.everybody(session, tenant_id=brand.tenant_id) == (EAST, SOUTH)
        assert distributors.territory(session, "D-SOUTH", tenant_id=brand.tenant_id) == ("440000",)


def test_the_same_again_changes_nothing_and_new_data_replace_the_old(database: Database, brand: Brand, clock: FixedClock) -> None:
    moved = Distributor(distributor_id="D-EAST", name="East & Sons", divisions=("310000", "VN-HN"))
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        distributors.put_all(session, [EAST, SOUTH], tenant_id=brand.tenant_id, now=clock.now())
        assert distributors.put(session, EAST, tenant_id=brand.tenant_id, now=clock.now()) is Change.SAME
        assert distributors.put(session, moved, tenant_id=brand.tenant_id, now=clock.now()) is Change.CHANGED
        session.expire_all()
        assert distributors.everybody(session, tenant_id=brand.tenant_id) == (moved, SOUTH)


def test_a_stranger_sees_none_of_them(database: Database, brand: Brand, other_brand: Brand, clock: FixedClock) -> None:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        distributors.put(session, EAST, tenant_id=brand.tenant_id, now=clock.now())
    with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
        assert distributors.everybody(session, tenant_id=other_brand.tenant_id) == ()
        with pytest.raises(DistributorUnknown):
            distributors.find(session, "D-EAST", tenant_id=other_brand.tenant_id)


@pytest.mark.parametrize(
    ("field", "distributor_id", "name", "divisions"),
    [
        ("distributor_id", "", "East", ()),
        ("distributor_id", " D", "East", ()),
        ("distributor_id", "D" * 65, "East", ()),
        ("name", "D", "  ", ()),
        ("name", "D", "a\nb", ()),
        ("divisions", "D", "East", ("330000", "339999")),
        ("divisions", "D", "East", ("CN-ZJ",)),
    ],
)
def test_what_is_wrong_is_named(field: str, distributor_id: str, name: str, divisions: tuple[str, ...]) -> None:
    with pytest.raises(DistributorMalformed) as refused:
        distributors.checked(distributor_id=distributor_id, name=name, divisions=divisions)
    assert refused.value.data["field"] == field
