"""What is seen from above: the planted changes are in the pixels, fires where and when the stories say."""

import hashlib
import io
import json
from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pytest
import shapely
import shapely.geometry
from minio import Minio
from PIL import Image

from citybrain.simulate.satellite.hotspots import (
    OUTBREAK_FIRES,
    OUTBREAK_SPREAD,
    hotspot_content,
    hotspot_rows,
)
from citybrain.simulate.satellite.landscape import TILES, Land, land
from citybrain.simulate.satellite.rivers import LINE_HALF_WIDTH_M, sections
from citybrain.simulate.satellite.scenes import CLOUDED, PIXEL_M, PIXELS, scene_bands, scene_tiff, scenes

from .conftest import STARTED, WrittenCity
from .deliveries import read_rows, truth_of

QUARTERS = {scene.place: scene for scene in scenes(STARTED, STARTED)}


def seen(tile: str, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """NDVI and whether the pixel is clear."""
    red, near, mask = scene_bands(QUARTERS[tile, quarter], 11).astype(float)
    return (near - red) / np.maximum(near + red, 1), mask == 1


def test_eight_quarters_of_two_tiles() -> None:
    assert sorted(QUARTERS) == [(tile.name, quarter) for tile in TILES for quarter in range(8)]
    newest = max(scene.acquired_at for scene in QUARTERS.values())
    assert newest < STARTED
    assert STARTED - newest < timedelta(days=95)
    later = list(scenes(STARTED, STARTED + timedelta(days=200)))
    assert later[:16] == list(scenes(STARTED, STARTED))
    assert [scene.quarter for scene in later[16:]] == [8, 8, 9, 9]


def test_the_same_scene_gives_the_same_bytes() -> None:
    scene = QUARTERS["T1QC", 6]
    assert scene_tiff(scene, scene_bands(scene, 3)) == scene_tiff(scene, scene_bands(scene, 3))
    assert (scene_bands(scene, 3) != scene_bands(scene, 4)).any()


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: tile.name)
def test_a_building_changes_its_pixels_when_the_story_says(tile) -> None:  # type: ignore[no-untyped-def]
    for building in tile.buildings:
        (west, north), (east, south) = tile.corners(building)[[0, 2]] / PIXEL_M
        inside = np.s_[int(north) + 1 : int(south), int(west) + 1 : int(east)]
        for quarter in range(8):
            ndvi, clear = seen(tile.name, quarter)
            assert clear[inside].all(), (building, quarter)
            assert (ndvi[inside].mean() < 0.08) == building.stands(quarter), (building, quarter)


def test_clouds_cover_what_they_should() -> None:
    for place, scene in QUARTERS.items():
        mask = scene_bands(scene, 11)[2]
        share = (mask == 2).sum() / (mask > 0).sum()
        assert (share > 0.7) == (place == CLOUDED), place


def test_a_building_stands_within_the_line_or_does_not() -> None:
    for tile in TILES:
        middle = (np.arange(PIXELS) + 0.5) * PIXEL_M
        x, y = np.meshgrid(middle, middle)
        built = land(tile, x, y, 7) == Land.BUILDING
        from_river = np.abs(y - tile.river_y(x))
        assert (built & (from_river < LINE_HALF_WIDTH_M)).any()
        assert not (built & (land(tile, x, y, 7) == Land.WATER)).any()


def test_the_lines_hold_the_buildings_of_their_stories(city: WrittenCity) -> None:
    stories = json.loads((city.settings.data_dir / "truth" / "stories.json").read_bytes())
    polygons = {
        row["section_id"]: shapely.geometry.shape(row["geometry"])
        for row in read_rows(city.settings, "management_line")
        if row["geometry"]["type"] == "Polygon"
    }
    assert set(polygons) == {section.section_id for section in sections()}
    assert all(polygon.is_valid for polygon in polygons.values())
    buildings = [story for story in stories if story["dataset"] == "satellite_scene"]
    assert len(buildings) == 4
    for story in buildings:
        outline = shapely.geometry.shape(json.loads(story["where"]))
        touched = [name for name, polygon in polygons.items() if polygon.intersects(outline)]
        assert len(touched) == (story["story"] != "building_outside_line"), story
        assert 3000 < shapely.area(outline) * 111_195**2 * np.cos(np.radians(33.7)) < 9000


@pytest.mark.integration
def test_pictures_are_what_the_manifest_says(city: WrittenCity) -> None:
    access, secret = city.settings.s3_access
    client = Minio(city.settings.s3_address, access_key=access, secret_key=secret, secure=False)
    spoilt = {planted["place"] for planted in truth_of(city.settings, "drone_picture")}
    rows = read_rows(city.settings, "drone_picture")
    assert len(rows) - len(spoilt) == 11
    for place, row in enumerate(rows, 1):
        if place in spoilt:
            continue
        content = client.get_object(city.settings.bucket("inbox"), row["object_name"]).read()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert Image.open(io.BytesIO(content)).size == (row["width"], row["height"])
        assert datetime.fromisoformat(row["taken_at"]) < STARTED


def test_days_of_hot_spots_stand_on_their_own() -> None:
    day = STARTED.date()
    whole, rows, _ = hotspot_content(3, day - timedelta(days=60), day)
    parts = [hotspot_rows(3, day - timedelta(days=back)) for back in range(60, -1, -1)]
    assert whole == hotspot_content(3, day - timedelta(days=60), day)[0]
    assert abs(rows - sum(map(len, parts))) <= 3  # the doubled ones


@pytest.mark.integration
def test_straw_burns_at_harvest_and_works_the_whole_year(city: WrittenCity) -> None:
    stories = json.loads((city.settings.data_dir / "truth" / "stories.json").read_bytes())
    outbreak = next(story for story in stories if story["story"] == "straw_burning")
    latitude, longitude = map(float, outbreak["key"].split())
    spoilt = {planted["place"] for planted in truth_of(city.settings, "satellite_hotspot")}
    rows = read_rows(city.settings, "satellite_hotspot")
    good = [row for place, row in enumerate(rows, 1) if place not in spoilt]
    by_month: dict[int, int] = defaultdict(int)
    near = 0
    for row in good:
        by_month[int(row["acq_date"][5:7])] += 1
        distance = max(abs(float(row["latitude"]) - latitude), abs(float(row["longitude"]) - longitude))
        near += row["acq_date"] == outbreak["from"][:10] and distance <= OUTBREAK_SPREAD
    assert near >= 0.85 * OUTBREAK_FIRES
    assert set(by_month) == set(range(1, 13))
    quiet = max(by_month[month] for month in range(1, 13) if month not in (6, 10))
    assert min(by_month[6], by_month[10]) > 1.3 * quiet
    assert {row["confidence"] for row in good} == {"low", "nominal", "high"}
    assert 0.005 < len(spoilt) / len(rows) < 0.05
