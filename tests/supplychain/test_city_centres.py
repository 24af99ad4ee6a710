from supplychain import city_centres, geography


def test_the_file_says_what_the_polygons_say() -> None:
    assert city_centres.read() == city_centres.rounded(geography.city_centres()), "tools/city-centres writes the file anew"
