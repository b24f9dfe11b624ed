"""Scenes to train a detector on: many yards, each in a few lights, a third of them without a vehicle."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from citybrain.simulate.scenery.light import Light
from citybrain.simulate.scenery.painting import Bytes
from citybrain.simulate.scenery.placing import place_vehicles
from citybrain.simulate.scenery.scene import Truth, render
from citybrain.simulate.scenery.yards import Yard, fixed_yards, random_yard

EMPTY_SHARE = 1 / 3
FIXED_SHARE = 0.35  # yards of the demo city among the others
SCENES_OF_YARD = 4
LIGHT_SHARES = {Light.DAY: 0.5, Light.DUSK: 0.17, Light.NIGHT: 0.18, Light.RAIN: 0.15}


def training_scenes(count: int, seed: int) -> Iterator[tuple[Bytes, list[Truth]]]:
    """`count` pictures (540, 960, 3) RGB after JPEG, with the boxes of the vehicles in each.

    A box is (class, x1, y1, x2, y2) in fractions; classes are car, lorry, bus, motorcycle and bicycle.
    """
    lights, shares = list(LIGHT_SHARES), np.array(list(LIGHT_SHARES.values()))
    for number in range(count):
        group, random = number // SCENES_OF_YARD, np.random.default_rng([seed, number, 71])
        yard = _yard(seed, group)
        light = lights[int(random.choice(len(lights), p=shares))]
        own = int(random.integers(2**40))
        vehicles = []
        if random.random() >= EMPTY_SHARE:
            in_lane = int(random.choice(4, p=[0.2, 0.45, 0.25, 0.1]))
            in_bays = int(random.integers(0 if in_lane else 3, 10))
            vehicles = place_vehicles(yard, own, in_lane, in_bays)
        scene = render(yard, vehicles, light, own)
        yield np.asarray(Image.open(io.BytesIO(scene.jpeg())).convert("RGB")), scene.boxes


def _yard(seed: int, group: int) -> Yard:
    random = np.random.default_rng([seed, group, 72])
    if random.random() < FIXED_SHARE:
        yards = list(fixed_yards().values())
        return yards[int(random.integers(len(yards)))]
    return random_yard(int(random.integers(2**40)))
