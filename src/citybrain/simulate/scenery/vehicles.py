"""Vehicles as they stand in a yard: a drawn shape, size, colour and pose."""

from dataclasses import dataclass, replace

import numpy as np

from citybrain.simulate.scenery.camera import Floats
from citybrain.simulate.scenery.shapes import load_shapes

FOUR_WHEELED = ("sedan", "hatchback", "suv", "minivan", "panel_van", "box_lorry", "flat_lorry", "bus")
PLATE_DIGITS = "0123456789"


@dataclass(frozen=True)
class Vehicle:
    """`x`, `y` in metres; `heading` in radians from the x axis; `zone` is lane or bay.

    plate: begins with a character that no province has, so that it is nobody's.
    """

    shape: str
    length: float
    width: float
    height: float
    paint: tuple[int, int, int]
    second: tuple[int, int, int]
    plate: str
    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0
    zone: str = "bay"
    lamps_on: bool = False

    @property
    def class_code(self) -> str:
        return load_shapes().shapes[self.shape].class_code

    def standing_at(self, x: float, y: float, heading: float, zone: str) -> "Vehicle":
        return replace(self, x=x, y=y, heading=heading, zone=zone)

    def footprint(self, margin: float = 0.0) -> Floats:
        """Its four corners on the ground, (4, 2) metres, counter-clockwise."""
        half = np.array([self.length / 2 + margin, self.width / 2 + margin])
        corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half
        turn = np.array(
            [[np.cos(self.heading), np.sin(self.heading)], [-np.sin(self.heading), np.cos(self.heading)]]
        )
        result: Floats = corners @ turn + [self.x, self.y]
        return result

    def corners(self) -> Floats:
        """Its eight corners, (8, 3) metres."""
        ground = self.footprint()
        return np.concatenate([np.column_stack([ground, np.full(4, z)]) for z in (0.0, self.height)])


def draw_vehicle(random: np.random.Generator, names: tuple[str, ...] | None = None) -> Vehicle:
    """A vehicle of a drawn shape (of `names`, or any) that stands nowhere yet."""
    catalogue = load_shapes()
    names = names or tuple(catalogue.shapes)
    weights = np.array([catalogue.shapes[name].weight for name in names])
    name = names[int(random.choice(len(names), p=weights / weights.sum()))]
    shape = catalogue.shapes[name]
    colours = list(shape.palette or catalogue.colours)
    shares = np.array([1.0 if shape.palette else catalogue.colours[colour].weight for colour in colours])
    colour = catalogue.colours[colours[int(random.choice(len(colours), p=shares / shares.sum()))]].rgb
    paint = np.clip(np.array(colour) * random.uniform(0.85, 1.1) + random.normal(0, 5, 3), 8, 245)
    second = np.array(
        [(222, 224, 224), (196, 200, 204), (60, 86, 140), (150, 150, 146)][int(random.integers(4))]
    )
    digits = "".join(PLATE_DIGITS[int(digit)] for digit in random.integers(0, 10, 4))
    return Vehicle(
        name,
        float(random.uniform(*shape.length)),
        float(random.uniform(*shape.width)),
        float(random.uniform(*shape.height)),
        (int(paint[0]), int(paint[1]), int(paint[2])),
        (int(second[0]), int(second[1]), int(second[2])),
        f"演A{digits}",
    )
