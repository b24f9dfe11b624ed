"""Yards: the ground plan around a fire lane and the camera that looks at it.

A place in a yard is (s, d): metres along the lane's centre line, and metres to its left.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import shapely

from citybrain.simulate.compounds import NAMES, load_compounds
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Camera, Floats, standing

YARDS_SEED = 34160028
LANE_SEEN_TO = 31.0  # metres along the lane that the zone reaches
ZONE_POINTS = 8


@dataclass(frozen=True)
class Bay:
    """Where one vehicle parks: the middle in metres, the heading in radians, `depth` along it."""

    x: float
    y: float
    heading: float
    depth: float
    width: float


@dataclass(frozen=True)
class Side:
    """What lies beside the lane: bays of `bay_depth` (0: none), then pavement or grass, then a building.

    sign: 1 for the left, -1 for the right; distances from the lane's edge in metres.
    """

    sign: int
    bay_depth: float
    across: bool
    strip: str
    strip_width: float
    facade_height: float
    facade_style: int
    wall: bool


@dataclass(frozen=True)
class Yard:
    """`centre`: the lane's centre line (n, 2) in metres; `seed` draws every detail that is not named here."""

    name: str
    seed: int
    camera: Camera
    centre: tuple[tuple[float, float], ...]
    width: float
    left: Side
    right: Side
    end_height: float
    hatching: str

    @cached_property
    def _course(self) -> Floats:
        """Columns s, x, y and heading, every quarter of a metre; the heading is smoothed over the bends."""
        line = np.array(self.centre)
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        s = np.arange(0, lengths[-1] + 0.25, 0.25)
        x, y = np.interp(s, lengths, line[:, 0]), np.interp(s, lengths, line[:, 1])
        behind, ahead = np.clip(s - 1.5, 0, lengths[-1]), np.clip(s + 1.5, 0, lengths[-1])
        dx = np.interp(ahead, lengths, line[:, 0]) - np.interp(behind, lengths, line[:, 0])
        dy = np.interp(ahead, lengths, line[:, 1]) - np.interp(behind, lengths, line[:, 1])
        return np.column_stack([s, x, y, np.arctan2(dy, dx)])

    @property
    def length(self) -> float:
        return float(self._course[-1, 0])

    def heading(self, s: float) -> float:
        """The lane's direction at `s` in radians from the x axis."""
        return float(np.interp(s, self._course[:, 0], self._course[:, 3]))

    def along(self, stops: Floats, d: float) -> Floats:
        """The ground points (n, 2) at each of `stops` and the distance `d`."""
        s, x, y, heading = self._course.T
        turn = np.interp(stops, s, heading) + np.pi / 2
        return np.column_stack(
            [np.interp(stops, s, x) + d * np.cos(turn), np.interp(stops, s, y) + d * np.sin(turn)]
        )

    def at(self, s: float, d: float) -> Floats:
        """The ground point (2,) at (s, d)."""
        point: Floats = self.along(np.array([s]), d)[0]
        return point

    def ribbon(self, near_d: float, far_d: float, start: float = 0.0, end: float | None = None) -> Floats:
        """The ground polygon (n, 2) between two distances from the centre line."""
        last = self.length if end is None else end
        stops = np.linspace(start, last, max(2, round((last - start) / 4)))
        return np.concatenate([self.along(stops, near_d), self.along(stops[::-1], far_d)])

    @cached_property
    def zone(self) -> tuple[tuple[float, float], ...]:
        """The lane in the frame, as fractions of width and height: at most 8 points."""
        half = self.width / 2
        pixels = self.camera.outline(standing(self.ribbon(-half, half, 0.0, LANE_SEEN_TO), 0.0))
        frame = shapely.box(0.002, 0.002, 0.998, 0.998)
        lane = shapely.Polygon(pixels / [WIDTH, HEIGHT]).buffer(0).intersection(frame)
        if lane.geom_type != "Polygon":
            lane = max(shapely.get_parts(lane), key=lambda part: part.area)
        tolerance = 0.002
        outline = lane.simplify(tolerance)
        while len(outline.exterior.coords) - 1 > ZONE_POINTS:
            tolerance *= 1.4
            outline = lane.simplify(tolerance)
        return tuple((round(float(x), 3), round(float(y), 3)) for x, y in outline.exterior.coords[:-1])

    @cached_property
    def bays(self) -> tuple[Bay, ...]:
        bays: list[Bay] = []
        for side in (self.left, self.right):
            if not side.bay_depth:
                continue
            middle = side.sign * (self.width / 2 + 0.25 + side.bay_depth / 2)
            step, depth, width = (2.7, side.bay_depth, 2.7) if side.across else (6.2, 6.2, side.bay_depth)
            for s in np.arange(2.0, min(self.length - 8, 46), step):
                x, y = self.at(float(s), middle)
                heading = self.heading(float(s)) + (np.pi / 2 * side.sign if side.across else 0.0)
                bays.append(Bay(float(x), float(y), heading, depth, width))
        return tuple(bays)


