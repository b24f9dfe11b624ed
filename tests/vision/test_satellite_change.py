"""Changes of the ground: the demo city's scenes with buildings that come and go, and clouds."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from shapely.geometry import shape

from citybrain.catalogue import ContentError
from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.simulate.satellite.landscape import TILES, to_wgs84
from citybrain.simulate.satellite.rivers import line_content
from citybrain.simulate.satellite.scenes import Scene, scene_bands, scene_tiff, scenes
from citybrain.vision.satellite import load_change_rule, look_at_quarter, quarters_to_look_at
from citybrain.vision.satellite.change import BUILT, compare, patches
from citybrain.vision.satellite.composite import Composite, composite_of, composite_of_index
from citybrain.vision.satellite.run import before, last_year, quarter_start
from standing_in import standing_in

RULE = load_change_rule(Settings(project=SOURCE_TREE))
STARTED = datetime(2026, 11, 26, tzinfo=UTC)
SEED = 341600


def test_clouds_are_left_out_of_a_composite() -> None:
    clear, cloudy = np.full((3, 2, 2), 1000, np.uint16), np.full((3, 2, 2), 9000, np.uint16)
    clear[1], clear[2], cloudy[2] = 3000, 1, 2
    clear[2, 1, 1] = 2
    picture = composite_of([cloudy, clear])
    assert picture.seen.tolist() == [[True, True], [True, False]]
    assert picture.ndvi[0, 0] == pytest.approx(0.5)
    assert picture.reflectance is not None and picture.reflectance[0, 0] == pytest.approx(0.4)


def test_the_median_of_an_index_series_knows_when_a_pixel_was_clear() -> None:
    ndvi = np.array([[[0.2]], [[0.9]], [[0.4]]], np.float32)
    assert composite_of_index(ndvi, np.array([[[True]], [[False]], [[True]]])).ndvi[0, 0] == pytest.approx(
        0.3
    )
    assert not composite_of_index(ndvi, np.zeros((3, 1, 1), bool)).seen.any()


def ground(ndvi: float, light: float) -> Composite:
    return Composite(np.full((8, 8), ndvi, np.float32), np.full((8, 8), light, np.float32))


def test_a_field_that_turns_brown_as_every_autumn_is_no_change() -> None:
    autumn, summer = ground(0.10, 0.55), ground(0.6, 0.36)
    assert not compare(RULE, autumn, summer, ground(0.10, 0.55)).kind.any()
    assert (compare(RULE, autumn, summer, ground(0.4, 0.36)).kind == BUILT).all()


def test_what_was_cloudy_on_one_side_is_not_said_to_be_unchanged() -> None:
    now, then = ground(0.02, 0.64), ground(0.5, 0.36)
    then.ndvi[:4] = np.nan
    found = compare(RULE, now, then, None)
    assert not found.known[:4].any() and not found.kind[:4].any()
    assert (found.kind[4:] == BUILT).all()


def test_patches_below_the_least_size_and_outside_are_left_out() -> None:
    from rasterio.transform import from_origin

    now, then = ground(0.5, 0.36), ground(0.5, 0.36)
    now.ndvi[0:2, 0:3], now.ndvi[5:7, 5:7] = 0.02, 0.02
    assert now.reflectance is not None
    now.reflectance[now.ndvi < 0.1] = 0.64
    found = compare(RULE, now, then, None)
    grid = from_origin(0, 80, 10, 10)
    (patch,) = patches(RULE, found, grid, np.ones((8, 8), bool))
    assert (patch.kind, patch.pixels, patch.window) == ("built", 6, (slice(0, 2), slice(0, 3)))
    assert patch.ndvi_before == pytest.approx(0.5) and patch.ndvi_after == pytest.approx(0.02)
    outside = np.zeros((8, 8), bool)
    assert list(patches(RULE, found, grid, outside)) == []


def test_quarters() -> None:
    assert quarter_start(date(2026, 11, 12)) == date(2026, 10, 1)
    assert (before(date(2026, 1, 1)), last_year(date(2026, 1, 1))) == (date(2025, 10, 1), date(2025, 1, 1))


def test_a_wrong_rule_names_its_line(tmp_path: Path) -> None:
    text = (SOURCE_TREE / "detectors" / "satellite_change" / "change.yml").read_text(encoding="utf-8")
    path = tmp_path / "detectors" / "satellite_change" / "change.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("ndvi_at_most: 0.12", "ndvi_at_most: 12"), encoding="utf-8")
    with pytest.raises(ContentError, match="less than or equal to 1"):
        load_change_rule(Settings(project=tmp_path))


_MARTS = {
    "dim_satellite_scene": "(scene_id text, acquired_at timestamptz, quarter_start date, crs text,"
    " west numeric, south numeric, east numeric, north numeric, clear_share numeric, origin text,"
    " object_key text, loaded_at timestamptz)",
    "dim_management_line": "(section_id text, section_name text, county_code text, geojson text,"
    " origin text)",
}


@pytest.fixture
def above(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The demo city's scenes in the lake and its river sections, as the warehouse would have them."""
    own = settings.model_copy(update={"project": SOURCE_TREE})
    content, _, _ = line_content()
    features = json.loads(content)["features"]
    ensure_bucket(own, "landing")
    with standing_in(own, _MARTS, [DatabaseRole.WATCHER]) as dbt:
        for feature in features[:-1]:  # the last one is spoilt
            told = feature["properties"]
            dbt.execute(
                "INSERT INTO marts.dim_management_line VALUES (%s, %s, %s, %s, 'synthetic')",
                (
                    told["section_id"],
                    told["section_name"],
                    told["section_id"][:6],
                    json.dumps(feature["geometry"]),
                ),
            )
        for scene in scenes(STARTED, STARTED):
            if scene.quarter >= 2:
                dbt.execute(
                    "INSERT INTO marts.dim_satellite_scene"
                    " VALUES (%s, %s, %s, 'EPSG:32650', %s, %s, %s, %s, 1, 'synthetic', %s, now())",
                    scene_row(own, scene),
                )
        dbt.commit()
        yield own
    with psycopg.connect(own.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute("TRUNCATE meta.satellite_change, meta.satellite_look")


def scene_row(settings: Settings, scene: Scene) -> tuple[Any, ...]:
    corners = to_wgs84(scene.tile, np.array([[0.0, 0.0], [2560, 0], [0, 2560], [2560, 2560]]))
    (west, south), (east, north) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    key = f"satellite_scene/{scene.scene_id}.tif"
    with spool_folder(settings) as folder:
        content = scene_tiff(scene, scene_bands(scene, SEED))
        spooled = spool([content], folder / "scene", settings.max_object_mb)
        create_object(settings, "landing", key, spooled, {})
    quarter = quarter_start(scene.acquired_at.date())
    return scene.scene_id, scene.acquired_at, quarter, west, south, east, north, key


@pytest.mark.integration
def test_planted_buildings_are_found_and_nothing_else(above: Settings) -> None:
    wanted = quarters_to_look_at(above)
    assert len(wanted) == 5
    for quarter in wanted:
        look_at_quarter(above, quarter)
    assert quarters_to_look_at(above) == []
    with psycopg.connect(above.dsn(DatabaseRole.WATCHER)) as city:
        found = city.execute(
            "SELECT kind, zone_id, quarter, geojson, area_m2, evidence"
            " FROM meta.satellite_change WHERE zone_kind = 'management_line' ORDER BY quarter"
        ).fetchall()
        outcomes = dict(
            city.execute(
                "SELECT outcome, count(*) FROM meta.satellite_look WHERE zone_kind = 'management_line'"
                " GROUP BY outcome"
            ).fetchall()
        )
    taken = {scene.place: quarter_start(scene.acquired_at.date()) for scene in scenes(STARTED, STARTED)}
    truth = {
        ("built" if building.until is None else "cleared", taken[tile.name, change]): shape(
            {
                "type": "Polygon",
                "coordinates": [to_wgs84(tile, tile.corners(building)[[0, 1, 2, 3, 0]]).tolist()],
            }
        )
        for tile in TILES
        for building in tile.buildings
        if building.inside_line
        and (change := building.first if building.until is None else building.until) >= 3
    }
    assert {(kind, quarter) for kind, _, quarter, *_ in found} == set(truth)
    assert len(found) == len(truth) == 3
    for kind, zone_id, quarter, outline, area, evidence in found:
        true, seen = truth[kind, quarter], shape(outline)
        assert true.intersection(seen).area / true.union(seen).area > 0.6, (kind, zone_id, quarter)
        assert area > 2_000
        assert [one["kind"] for one in evidence] == ["before", "after"]
    assert outcomes["changed"] == 3 and outcomes["unchanged"] > 20
    look_at_quarter(above, wanted[-1])  # again: the same rows stand, the old ones are kept beside
    with psycopg.connect(above.dsn(DatabaseRole.WATCHER)) as city:
        row = city.execute(
            "SELECT count(*) FILTER (WHERE superseded_at IS NULL), count(DISTINCT key), count(*)"
            " FROM meta.satellite_change WHERE zone_kind = 'management_line'"
        ).fetchone()
    assert row is not None and row[:2] == (3, 3) and row[2] > 3
