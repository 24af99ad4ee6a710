from supplychain import territories
from supplychain.territories import Place


def test_scans_are_inside_outside_or_unknown() -> None:
    split = territories.split({"330106": 7, "330782": 2, "340104": 3, "": 4}, territory=("330000",))
    assert (split.inside, split.outside, split.unknown) == (9, 3, 4)
    assert split.scans == 16
    assert [(share.division, share.place) for share in split.shares] == [
        ("330106", Place.INSIDE),
        ("", Place.UNKNOWN),
        ("340104", Place.OUTSIDE),
        ("330782", Place.INSIDE),
    ]


def test_without_a_territory_nothing_is_foreign() -> None:
    split = territories.split({"330106": 7}, territory=())
    assert (split.inside, split.outside, split.unknown) == (0, 0, 7)
