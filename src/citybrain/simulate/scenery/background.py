"""A yard without anything that moves, in plain daylight: ground, buildings and sky."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from citybrain.simulate.scenery.camera import HEIGHT, NEAR, WIDTH, Floats, standing
from citybrain.simulate.scenery.facades import draw_front, draw_wall
from citybrain.simulate.scenery.ground import draw_ground
from citybrain.simulate.scenery.painting import Bytes, lay
from citybrain.simulate.scenery.yards import Side, Yard

FARTHEST = 160.0  # metres of ground before the haze
PANEL = 16.0  # metres of a front that are laid at once


@dataclass(frozen=True)
class Background:
    """picture (h, w, 3), glow (h, w): what shines after dark, ground (h, w, 2): metres or NaN."""

    picture: Bytes
    glow: Bytes
    ground: Floats


@lru_cache(maxsize=40)
def background_of(yard: Yard) -> Background:
    surface, points = draw_ground(yard)
    above = ~(np.abs(points[..., 1]) < FARTHEST)
    rows = np.linspace(0, 1, HEIGHT)[:, None]
    sky = (np.array([176, 194, 212]) * (1 - rows) + np.array([214, 218, 220]) * rows).astype(np.uint8)
    picture = Image.fromarray(np.where(above[..., None], sky[:, None], surface))
    glow, solid = Image.new("L", (WIDTH, HEIGHT)), Image.new("L", (WIDTH, HEIGHT))
    for front in _fronts(yard):
        _stand(yard, front, picture, glow, solid)
    ground = points.copy()
    ground[(np.asarray(solid) > 127) | above] = np.nan
    return Background(np.asarray(picture), np.asarray(glow), ground)


@dataclass(frozen=True)
class _Front:
    left: Floats
    right: Floats
    height: float
    style: int
    wall: bool


def _fronts(yard: Yard) -> list[_Front]:
    """Buildings far to near."""
    random = np.random.default_rng([yard.seed, 41])
    far = yard.at(yard.length - 0.5, 0)
    turn = yard.heading(yard.length - 0.5)
    along = np.array([np.cos(turn - np.pi / 2), np.sin(turn - np.pi / 2)])
    fronts = [_Front(far - along * 45, far + along * 45, yard.end_height, int(random.integers(2**30)), False)]
    for side in (yard.left, yard.right):
        fronts += _side_fronts(yard, side)
    return fronts


def _side_fronts(yard: Yard, side: Side) -> list[_Front]:
    d = side.sign * (yard.width / 2 + 0.25 + side.bay_depth + side.strip_width)
    stops = np.arange(0, yard.length - 4, PANEL)
    fronts = []
    for start in stops[::-1]:
        near, far = yard.at(float(start), d), yard.at(float(min(start + PANEL, yard.length - 4)), d)
        ends = (near, far) if side.sign > 0 else (far, near)
        fronts.append(_Front(*ends, side.facade_height, side.facade_style + int(start), side.wall))
        if side.wall and start == stops[-1]:
            # behind a wall stands the next block
            beyond = side.sign * 12.0
            back = yard.at(6.0, d + beyond), yard.at(yard.length - 4, d + beyond)
            ends = back if side.sign > 0 else back[::-1]
            fronts.insert(0, _Front(*ends, 18.0, side.facade_style + 991, False))
    return fronts


def _stand(yard: Yard, front: _Front, picture: Image.Image, glow: Image.Image, solid: Image.Image) -> None:
    length = float(np.hypot(*(front.right - front.left)))
    draw = draw_wall if front.wall else draw_front
    wall, lit = draw(length, front.height, front.style)
    top = standing(front.left[None], front.height)[0]
    across = np.array([*(front.right - front.left), 0.0])
    down = np.array([0.0, 0.0, -front.height])
    corners = np.array([top, top + across, top + across + down, top + down])
    if yard.camera.seen(corners)[:, 2].max() < NEAR:
        return
    lay(picture, yard.camera, wall, top, across, down)
    lay(glow, yard.camera, lit, top, across, down)
    lay(solid, yard.camera, Image.new("L", wall.size, 255), top, across, down)
