"""Puts vehicles into a yard's lane and bays so that none stands in another."""

from collections.abc import Sequence

import numpy as np
import shapely

from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Floats
from citybrain.simulate.scenery.shapes import load_shapes
from citybrain.simulate.scenery.vehicles import FOUR_WHEELED, Vehicle, draw_vehicle
from citybrain.simulate.scenery.yards import Bay, Yard

LANE, BAY = "lane", "bay"
LANE_REACH = (3.0, 27.0)  # metres along the lane
TRIES = 80
CLEAR_OF_EDGE = (
    0.012  # fraction of the frame: how far from the zone's edge a foot must be to be called in or out
)


def place_vehicles(
    yard: Yard,
    seed: int,
    in_lane: int,
    in_bays: int,
    among: Sequence[Vehicle] = (),
    lane_shapes: tuple[str, ...] | None = None,
) -> list[Vehicle]:
    """`among`, and up to that many more in the lane and in bays; fewer where the camera sees too little room.

    A vehicle of the lane has the bottom centre of its box inside the yard's zone, the others outside.
    lane_shapes: what may stand in the lane; any shape when not given.
    """
    random = np.random.default_rng([seed, 51])
    zone = shapely.Polygon(yard.zone)
    standing = list(among)
    for _ in range(in_lane):
        tries = _lane_tries(yard, draw_vehicle(random, lane_shapes), random)
        standing += _first(tries, yard, zone.buffer(-CLEAR_OF_EDGE), standing, within=True)
    order = random.permutation(len(yard.bays))
    wanted = len(standing) + in_bays
    for number in order:
        if len(standing) >= wanted:
            break
        vehicles = _bay_tries(yard.bays[int(number)], random)
        standing += _first(vehicles, yard, zone.buffer(CLEAR_OF_EDGE), standing, within=False)
    return standing


def place_beside(yard: Yard, seed: int) -> list[Vehicle]:
    """One vehicle in the bay that is nearest to the lane as the camera sees it, and yet not in the lane."""
    random = np.random.default_rng([seed, 52])
    zone = shapely.Polygon(yard.zone)
    found: list[Vehicle] = []
    for bay in yard.bays:
        found += _first(_bay_tries(bay, random), yard, zone.buffer(CLEAR_OF_EDGE), [], within=False)
    found = [vehicle for vehicle in found if not load_shapes().shapes[vehicle.shape].two_wheeled]
    return sorted(found, key=lambda vehicle: float(zone.distance(_foot(yard, vehicle))))[:1]


def _foot(yard: Yard, vehicle: Vehicle) -> shapely.Point:
    box = outer_box(yard, vehicle)
    if box is None:
        raise ValueError(f"the camera of {yard.name} does not see the {vehicle.shape}")
    return shapely.Point((box[0] + box[2]) / 2, min(box[3], 1.0))


def _lane_tries(yard: Yard, drawn: Vehicle, random: np.random.Generator) -> list[Vehicle]:
    tries = []
    for _ in range(TRIES):
        s = float(random.uniform(*LANE_REACH))
        room = max(0.1, yard.width / 2 - drawn.width / 2 - 0.15)
        x, y = yard.at(s, float(random.uniform(-room, room)))
        turn = random.normal(0, 0.07) if random.random() < 0.85 else random.uniform(-0.6, 0.6)
        back = np.pi if random.random() < 0.5 else 0.0
        tries.append(drawn.standing_at(float(x), float(y), yard.heading(s) + turn + back, LANE))
    return tries


def _bay_tries(bay: Bay, random: np.random.Generator) -> list[Vehicle]:
    tries = []
    for _ in range(3):
        fits = [
            name
            for name, shape in load_shapes().shapes.items()
            if shape.length[1] < bay.depth + 0.4 and shape.width[0] < bay.width - 0.3
        ]
        if random.random() < 0.5:  # a bay is for cars first
            fits = [name for name in fits if name in FOUR_WHEELED]
        drawn = draw_vehicle(random, tuple(fits))
        ahead = random.normal(0, 0.12), random.normal(0, 0.08)
        cos, sin = np.cos(bay.heading), np.sin(bay.heading)
        x, y = bay.x + ahead[0] * cos - ahead[1] * sin, bay.y + ahead[0] * sin + ahead[1] * cos
        turn = random.normal(0, 0.03) + (np.pi if random.random() < 0.5 else 0.0)
        if load_shapes().shapes[drawn.shape].two_wheeled:
            turn += random.normal(0, 0.3)
        tries.append(drawn.standing_at(float(x), float(y), bay.heading + turn, BAY))
    return tries


def _first(
    tries: list[Vehicle], yard: Yard, zone: shapely.Geometry, standing: list[Vehicle], within: bool
) -> list[Vehicle]:
    """The first that fits, as a list of one, or none."""
    taken = [shapely.Polygon(vehicle.footprint(0.2)) for vehicle in standing]
    for vehicle in tries:
        box = outer_box(yard, vehicle)
        if box is None or _share_in_frame(box) < (0.93 if within else 0.45):
            continue
        foot = shapely.Point((box[0] + box[2]) / 2, min(box[3], 1.0))
        if zone.covers(foot) is not within:
            continue
        own = shapely.Polygon(vehicle.footprint(0.1))
        if not any(own.intersects(other) for other in taken):
            return [vehicle]
    return []


def outer_box(yard: Yard, vehicle: Vehicle) -> Floats | None:
    """x1, y1, x2, y2 of the vehicle's cuboid as fractions, beyond the frame too; None when it is too near."""
    seen = yard.camera.seen(vehicle.corners())
    if seen[:, 2].min() < 2.0:
        return None
    pixels = yard.camera.pixels(seen) / [WIDTH, HEIGHT]
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def _share_in_frame(box: Floats) -> float:
    inside = np.clip(box, 0, 1)
    whole = (box[2] - box[0]) * (box[3] - box[1])
    return float((inside[2] - inside[0]) * (inside[3] - inside[1]) / whole)
