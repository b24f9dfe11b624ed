"""Rivers from above: the management lines of their sections, and the pictures a drone takes once a month."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import numpy as np
import orjson
from PIL import Image

from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, Place, dropped
from citybrain.simulate.dirt import Planted, Row
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.satellite.landscape import (
    FIRST_NEWEST,
    LINE_HALF_WIDTH_M,
    SIDE_M,
    TILES,
    Building,
    Land,
    Tile,
    land,
    to_wgs84,
)

SECTIONS_A_TILE = 4
FLIGHT_DAY = 5  # of each month
PICTURE = (320, 240)
GROUND_M = (192.0, 144.0)
FLYING_HEIGHT_M = 120
COLOURS = np.array(
    [[74, 96, 98], [104, 128, 62], [70, 104, 56], [150, 132, 98], [168, 150, 136], [92, 118, 158]]
)  # by Land
SPOILT_SECTION = 3  # of the second tile: comes once more as a line


@dataclass(frozen=True)
class Section:
    """A stretch of a tile's river; x from `west` to `east` in m."""

    tile: Tile
    number: int

    @property
    def section_id(self) -> str:
        return f"{self.tile.county_code}H{self.number:02}"

    @property
    def west(self) -> float:
        return SIDE_M / SECTIONS_A_TILE * (self.number - 1)

    @property
    def east(self) -> float:
        return SIDE_M / SECTIONS_A_TILE * self.number

    def bank(self, off: float) -> list[list[float]]:
        """WGS84 positions along the river, `off` m south of its middle, from west to east."""
        x = np.linspace(self.west, self.east, 17)
        places: list[list[float]] = to_wgs84(
            self.tile, np.stack([x, self.tile.river_y(x) + off], axis=1)
        ).tolist()
        return places


def sections() -> list[Section]:
    return [Section(tile, number) for tile in TILES for number in range(1, SECTIONS_A_TILE + 1)]


def line_content() -> Content:
    """The management lines as GeoJSON. One section was drawn as a line at first and stands a second time."""
    features = [_line_feature(section) for section in sections()]
    spoilt = next(s for s in sections() if s.tile is TILES[1] and s.number == SPOILT_SECTION)
    broken = _line_feature(spoilt)
    broken["geometry"] = {"type": "LineString", "coordinates": spoilt.bank(LINE_HALF_WIDTH_M)}
    features.append(broken)
    truth = [Planted(len(features), spoilt.section_id, "line_for_polygon", "geometry", "LineString")]
    document = {"type": "FeatureCollection", "features": features}
    return orjson.dumps(document), len(features), truth


