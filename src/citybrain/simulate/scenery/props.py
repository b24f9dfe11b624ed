"""What else stands in a yard: trees, hedges, lamp posts and bins, each a sprite in plain daylight."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Camera, Floats
from citybrain.simulate.scenery.sprites import Sprite
from citybrain.simulate.scenery.yards import Side, Yard

SCALE = 2


@lru_cache(maxsize=40)
def props_of(yard: Yard) -> tuple[Sprite, ...]:
    """The yard's standing things that the camera sees."""
    random = np.random.default_rng([yard.seed, 31])
    sprites: list[Sprite | None] = []
    for side in (yard.left, yard.right):
        sprites += _row_of_trees(yard, side, random)
        sprites += _bins(yard, side, random)
    for place in lamp_places(yard):
        sprites.append(_lamp_post(yard.camera, place))
    return tuple(sprite for sprite in sprites if sprite is not None)


def lamp_places(yard: Yard) -> list[Floats]:
    """Where lamp posts stand, (2,) each."""
    side = yard.left if yard.seed % 2 else yard.right
    d = side.sign * (yard.width / 2 + side.bay_depth + 0.9)
    return [yard.at(s, d) for s in (7.0 + yard.seed % 4, 20.0 + yard.seed % 5, 36.0)]


def tree_places(yard: Yard, side: Side) -> list[tuple[Floats, float]]:
    """Ground point and crown radius of each tree of a side."""
    random = np.random.default_rng([yard.seed, 32, side.sign + 1])
    if random.random() < 0.2:
        return []
    step = float(random.uniform(5, 9))
    d = side.sign * (yard.width / 2 + side.bay_depth + 0.25 + min(1.3, side.strip_width * 0.5))
    places = []
    for s in np.arange(9.0 + random.uniform(0, 4), min(yard.length, 50), step):
        if random.random() < 0.8:
            places.append((yard.at(float(s), d + random.normal(0, 0.2)), float(random.uniform(1.0, 2.0))))
    return places


def _row_of_trees(yard: Yard, side: Side, random: np.random.Generator) -> list[Sprite | None]:
    green = np.array([random.uniform(58, 92), random.uniform(88, 118), random.uniform(40, 60)])
    return [
        _tree(
            yard.camera, place, radius, green, np.random.default_rng([yard.seed, 33, side.sign + 1, number])
        )
        for number, (place, radius) in enumerate(tree_places(yard, side))
    ]


def _tree(
    camera: Camera, place: Floats, radius: float, green: Floats, random: np.random.Generator
) -> Sprite | None:
    trunk = float(random.uniform(1.9, 2.8))
    top = trunk + 1.7 * radius
    count = 300
    turn, rise = random.uniform(0, 2 * np.pi, count), random.uniform(-1, 1, count)
    reach = radius * np.cbrt(random.uniform(0.2, 1, count)) * np.sqrt(1 - rise**2)
    leaves = np.column_stack(
        [place[0] + reach * np.cos(turn), place[1] + reach * np.sin(turn), trunk + 0.85 * radius * (1 + rise)]
    )
    foot = np.array(
        [[place[0], place[1], 0.0], [place[0], place[1], trunk + radius], [place[0], place[1], top]]
    )
    seen = camera.seen(np.concatenate([leaves, foot]))
    if seen[:, 2].min() < 3:
        return None
    pixels = camera.pixels(seen)
    sizes = camera.focal * random.uniform(0.07, 0.19, count) * radius / seen[:count, 2]
    canvas = _Canvas.around(pixels, float(sizes.max()) + 2)
    if canvas is None:
        return None
    width = camera.focal * 0.11 / seen[count, 2]
    canvas.line(pixels[count], pixels[count + 1], width * 2, (84, 70, 56))
    order = np.lexsort((leaves[:, 2], -seen[:count, 2]))
    low, high = leaves[:, 2].min(), leaves[:, 2].max()
    for number in order:
        level = 0.55 + 0.6 * (leaves[number, 2] - low) / (high - low) + random.normal(0, 0.13)
        tone = np.clip(green * level, 0, 255)
        canvas.dot(pixels[number], float(sizes[number]), (int(tone[0]), int(tone[1]), int(tone[2])))
    return canvas.sprite(float(np.hypot(*place)))


