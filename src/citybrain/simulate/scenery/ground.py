"""What lies on a yard's ground: asphalt, kerbs, bay lines, and the fire lane's yellow paint."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Floats, standing
from citybrain.simulate.scenery.lettering import word
from citybrain.simulate.scenery.painting import Bytes, Colour, draw_polygon, lay
from citybrain.simulate.scenery.yards import Side, Yard

YELLOW: Colour = (206, 168, 44)
WHITE: Colour = (198, 198, 192)
LINE = 0.14  # metres
SCALE = 2
TILE = 512


def draw_ground(yard: Yard) -> tuple[Bytes, Floats]:
    """The ground in the frame (h, w, 3), and the ground point (h, w, 2) of each pixel."""
    random = np.random.default_rng([yard.seed, 21])
    points = ground_points(yard)
    grey = int(random.integers(98, 146))
    asphalt = (grey + int(random.integers(-3, 4)), grey, grey + int(random.integers(-2, 5)))
    canvas = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), asphalt)
    draw = ImageDraw.Draw(canvas)
    for side in (yard.left, yard.right):
        _draw_side(yard, side, draw, random)
    _draw_patches(yard, draw, random, asphalt)
    surface = np.array(canvas.reduce(SCALE), np.float32)
    paint = _lane_paint(yard, random)
    near = np.nan_to_num(points, nan=500.0).clip(-500, 500).astype(np.float32)
    worn = np.clip(0.98 - np.abs(_texture(near, 0.21, 3)) * np.float32(0.28), 0.25, 0.95)
    cover = (paint.astype(np.float32) / 255 * worn)[..., None]
    surface += (np.array(YELLOW, np.float32) - surface) * cover
    grain = 1 + np.float32(0.035) * _texture(near, 0.05, 1) + np.float32(0.05) * _texture(near, 0.9, 2)
    return (surface * grain[..., None]).clip(0, 255).astype(np.uint8), points


def ground_points(yard: Yard) -> Floats:
    """The ground point (h, w, 2) of each pixel, NaN above the horizon."""
    return yard.camera.ground(np.arange(0.5, WIDTH), np.arange(0.5, HEIGHT)[:, None])


@cache
def _noise(number: int) -> NDArray[np.float32]:
    """A tile of smooth noise with unit spread."""
    random = np.random.default_rng([404, number])
    tile = random.normal(0, 1, (TILE, TILE))
    for axis in (0, 1):
        tile = (tile + 0.5 * np.roll(tile, 1, axis) + 0.5 * np.roll(tile, -1, axis)) / 2
    result: NDArray[np.float32] = (tile / tile.std()).astype(np.float32)
    return result


def _texture(points: NDArray[np.float32], step: float, number: int) -> NDArray[np.float32]:
    """Noise of the ground at a grain of `step` metres, fading where a pixel holds many grains."""
    cells = (points * np.float32(1 / step)).astype(np.int32) % TILE
    fade = 1 / (1 + (points[..., 1] * np.float32(0.004 / step)) ** 2)
    values = _noise(number)[cells[..., 1], cells[..., 0]] * fade
    return values.astype(np.float32)


def _fill(draw: ImageDraw.ImageDraw, yard: Yard, ground: Floats, colour: Colour) -> None:
    draw_polygon(draw, yard.camera.outline(standing(ground, 0.0)), colour, SCALE)


def _draw_side(yard: Yard, side: Side, draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    edge = side.sign * yard.width / 2
    kerb = edge + side.sign * (0.25 + side.bay_depth)
    strips: dict[str, Colour] = {
        "grass": (82, 104, 56),
        "hedge": (70, 92, 50),
        "pavement": (156, 150, 144),
    }
    share = random.uniform(0.88, 1.1)
    red, green, blue = strips[side.strip]
    tone = int(red * share), int(green * share), int(blue * share)
    outside = kerb + side.sign * 60
    _fill(draw, yard, yard.ribbon(kerb, outside), tone)
    _fill(draw, yard, yard.ribbon(kerb, kerb + side.sign * 0.16), (176, 174, 168))
    if side.strip == "pavement":
        for s in np.arange(0, min(yard.length, 42), 1.2):
            _fill(
                draw,
                yard,
                yard.ribbon(kerb, kerb + side.sign * 8, float(s), float(s) + 0.03),
                (132, 126, 120),
            )
    if side.bay_depth:
        _draw_bays(yard, draw)


def _draw_bays(yard: Yard, draw: ImageDraw.ImageDraw) -> None:
    for bay in yard.bays:
        cos, sin = np.cos(bay.heading), np.sin(bay.heading)
        turn = np.array([[cos, sin], [-sin, cos]])
        for across in (-bay.width / 2, bay.width / 2):
            stripe = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [bay.depth / 2, LINE / 2] + [0, across]
            _fill(draw, yard, stripe @ turn + [bay.x, bay.y], WHITE)
        if bay.depth > 6:  # along the lane: lines across both ends as well
            for end in (-bay.depth / 2, bay.depth / 2):
                stripe = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [LINE / 2, bay.width / 2] + [end, 0]
                _fill(draw, yard, stripe @ turn + [bay.x, bay.y], WHITE)


def _draw_patches(
    yard: Yard, draw: ImageDraw.ImageDraw, random: np.random.Generator, asphalt: Colour
) -> None:
    """Mends, manhole covers and oil on the lane."""
    half = yard.width / 2
    for _ in range(int(random.integers(1, 5))):
        s, d = float(random.uniform(4, 30)), float(random.uniform(-half, half * 0.4))
        tone = random.uniform(0.78, 0.92) if random.random() < 0.7 else random.uniform(1.06, 1.14)
        colour = tuple(int(part * tone) for part in asphalt)
        _fill(draw, yard, yard.ribbon(d, d + random.uniform(0.6, 1.8), s, s + random.uniform(1, 5)), colour)  # type: ignore[arg-type]
    for _ in range(int(random.integers(1, 4))):
        x, y = yard.at(float(random.uniform(6, 28)), float(random.uniform(-half, half)))
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        disc = np.column_stack([x + 0.36 * np.cos(turn), y + 0.36 * np.sin(turn)])
        _fill(draw, yard, disc, (66, 64, 62))


def _lane_paint(yard: Yard, random: np.random.Generator) -> Bytes:
    """Where the lane is painted yellow (h, w), 0..255: edges, hatching and 消防通道."""
    half = yard.width / 2
    mask = Image.new("L", (WIDTH * SCALE, HEIGHT * SCALE))
    draw = ImageDraw.Draw(mask)

    def stroke(ground: Floats) -> None:
        draw_polygon(draw, yard.camera.outline(standing(ground, 0.0)), 255, SCALE)

    end = min(yard.length - 4, 48.0)
    for edge in (-half, half):
        stroke(yard.ribbon(edge - LINE / 2, edge + LINE / 2, 0, end))
    if yard.hatching != "border":
        step = float(random.uniform(1.6, 2.4))
        lean = 1.0 if yard.hatching == "diagonal" else 0.0
        words = _word_places(yard)
        for number, s in enumerate(np.arange(0.5, end - yard.width, step)):
            start, stop = float(s), float(s + yard.width * 0.8)
            if any(start < place + 5.6 and stop > place - 0.6 for place in words):
                continue
            if lean == 0.0 and number % 2:
                start, stop = stop, start
            ends = [(start, -half), (start + LINE, -half), (stop + LINE, half), (stop, half)]
            stroke(np.array([yard.at(place, d) for place, d in ends]))
    cover = mask.reduce(SCALE)
    for place in _word_places(yard):
        _lay_word(yard, cover, place)
    return np.asarray(cover)


def _word_places(yard: Yard) -> tuple[float, ...]:
    first = 6.0 + (yard.seed % 7) * 0.5
    return first, first + 14.0


def _lay_word(yard: Yard, cover: Image.Image, s: float) -> None:
    """消防通道 across the lane, read by who drives away from the camera, drawn out as road letters are."""
    reach = yard.width * 0.42
    corner, right = standing(np.array([yard.at(s + 4.6, reach), yard.at(s + 4.6, -reach)]), 0.0)
    down = standing(np.array([yard.at(s, reach)]), 0.0)[0] - corner
    letters = word("消防通道", 96)
    lay(cover, yard.camera, Image.new("L", letters.size, 255), corner, right - corner, down, letters)
