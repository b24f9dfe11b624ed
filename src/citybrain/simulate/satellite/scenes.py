"""A scene of each tile and quarter as GeoTIFF: red, near infrared and cloud mask, with clouds and changes.

Two scenes come wrong at first and are stated again a week later: one with its bands swapped, one in the
neighbouring UTM zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import orjson
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content, Delivery, Place
from citybrain.simulate.dirt import Planted
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.satellite.landscape import (
    FIRST_NEWEST,
    SIDE_M,
    TILES,
    UTM_EPSG,
    Building,
    Floats,
    Tile,
    land,
    to_wgs84,
)

PIXELS = 256
PIXEL_M = SIDE_M / PIXELS
MONTH_OF_QUARTER = (2, 5, 8, 11)
DELIVERED_AFTER = timedelta(days=3)
STATED_AGAIN_AFTER = timedelta(days=10)
NO_DATA, CLEAR, CLOUD = 0, 1, 2
KEPT_CLEAR_M = 130.0  # around a building of a story: its change can be seen

# NDVI by Land, in February, May, August and November; and the sum of both reflectances times 10,000.
NDVI = np.array(
    [
        [-0.25, -0.22, -0.18, -0.24],
        [0.38, 0.62, 0.70, 0.24],
        [0.28, 0.58, 0.74, 0.46],
        [0.16, 0.22, 0.52, 0.17],
        [0.10, 0.15, 0.18, 0.10],
        [0.02, 0.02, 0.02, 0.02],
    ]
)
BRIGHTNESS = np.array([1100, 3600, 3400, 4200, 4600, 6400])

SWAPPED = ("T2GY", 4)  # tile and quarter whose first statement has its bands swapped
WRONG_ZONE = ("T1QC", 3)
CLOUDED = ("T2GY", 2)
EDGED = ("T1QC", 1)  # the swath ends within the tile


@dataclass(frozen=True)
class Scene:
    """`quarter` counts as in `landscape`; the scene was taken at `acquired_at` (UTC)."""

    tile: Tile
    quarter: int
    acquired_at: datetime

    @property
    def scene_id(self) -> str:
        return f"{self.tile.name}_{self.acquired_at:%Y%m%d}"

    @property
    def place(self) -> tuple[str, int]:
        return self.tile.name, self.quarter

    @property
    def arrives(self) -> datetime:
        return self.acquired_at + DELIVERED_AFTER


def scenes(started: datetime, until: datetime) -> Iterator[Scene]:
    """Every scene that has arrived by `until`, from eight quarters before `started` (both aware)."""
    newest = max(number for number in _numbers(started) if _acquired(number) + DELIVERED_AFTER <= started)
    for number in range(newest - FIRST_NEWEST, max(_numbers(until)) + 1):
        if _acquired(number) + DELIVERED_AFTER <= until:
            for tile in TILES:
                yield Scene(tile, number - newest + FIRST_NEWEST, _acquired(number))


def _numbers(moment: datetime) -> tuple[int, int]:
    """The running numbers of the moment's quarter and of the one before it."""
    number = moment.astimezone(UTC).year * 4 + (moment.astimezone(UTC).month - 1) // 3
    return number - 1, number


def _acquired(number: int) -> datetime:
    year, quarter = divmod(number, 4)
    return datetime(year, MONTH_OF_QUARTER[quarter], 12, 2, 55, tzinfo=UTC)


def scene_bands(scene: Scene, seed: int) -> NDArray[np.uint16]:
    """Red, near infrared and mask, (3, PIXELS, PIXELS)."""
    random = np.random.default_rng([seed, scene.acquired_at.toordinal(), scene.tile.number])
    steps = (np.arange(PIXELS) + 0.5) * PIXEL_M
    x, y = np.meshgrid(steps, steps)
    cover = land(scene.tile, x, y, scene.quarter)
    season = (scene.acquired_at.month - 1) // 3
    ndvi = np.clip(NDVI[cover, season] + random.normal(0, 0.02, cover.shape), -0.9, 0.95)
    light = BRIGHTNESS[cover] * random.normal(1, 0.02, cover.shape)
    clouds = _clouds(scene, random, x, y)
    ndvi[clouds], light[clouds] = 0.03, 13_500 + 400 * random.normal(0, 1, int(clouds.sum()))
    bands = np.stack([light * (1 - ndvi) / 2, light * (1 + ndvi) / 2, np.where(clouds, CLOUD, CLEAR)])
    bands[:2] = np.maximum(
        np.round(bands[:2], -1), 10
    )  # whole tens: as exact as the noise, and half the bytes
    if scene.place == EDGED:
        bands[:, x + 0.3 * y > SIDE_M * 1.12] = NO_DATA
    return bands.astype(np.uint16)


