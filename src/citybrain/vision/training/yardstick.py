"""Rendered yards to measure on, drawn from seeds that no training uses."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from citybrain.simulate.scenery import Light, place_vehicles, random_yard, render
from citybrain.vision.boxes import Box

SEED = 7_000_000
SCENES_OF_YARD = 4


@dataclass(frozen=True)
class YardScene:
    """`jpeg` as the camera would write it; `lane` polygon in fractions; `truth` all vehicles; `in_lane` those
    that stand in the lane.
    """

    jpeg: bytes
    lane: tuple[tuple[float, float], ...]
    truth: list[Box]
    in_lane: list[Box]


def yard_scenes(count: int, in_lane: bool, in_bays: bool, processes: int) -> Iterator[YardScene]:
    """`count` scenes of random yards in every light; vehicles in the lane, in the bays, both or neither."""
    starts = range(0, count, SCENES_OF_YARD)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        drawn = 0
        draw = partial(draw_yard, count=SCENES_OF_YARD, in_lane=in_lane, in_bays=in_bays)
        for scenes in pool.map(draw, starts):
            for scene in scenes[: count - drawn]:
                drawn += 1
                yield scene


def draw_yard(start: int, count: int, in_lane: bool, in_bays: bool) -> list[YardScene]:
    """`count` scenes of one yard; another `start` is another yard."""
    yard = random_yard(SEED + start)
    scenes = []
    for number in range(start, start + count):
        random = np.random.default_rng([SEED, number])
        lights = list(Light)
        vehicles = place_vehicles(
            yard,
            SEED + number,
            int(random.integers(1, 4)) if in_lane else 0,
            int(random.integers(1, 7)) if in_bays else 0,
        )
        scene = render(yard, vehicles, lights[int(random.integers(len(lights)))], SEED + number)
        boxes = [Box(*box, 1.0) for box in scene.boxes]
        standing = [box for box, vehicle in zip(boxes, scene.vehicles, strict=True) if vehicle.zone == "lane"]
        scenes.append(YardScene(scene.jpeg(), tuple((x, y) for x, y in yard.zone), boxes, standing))
    return scenes
