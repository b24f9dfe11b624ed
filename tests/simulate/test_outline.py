"""The shipped outlines as maps get them."""

import json

import pytest
import shapely
from shapely.geometry import Point

from citybrain.catalogue import load_datasets
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.air import STATIONS
from citybrain.simulate.places import DATA
from citybrain.warehouse.outline import Outline, OutlineError, area_km2, outlines_of


@pytest.fixture(scope="module")
def delivered() -> dict[str, str]:
    features = json.loads((DATA / "county_boundary.geojson").read_bytes())["features"]
    return {feature["properties"]["name"]: json.dumps(feature["geometry"]) for feature in features}


@pytest.fixture(scope="module")
def outlines(delivered: dict[str, str]) -> list[Outline]:
    assert load_datasets(Settings(project=SOURCE_TREE))["county_boundary"].src_crs == "GCJ-02"
    return outlines_of(delivered, "GCJ-02")


def test_four_counties_of_the_size_of_bozhou(outlines: list[Outline]) -> None:
    assert [outline.area_code for outline in outlines] == ["341602", "341621", "341622", "341623"]
    assert sum(outline.area_km2 for outline in outlines) == pytest.approx(8_523, rel=0.005)
    for outline in outlines:
        assert outline.geometry.is_valid
        assert outline.geometry.contains(Point(outline.centroid))


def test_outlines_are_light_and_stay_near_what_was_delivered(outlines: list[Outline]) -> None:
    for outline in outlines:
        assert len(shapely.get_coordinates(outline.geometry)) < 700
        assert area_km2(outline.geometry) == pytest.approx(outline.area_km2, rel=0.002)


def test_neighbours_still_share_their_borders(outlines: list[Outline]) -> None:
    shapes = [outline.geometry for outline in outlines]
    assert shapely.area(shapes).sum() == pytest.approx(shapely.union_all(shapes).area, rel=1e-9)


def test_conversion_moves_everything_half_a_kilometre_west(
    delivered: dict[str, str], outlines: list[Outline]
) -> None:
    as_is = outlines_of(delivered, "EPSG:4326")
    for moved, kept in zip(outlines, as_is, strict=True):
        assert kept.centroid[0] - moved.centroid[0] == pytest.approx(0.0054, abs=0.0005)
        assert kept.centroid[1] - moved.centroid[1] == pytest.approx(-0.0016, abs=0.0005)


def test_every_station_stands_in_the_county_its_name_says(outlines: list[Outline]) -> None:
    for station in STATIONS:
        around = [
            outline.name
            for outline in outlines
            if outline.geometry.contains(Point(station.longitude, station.latitude))
        ]
        assert len(around) == 1, station
        assert around[0].startswith(station.name[:2])


def test_one_degree_at_the_equator() -> None:
    """12,308.46 km² between two meridians and two parallels of WGS84 (geodesic edges would add 0.31)."""
    assert area_km2(shapely.box(10, 0, 11, 1)) == pytest.approx(12_308.46, abs=0.05)
    ring = shapely.box(10, 0, 11, 1) - shapely.box(10.25, 0.25, 10.75, 0.75)
    assert area_km2(ring) == pytest.approx(12_308.46 * 0.75, rel=1e-4)


def test_names_of_no_county_are_left_out_and_said(
    delivered: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert len(outlines_of({**delivered, "颍州区": delivered["利辛县"]}, "GCJ-02")) == 4
    assert "颍州区" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        '{"type":"Point","coordinates":[116,33]}',
        '{"type":"Polygon","coordinates":[[[1,1],[2,2]]]}',
    ],
)
def test_what_is_no_area_is_refused_by_name(delivered: dict[str, str], text: str) -> None:
    with pytest.raises(OutlineError, match="利辛县"):
        outlines_of({**delivered, "利辛县": text}, "GCJ-02")


def test_a_crossed_outline_is_mended() -> None:
    bow = '{"type":"Polygon","coordinates":[[[116,33],[116.2,33.2],[116.2,33],[116,33.2],[116,33]]]}'
    (outline,) = outlines_of({"利辛县": bow}, "EPSG:4326")
    assert outline.geometry.is_valid
    assert outline.area_km2 > 0
