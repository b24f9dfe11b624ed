"""29 compounds inside their counties, 28 of them with a camera."""

import json

import numpy as np
import pytest
import shapely
import shapely.geometry

from citybrain.catalogue import load_datasets, wgs84_to_gcj02
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.compounds import camera_delivery, compound_delivery, load_compounds
from citybrain.simulate.places import DATA, division_rows


def test_every_compound_stands_inside_its_county_and_community() -> None:
    names = {row["code"]: row["name"] for row in division_rows("division_county")}
    villages = {row["code"]: row for row in division_rows("division_village")}
    features = json.loads((DATA / "county_boundary.geojson").read_text(encoding="utf-8"))["features"]
    outlines = {
        feature["properties"]["name"]: shapely.geometry.shape(feature["geometry"]) for feature in features
    }
    for compound in load_compounds():
        county = compound.compound_id[:6]
        assert villages[compound.village_code]["areaCode"] == county
        assert villages[compound.village_code]["name"] == compound.community
        drawn = wgs84_to_gcj02(np.array([[compound.lon, compound.lat]]))[0]
        assert outlines[names[county]].covers(shapely.Point(drawn)), compound


def test_one_compound_has_no_camera() -> None:
    compounds = load_compounds()
    assert len({compound.compound_id for compound in compounds}) == 29
    assert [compound.connected for compound in compounds].count(False) == 1
    assert (compound_delivery()[1], camera_delivery()[1]) == (29, 28)


@pytest.mark.parametrize(
    ("dataset", "content"), [("compound_register", compound_delivery), ("camera_register", camera_delivery)]
)
def test_the_registers_carry_the_headers_their_datasets_name(dataset: str, content: object) -> None:
    columns = load_datasets(Settings(project=SOURCE_TREE))[dataset].columns
    header = content()[0].decode().splitlines()[0].split(",")  # type: ignore[operator]
    assert header == [
        column.accepted_headers[-1] if len(column.accepted_headers) == 1 else column.headers[0]
        for column in columns
    ]