def _line_feature(section: Section) -> dict[str, Any]:
    north, south = section.bank(-LINE_HALF_WIDTH_M), section.bank(LINE_HALF_WIDTH_M)
    ring = [*south, *reversed(north), south[0]]
    return {
        "type": "Feature",
        "properties": {
            "section_id": section.section_id,
            "section_name": f"{section.tile.river}{section.tile.county}第{section.number}段(示范)",
            "river_name": section.tile.river,
            "confirmed_on": "2022-12-30",
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def line_deliveries(_ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """All lines, once a year."""
    yield dropped("management_line", f"management_line_{local:%Y}.geojson", local, 1, line_content)


@dataclass(frozen=True)
class Shot:
    """A picture over a section; its middle is `x` m east in the tile and `off` m south of the river."""

    picture_id: str
    section: Section
    taken_at: datetime
    x: float
    off: float


def shots(month: datetime) -> list[Shot]:
    """A picture over each section, and one over each place where a building may stand within the line."""
    day = month.replace(day=FLIGHT_DAY, hour=9, minute=30, second=0, microsecond=0)
    found: list[Shot] = []
    for section in sections():
        aims = [((section.west + section.east) / 2, 60.0)]
        aims += [(b.x, b.off) for b in section.tile.buildings if _lies_in(section, b)]
        for nth, (x, off) in enumerate(aims, 1):
            picture_id = f"{section.section_id}-{day:%Y%m%d}-{nth}"
            found.append(Shot(picture_id, section, day + timedelta(minutes=2 * len(found)), x, off))
    return found


def _lies_in(section: Section, building: Building) -> bool:
    return building.inside_line and section.west <= building.x < section.east


def picture(shot: Shot, quarter: int) -> bytes:
    """The shot as JPEG: the landscape of the quarter, with the drone's noise."""
    tile = shot.section.tile
    middle = float(tile.river_y(np.array([shot.x]))[0]) + shot.off
    across = (np.arange(PICTURE[0]) + 0.5) / PICTURE[0] - 0.5
    down = (np.arange(PICTURE[1]) + 0.5) / PICTURE[1] - 0.5
    x, y = np.meshgrid(shot.x + across * GROUND_M[0], middle + down * GROUND_M[1])
    cover = land(tile, x, y, quarter)
    random = np.random.default_rng([tile.number, shot.section.number, shot.taken_at.toordinal(), int(shot.x)])
    pixels = COLOURS[cover] + random.normal(0, 7, (*cover.shape, 1))
    pixels += 9 * np.sin(y / 1.5)[..., None] * (cover == Land.WHEAT)[..., None]  # rows of a field
    pixels += 12 * (np.floor(x / 6) % 2)[..., None] * (cover == Land.BUILDING)[..., None]  # sheets of a roof
    content = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(content, "JPEG", quality=80)
    return content.getvalue()


@lru_cache(maxsize=1)
def pictures(month: datetime, quarter: int) -> dict[str, bytes]:
    """The month's pictures by object name; kept, since the manifest needs their hashes too."""
    return {_object_name(shot): picture(shot, quarter) for shot in shots(month)}


def _object_name(shot: Shot) -> str:
    return f"drone_picture/{shot.picture_id}.jpg"


def manifest_content(month: datetime, quarter: int) -> Content:
    """The month's pictures as JSON lines; two more lines are spoilt: a hash cut short, a position swapped."""
    taken = pictures(month, quarter)
    rows: list[Row] = []
    for shot in shots(month):
        tile = shot.section.tile
        middle = float(tile.river_y(np.array([shot.x]))[0]) + shot.off
        ((longitude, latitude),) = to_wgs84(tile, np.array([[shot.x, middle]])).tolist()
        rows.append(
            {
                "picture_id": shot.picture_id,
                "section_id": shot.section.section_id,
                "taken_at": shot.taken_at.isoformat(),
                "longitude": longitude,
                "latitude": latitude,
                "height_m": FLYING_HEIGHT_M,
                "object_name": _object_name(shot),
                "sha256": hashlib.sha256(taken[_object_name(shot)]).hexdigest(),
                "width": PICTURE[0],
                "height": PICTURE[1],
            }
        )
    cut = {**rows[0], "picture_id": f"{rows[0]['picture_id']}b", "sha256": rows[0]["sha256"][:40]}
    swapped = {**rows[-1], "picture_id": f"{rows[-1]['picture_id']}b"}
    swapped["longitude"], swapped["latitude"] = rows[-1]["latitude"], rows[-1]["longitude"]
    rows += [cut, swapped]
    truth = [
        Planted(len(rows) - 1, cut["picture_id"], "hash_cut_short", "sha256", cut["sha256"]),
        Planted(len(rows), swapped["picture_id"], "position_swapped", "latitude", swapped["latitude"]),
    ]
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), len(rows), truth


def picture_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """A manifest for each month's flight from the newest one of the first day on, its pictures beside it."""
    month = _newest_flight(ledger.started.astimezone(SHANGHAI))
    while month <= _newest_flight(local):
        quarter = FIRST_NEWEST + _quarters_between(_newest_flight(ledger.started.astimezone(SHANGHAI)), month)
        name = f"drone_picture_{month:%Y%m}.jsonl"
        moment = month + timedelta(days=1)
        make = partial(manifest_content, month, quarter)
        beside = partial(pictures, month, quarter)
        yield Delivery("drone_picture", name, Place.INBOX, f"drone_picture/{name}", moment, 1, make, beside)
        month = (month.replace(day=1) + timedelta(days=32)).replace(day=FLIGHT_DAY)


def _newest_flight(local: datetime) -> datetime:
    """The newest flight whose manifest has come by `local`, the day after it."""
    flight = local.replace(day=FLIGHT_DAY, hour=18, minute=0, second=0, microsecond=0)
    if flight + timedelta(days=1) > local:
        flight = (flight.replace(day=1) - timedelta(days=1)).replace(day=FLIGHT_DAY)
    return flight


def _quarters_between(first: datetime, then: datetime) -> int:
    return (then.year - first.year) * 4 + (then.month - 1) // 3 - (first.month - 1) // 3