def _clouds(scene: Scene, random: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.bool_]:
    share = 0.82 if scene.place == CLOUDED else float(random.uniform(0.0, 0.3))
    coarse = random.normal(0, 1, (9, 9))
    cell = SIDE_M / 8
    column, row = np.minimum((x / cell).astype(int), 7), np.minimum((y / cell).astype(int), 7)
    right, down = x / cell - column, y / cell - row
    thick = (coarse[row, column] * (1 - right) + coarse[row, column + 1] * right) * (1 - down) + (
        coarse[row + 1, column] * (1 - right) + coarse[row + 1, column + 1] * right
    ) * down
    clouds: NDArray[np.bool_] = thick > np.quantile(thick, 1 - share)
    for building in scene.tile.buildings:
        east, south = scene.tile.corners(building).mean(axis=0)
        clouds &= np.hypot(x - east, y - south) > KEPT_CLEAR_M
    return clouds


def scene_tiff(scene: Scene, bands: NDArray[np.uint16], epsg: int = UTM_EPSG) -> bytes:
    """The bands as GeoTIFF; the same bands give the same bytes."""
    from rasterio.io import MemoryFile
    from rasterio.transform import from_origin

    profile = {
        "driver": "GTiff", "width": bands.shape[2], "height": bands.shape[1], "count": 3, "dtype": "uint16",
        "crs": f"EPSG:{epsg}", "nodata": NO_DATA, "compress": "deflate", "predictor": 2,
        "transform": from_origin(scene.tile.east, scene.tile.north, PIXEL_M, PIXEL_M),
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(bands)
            file.update_tags(
                SCENE_ID=scene.scene_id,
                ACQUIRED_AT=scene.acquired_at.isoformat(),
                PLATFORM="synthetic-2A" if scene.quarter % 2 else "synthetic-2B",
            )
        content: bytes = memory.read()
    return content


def _sound(scene: Scene, seed: int) -> Content:
    return scene_tiff(scene, scene_bands(scene, seed)), 1, []


def _swapped(scene: Scene, seed: int) -> Content:
    content = scene_tiff(scene, scene_bands(scene, seed)[[1, 0, 2]])
    return content, 1, [Planted(1, scene.scene_id, "bands_swapped", "ndvi_mean", None)]


def _in_wrong_zone(scene: Scene, seed: int) -> Content:
    content = scene_tiff(scene, scene_bands(scene, seed), UTM_EPSG - 1)
    return content, 1, [Planted(1, scene.scene_id, "wrong_utm_zone", "west", None)]


SPOILT = {SWAPPED: _swapped, WRONG_ZONE: _in_wrong_zone}


def scene_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """An object for each scene; a scene that came wrong comes again under another name."""
    for scene in scenes(ledger.started, local):
        make = partial(SPOILT.get(scene.place, _sound), scene, ledger.seed)
        yield _delivery(f"{scene.scene_id}.tif", scene.arrives, make)
        again = scene.acquired_at + STATED_AGAIN_AFTER
        if scene.place in SPOILT and again <= local:
            yield _delivery(f"{scene.scene_id}_r2.tif", again, partial(_sound, scene, ledger.seed))


def _delivery(name: str, moment: datetime, make: partial[Content]) -> Delivery:
    return Delivery("satellite_scene", name, Place.INBOX, f"satellite_scene/{name}", moment, 1, make)


def scene_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The buildings that come or go, with the outline and the scenes between which it happens."""
    taken = {scene.place: scene for scene in scenes(ledger.started, ledger.started)}
    return [_story(tile, building, taken) for tile in TILES for building in tile.buildings]


def _story(tile: Tile, building: Building, taken: dict[tuple[str, int], Scene]) -> dict[str, str]:
    change = building.first if building.until is None else building.until
    outline = to_wgs84(tile, tile.corners(building)).tolist()
    what = "a new building" if building.until is None else "a building is taken down"
    return {
        "story": building.story,
        "dataset": "satellite_scene",
        "key": taken[tile.name, change].scene_id,
        "from": taken[tile.name, change - 1].acquired_at.isoformat(),
        "to": taken[tile.name, change].acquired_at.isoformat(),
        "where": orjson.dumps({"type": "Polygon", "coordinates": [[*outline, outline[0]]]}).decode(),
        "what": f"{what} {'within' if building.inside_line else 'outside'} the management line",
    }