def yard_of(camera_id: str) -> Yard:
    """The yard before a camera. Raises KeyError for a camera the demo city has not."""
    return fixed_yards()[camera_id]


@cache
def fixed_yards() -> dict[str, Yard]:
    """The yards of the connected compounds by their camera's id."""
    return {
        compound.camera_id: _draw_yard(compound.camera_name, YARDS_SEED + compound.number)
        for compound in load_compounds()
        if compound.connected
    }


def random_yard(seed: int) -> Yard:
    """One more yard, for training: drawn as the fixed ones are, from seeds they do not use."""
    random = np.random.default_rng([seed, 77])
    name = f"{NAMES[int(random.integers(len(NAMES)))]}消防通道"
    return _draw_yard(name, int(random.integers(2**40, 2**41)))


def lane_of(camera_id: str) -> list[list[float]]:
    """The fire lane of a camera's yard as a polygon of fractions of the frame's width and height."""
    return [[x, y] for x, y in yard_of(camera_id).zone]


def _draw_yard(name: str, seed: int) -> Yard:
    """Draw until a good part of the frame is lane and some bays are seen."""
    random = np.random.default_rng([seed, 5])
    while True:
        yard = _attempt(name, seed, random)
        zone = shapely.Polygon(yard.zone)
        seen = sum(_in_view(yard.camera, bay) for bay in yard.bays)
        bottom = max(y for _x, y in yard.zone)
        if zone.is_valid and zone.area > 0.11 and seen >= 4 and bottom > 0.8:
            return yard


def _in_view(camera: Camera, bay: Bay) -> bool:
    point = np.array([[bay.x, bay.y, 0.7]])
    if camera.seen(point)[0, 2] < 4:
        return False
    x, y = camera.project(point)[0]
    return bool(60 < x < WIDTH - 60 and 30 < y < HEIGHT - 50)


def _attempt(name: str, seed: int, random: np.random.Generator) -> Yard:
    width = float(random.uniform(4.0, 4.8))
    lean = np.radians(random.uniform(-14, 14))
    offset = float(random.uniform(-3.4, 3.4))
    start = np.array([offset, 0.5])
    bend_at, bend = (
        float(random.uniform(16, 30)),
        np.radians(random.choice([0, 0, 0, -1, 1]) * random.uniform(8, 20)),
    )
    middle = start + bend_at * np.array([np.sin(lean), np.cos(lean)])
    soft = middle + 6 * np.array([np.sin(lean + bend / 2), np.cos(lean + bend / 2)])
    end = soft + float(random.uniform(34, 46)) * np.array([np.sin(lean + bend), np.cos(lean + bend)])
    height = float(random.uniform(4.2, 7.6))
    focal = float(random.uniform(520, 830))
    pitch = float(random.uniform(17, 27)) + (height - 5.5) * 1.2
    look = start + 15 * np.array([np.sin(lean), np.cos(lean)])
    yaw = float(np.degrees(np.arctan2(look[0], look[1])) + random.uniform(-7, 7))
    bays = int(random.integers(3))
    return Yard(
        name,
        seed,
        Camera(height, focal, pitch, yaw, float(random.normal(0, 0.8))),
        tuple((float(x), float(y)) for x, y in (start, middle, soft, end)),
        width,
        _draw_side(random, 1, bays != 1),
        _draw_side(random, -1, bays != 0),
        float(random.uniform(12, 40)),
        ("diagonal", "zigzag", "border")[int(random.integers(3))],
    )


def _draw_side(random: np.random.Generator, sign: int, bays: bool) -> Side:
    across = bool(random.random() < 0.5)
    depth = (float(random.uniform(5.2, 5.6)) if across else float(random.uniform(2.3, 2.6))) if bays else 0.0
    wall = bool(random.random() < 0.25)
    return Side(
        sign,
        depth,
        across,
        ("grass", "pavement", "hedge")[int(random.integers(3))],
        float(random.uniform(1.8, 4.5)) + (0.0 if bays else 2.0),
        2.4 if wall else float(random.uniform(9, 24)),
        int(random.integers(2**30)),
        wall,
    )
