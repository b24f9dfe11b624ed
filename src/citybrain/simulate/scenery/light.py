"""The light a scene stands in: where the sun is, how bright the sky, which lamps burn."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from citybrain.simulate.scenery.camera import Floats


class Light(StrEnum):
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    RAIN = "rain"


@dataclass(frozen=True)
class Conditions:
    """sun: unit vector towards it; sun_strength 0..1, ambient 0..1; tint by channel of the finished frame.

    lamps: how strong the yard's lamps shine, 0 for off; infrared: the camera sees grey with its own lamp.
    """

    light: Light
    sun: Floats
    sun_strength: float
    ambient: float
    tint: Floats
    lamps: float
    infrared: bool
    haze: float
    wet: bool


def conditions(light: Light, random: np.random.Generator) -> Conditions:
    turn = random.uniform(0, 2 * np.pi)
    rise = np.radians(random.uniform(28, 68))
    sun = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    warm = random.normal(0, 0.025)
    if light is Light.DAY:
        clear = random.random() < 0.6
        strength = random.uniform(0.3, 0.5) if clear else random.uniform(0.0, 0.12)
        ambient = random.uniform(0.72, 0.9) if clear else random.uniform(0.86, 1.08)
        return Conditions(
            light, sun, strength, ambient, np.array([1 + warm, 1, 1 - warm]), 0, False, 0.05, False
        )
    if light is Light.DUSK:
        tint = (
            np.array([1.02 + warm, 0.94, 0.98 - warm])
            if random.random() < 0.5
            else np.array([0.88, 0.95, 1.1])
        )
        return Conditions(
            light, sun, 0.05, random.uniform(0.52, 0.72), tint, random.uniform(0.25, 0.5), False, 0.08, False
        )
    if light is Light.NIGHT:
        infrared = random.random() < 0.35
        ambient = random.uniform(0.15, 0.23)
        return Conditions(
            light,
            sun,
            0.0,
            ambient,
            np.array([0.9, 0.95, 1.12]),
            random.uniform(0.4, 0.7),
            infrared,
            0.0,
            random.random() < 0.15,
        )
    return Conditions(
        light, sun, 0.0, random.uniform(0.66, 0.86), np.array([0.95, 1.0, 1.04]), 0, False, 0.16, True
    )