def _lamp_post(camera: Camera, place: Floats) -> Sprite | None:
    points = np.array([[*place, 0.0], [*place, 4.2]])
    seen = camera.seen(points)
    if seen[:, 2].min() < 3:
        return None
    pixels = camera.pixels(seen)
    thick = max(2.0, camera.focal * 0.12 / seen[0, 2])
    canvas = _Canvas.around(pixels, thick * 3)
    if canvas is None:
        return None
    canvas.line(pixels[0], pixels[1], thick, (70, 74, 76))
    canvas.dot(pixels[1], thick * 1.6, (226, 226, 214), glow=True)
    return canvas.sprite(float(np.hypot(*place)))


def _bins(yard: Yard, side: Side, random: np.random.Generator) -> list[Sprite | None]:
    """A row of sorted-waste bins: blue, green, red, grey."""
    if random.random() < 0.45:
        return []
    s, d = float(random.uniform(12, 26)), side.sign * (yard.width / 2 + side.bay_depth + 1.0)
    colours = ((46, 84, 150), (58, 116, 66), (158, 46, 42), (86, 90, 92))
    return [
        _bin(yard.camera, yard.at(s + 0.75 * number, d), colours[number])
        for number in range(int(random.integers(2, 5)))
    ]


def _bin(camera: Camera, place: Floats, colour: tuple[int, int, int]) -> Sprite | None:
    half = 0.29
    base = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + place
    points = np.concatenate([np.column_stack([base, np.full(4, z)]) for z in (0.05, 1.0)])
    seen = camera.seen(points)
    if seen[:, 2].min() < 3:
        return None
    pixels = camera.pixels(seen)
    canvas = _Canvas.around(pixels, 2)
    if canvas is None:
        return None
    sides = sorted(
        ((0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)), key=lambda side: -seen[list(side), 2].mean()
    )
    for number, side in enumerate(sides):
        level = 0.7 + 0.1 * number
        tone = int(colour[0] * level), int(colour[1] * level), int(colour[2] * level)
        canvas.area(pixels[list(side)], tone)
    lid = int(colour[0] * 1.25), int(colour[1] * 1.25), int(colour[2] * 1.25)
    canvas.area(pixels[4:], lid)
    return canvas.sprite(float(np.hypot(*place)))


class _Canvas:
    """A picture with a mask and a glow, twice as large while it is drawn on."""

    def __init__(self, low: Floats, high: Floats) -> None:
        self.low = low
        size = (int((high[0] - low[0]) * SCALE), int((high[1] - low[1]) * SCALE))
        self.picture, self.mask, self.glow = (
            Image.new("RGB", size, (70, 84, 58)),
            Image.new("L", size),
            Image.new("L", size),
        )
        self._pens = [ImageDraw.Draw(image) for image in (self.picture, self.mask, self.glow)]

    @classmethod
    def around(cls, pixels: Floats, margin: float) -> "_Canvas | None":
        """None when nothing of it is in the frame."""
        low = np.maximum(np.floor(pixels.min(axis=0) - margin), [-200, -200])
        high = np.minimum(np.ceil(pixels.max(axis=0) + margin), [WIDTH + 200, HEIGHT + 200])
        if high[0] < 0 or high[1] < 0 or low[0] > WIDTH or low[1] > HEIGHT or (high - low < 2).any():
            return None
        return cls(low, high)

    def dot(self, at: Floats, radius: float, colour: tuple[int, int, int], glow: bool = False) -> None:
        x, y = (at - self.low) * SCALE
        r = radius * SCALE
        extent = (float(x - r), float(y - r), float(x + r), float(y + r))
        self._pens[0].ellipse(extent, fill=colour)
        self._pens[1].ellipse(extent, fill=255)
        if glow:
            self._pens[2].ellipse(extent, fill=255)

    def line(self, start: Floats, end: Floats, width: float, colour: tuple[int, int, int]) -> None:
        (x0, y0), (x1, y1) = (start - self.low) * SCALE, (end - self.low) * SCALE
        ends, thick = (float(x0), float(y0), float(x1), float(y1)), max(1, round(width * SCALE))
        self._pens[0].line(ends, fill=colour, width=thick)
        self._pens[1].line(ends, fill=255, width=thick)

    def area(self, outline: Floats, colour: tuple[int, int, int]) -> None:
        points = [(float(x), float(y)) for x, y in (outline - self.low) * SCALE]
        self._pens[0].polygon(points, fill=colour)
        self._pens[1].polygon(points, fill=255)

    def sprite(self, distance: float) -> Sprite:
        picture, mask, glow = (
            np.asarray(image.reduce(SCALE)) for image in (self.picture, self.mask, self.glow)
        )
        return Sprite(
            int(self.low[0]), int(self.low[1]), picture, mask, glow if glow.any() else None, distance
        )
