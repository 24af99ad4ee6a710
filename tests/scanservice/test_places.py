"""Places: cells that tell neighbours from strangers, and the table of addresses."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanservice import places
from scanservice.address_places import NOWHERE, AddressPlaces

SHENZHEN, GUANGZHOU, BEIJING = (22.54, 114.06), (23.13, 113.26), (39.9, 116.4)


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_a_cell_lies_around_its_position(latitude: float, longitude: float) -> None:
    middle = places.centre(places.cell(latitude, longitude))
    assert middle is not None
    assert abs(middle[0] - latitude) <= 0.5 + 1e-9
    assert min(abs(middle[1] - longitude), 360 - abs(middle[1] - longitude)) <= 0.5 + 1e-9


def test_phones_are_only_called_far_apart_when_they_must_have_been() -> None:
    assert places.apart_km(places.cell(*SHENZHEN), places.cell(*GUANGZHOU)) == 0
    beijing = places.apart_km(places.cell(*SHENZHEN), places.cell(*BEIJING))
    assert beijing is not None
    assert 1_300 < beijing < 1_950  # 1,943 km by the great circle, less what cells and addresses leave open
    assert places.apart_km(places.UNKNOWN, places.cell(*BEIJING)) is None
    assert places.apart_km(b"\xff\xff", places.cell(*BEIJING)) is None


@pytest.fixture(scope="module")
def table() -> AddressPlaces:
    read = AddressPlaces()
    assert read.of(ip_address("202.96.134.133").packed) == NOWHERE
    read.load()
    return read


def test_an_address_lies_in_its_city(table: AddressPlaces) -> None:
    assert table.of(ip_address("202.96.134.133").packed).place == places.cell(*SHENZHEN)
    assert table.of(ip_address("202.106.0.20").packed).place in {places.cell(39.9, 116.4), places.cell(40.2, 116.4)}


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "127.0.0.1", "2400:3200::1"])
def test_what_the_table_does_not_place_has_no_place(table: AddressPlaces, address: str) -> None:
    assert table.of(ip_address(address).packed).place == places.UNKNOWN


@pytest.mark.parametrize(("address", "data_centre"), [("223.5.5.5", True), ("119.29.29.29", True), ("202.96.134.133", False)])
def test_nobody_buys_in_a_data_centre(table: AddressPlaces, address: str, *, data_centre: bool) -> None:
    assert table.of(ip_address(address).packed).data_centre is data_centre
