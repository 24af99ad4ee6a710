import numpy as np
import pytest

from supplychain import geography


@pytest.mark.parametrize(
    ("latitude", "longitude", "division", "full_name"),
    [
        (30.2590, 120.1300, "330106", "浙江省杭州市西湖区"),
        (39.9087, 116.3975, "110101", "北京市东城区"),
        (31.2397, 121.4998, "310115", "上海市浦东新区"),
        (29.3000, 120.0700, "330782", "浙江省金华市义乌市"),
        (23.0200, 113.7500, "441900", "广东省东莞市"),
        (16.8300, 112.3400, "460321", "海南省三沙市西沙区"),
        (25.0330, 121.5654, "710009", "台湾省台北市"),
        (22.2783, 114.1747, "810107", "香港特别行政区湾仔区"),
    ],
)
def test_a_position_lies_in_its_county(latitude: float, longitude: float, division: str, full_name: str) -> None:
    assert geography.locate(latitude, longitude) == division
    assert geography.full_name(division) == full_name


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(48.85, 2.35), (0.0, 0.0), (91.0, 116.0), (39.9, 999.0), (float("nan"), 1.0)]
)
def test_outside_china_and_absurd_positions_have_no_division(latitude: float, longitude: float) -> None:
    assert geography.locate(latitude, longitude) == ""


def test_many_positions_are_located_as_each_alone() -> None:
    chance = np.random.default_rng(7)
    latitudes, longitudes = chance.uniform(18, 50, 300), chance.uniform(75, 132, 300)
    latitudes[5] = np.nan
    together = geography.locate_many(latitudes, longitudes)
    assert [str(code) for code in together] == [
        geography.locate(latitude, longitude) for latitude, longitude in zip(latitudes, longitudes, strict=True)
    ]
    assert len(set(together)) > 50


def test_no_position_is_no_lookup() -> None:
    assert geography.locate_many(np.array([]), np.array([])).tolist() == []


@pytest.mark.parametrize(
    ("territory", "division", "covered"),
    [
        ("330000", "330106", True),
        ("330100", "330106", True),
        ("330106", "330106", True),
        ("330200", "330106", False),
        ("330106", "330100", False),
        ("330000", "340104", False),
        ("469000", "469005", True),
        ("441900", "441900", True),
        ("VN", "VN-HN", True),
        ("VN-HN", "VN-HN", True),
        ("VN-HN", "VN-SG", False),
        ("VN", "330106", False),
        ("330000", "VN-HN", False),
        ("", "", False),
        ("330000", "", False),
    ],
)
def test_a_territory_covers_what_lies_in_it(territory: str, division: str, *, covered: bool) -> None:
    assert geography.covers(territory, division) is covered


@pytest.mark.parametrize("division", ["330000", "330100", "330106", "469000", "110100", "VN-HN", "US-CA", "JP"])
def test_a_territory_may_name_known_divisions(division: str) -> None:
    assert geography.known(division)


@pytest.mark.parametrize("division", ["999999", "33010", "3301066", "CN-ZJ", "cn", "zhejiang", "", "３３０１００"])
def test_unknown_divisions_are_told_apart(division: str) -> None:
    assert not geography.known(division)


def test_provinces_have_english_names_and_the_rest_chinese_ones() -> None:
    assert geography.name("330000", language="en") == "Zhejiang"
    assert geography.full_name("330106", language="en") == "Zhejiang 杭州市 西湖区"
    assert len(geography.provinces()) == 34
    assert all(geography.name(code) != code for code in geography.provinces())


def test_parents_lead_to_the_province() -> None:
    assert geography.parent("330106") == "330100"
    assert geography.parent("330100") == "330000"
    assert geography.parent("330000") == ""
    assert geography.parent("110101") == "110000"
    assert geography.province("330106") == "330000"
    assert geography.province("VN-HN") == ""
