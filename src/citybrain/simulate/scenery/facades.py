"""Fronts of blocks of flats: a picture of the wall, and which of its windows shine after dark."""

import numpy as np
from PIL import Image, ImageDraw

from citybrain.simulate.scenery.painting import Colour

PER_METRE = 18
FLOOR = 3.0  # metres

WALLS: tuple[Colour, ...] = (
    (202, 190, 168),
    (214, 206, 192),
    (186, 150, 126),
    (172, 120, 100),
    (188, 192, 194),
    (210, 196, 150),
    (160, 166, 172),
    (224, 218, 208),
)
PLINTHS: tuple[Colour, ...] = ((112, 104, 98), (128, 122, 116), (96, 84, 78), (140, 128, 112))


def draw_front(length: float, height: float, style: int) -> tuple[Image.Image, Image.Image]:
    """A front of `length` by `height` metres: its picture and, the same size, its lit windows (L)."""
    random = np.random.default_rng([style, 11])
    size = max(4, int(length * PER_METRE)), max(4, int(height * PER_METRE))
    wall = WALLS[int(random.integers(len(WALLS)))]
    front, lit = Image.new("RGB", size, wall), Image.new("L", size)
    draw, shine = ImageDraw.Draw(front), ImageDraw.Draw(lit)
    plinth = PLINTHS[int(random.integers(len(PLINTHS)))]
    share = float(random.uniform(0.8, 1.1))
    band = tuple(int(part * share) for part in wall)
    bay = float(random.uniform(3.2, 4.2))
    balconies = random.random() < 0.7
    bottom = size[1]
    draw.rectangle((0, bottom - int(2.9 * PER_METRE), size[0], bottom), fill=plinth)
    for storey in range(int(height // FLOOR) + 1):
        base = bottom - int((storey * FLOOR) * PER_METRE)
        draw.rectangle((0, base - int(0.22 * PER_METRE), size[0], base), fill=band)
        for number in range(int(length // bay) + 1):
            left = int((number * bay + 0.4) * PER_METRE)
            if storey == 0:
                _ground_floor(draw, shine, random, left, base, number)
                continue
            if balconies and number % 3 == 1:
                _balcony(draw, shine, random, left, base, bay, wall)
            else:
                _window(draw, shine, random, left, base, bay)
    roof = int(0.5 * PER_METRE)
    draw.rectangle((0, 0, size[0], roof), fill=tuple(int(part * 0.75) for part in wall))
    grain = random.normal(1.0, 0.03, (size[1] // 4 + 1, size[0] // 4 + 1)).clip(0.85, 1.15)
    streaks = random.normal(1.0, 0.02, (1, size[0] // 4 + 1))
    shade = Image.fromarray((grain * streaks * 128).clip(0, 255).astype(np.uint8)).resize(
        size, Image.Resampling.BILINEAR
    )
    toned = np.asarray(front, np.uint16) * np.asarray(shade, np.uint16)[..., None] // 128
    front = Image.fromarray(toned.clip(0, 255).astype(np.uint8))
    return front, lit


def _box(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    return int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1))


def _window(
    draw: ImageDraw.ImageDraw,
    shine: ImageDraw.ImageDraw,
    random: np.random.Generator,
    left: int,
    base: int,
    bay: float,
) -> None:
    m = PER_METRE
    wide, tall = (bay - 1.5) * m, 1.5 * m
    top = base - 2.5 * m
    pane = int(random.integers(44, 92))
    draw.rectangle(_box(left - 3, top - 3, left + wide + 3, top + tall + 4), fill=(216, 216, 212))
    draw.rectangle(_box(left, top, left + wide, top + tall), fill=(pane, pane + 9, pane + 16))
    if random.random() < 0.4:  # a curtain
        draw.rectangle(_box(left, top, left + wide * 0.35, top + tall), fill=(150, 142, 128))
    draw.line((left + wide / 2, top, left + wide / 2, top + tall), fill=(210, 210, 208), width=2)
    if random.random() < 0.28:
        shine.rectangle(_box(left, top, left + wide, top + tall), fill=int(random.integers(90, 230)))
    if random.random() < 0.5:  # the air conditioner beside it
        unit = left + wide + 6
        draw.rectangle(_box(unit, base - 1.3 * m, unit + 0.8 * m, base - 0.7 * m), fill=(205, 205, 200))
        draw.ellipse(_box(unit + 3, base - 1.25 * m, unit + 0.5 * m, base - 0.75 * m), fill=(120, 120, 118))


def _balcony(
    draw: ImageDraw.ImageDraw,
    shine: ImageDraw.ImageDraw,
    random: np.random.Generator,
    left: int,
    base: int,
    bay: float,
    wall: Colour,
) -> None:
    m = PER_METRE
    wide = (bay - 0.5) * m
    dark = int(random.integers(48, 84))
    draw.rectangle(
        _box(left - 4, base - 2.7 * m, left + wide, base - 0.1 * m), fill=(dark, dark + 6, dark + 10)
    )
    for post in np.linspace(left - 4, left + wide, 5):
        draw.line((post, base - 2.7 * m, post, base - 1.1 * m), fill=(205, 206, 204), width=2)
    if random.random() < 0.3:
        shine.rectangle(
            _box(left, base - 2.6 * m, left + wide - 4, base - 1.2 * m), fill=int(random.integers(80, 200))
        )
    if random.random() < 0.4:  # washing
        for place in np.linspace(left + 6, left + wide - 16, 4):
            tone = random.integers(70, 220, 3)
            draw.rectangle(
                _box(place, base - 2.4 * m, place + 9, base - 1.5 * m),
                fill=(int(tone[0]), int(tone[1]), int(tone[2])),
            )
    rail = tuple(int(part * 0.9) for part in wall)
    draw.rectangle(_box(left - 6, base - 1.1 * m, left + wide + 3, base), fill=rail)
    draw.rectangle(_box(left - 8, base - 0.15 * m, left + wide + 5, base), fill=(150, 146, 140))


def _ground_floor(
    draw: ImageDraw.ImageDraw,
    shine: ImageDraw.ImageDraw,
    random: np.random.Generator,
    left: int,
    base: int,
    number: int,
) -> None:
    m = PER_METRE
    if number % 4 == 2:  # the entrance of a stair
        draw.rectangle(_box(left - 6, base - 2.9 * m, left + 2.0 * m, base - 2.5 * m), fill=(150, 146, 140))
        draw.rectangle(_box(left, base - 2.4 * m, left + 1.7 * m, base), fill=(58, 66, 72))
        draw.line((left + 0.85 * m, base - 2.4 * m, left + 0.85 * m, base), fill=(130, 134, 136), width=2)
        shine.rectangle(_box(left, base - 2.4 * m, left + 1.7 * m, base - 1.2 * m), fill=150)
        return
    tone = int(random.integers(46, 80))
    draw.rectangle(
        _box(left, base - 2.1 * m, left + 1.9 * m, base - 0.8 * m), fill=(tone, tone + 6, tone + 10)
    )
    for bar in np.arange(left, left + 1.9 * m, 6):  # ground-floor windows are barred
        draw.line((bar, base - 2.1 * m, bar, base - 0.8 * m), fill=(170, 170, 168), width=1)
    if random.random() < 0.3:
        shine.rectangle(_box(left, base - 2.1 * m, left + 1.9 * m, base - 0.8 * m), fill=130)


def draw_wall(length: float, height: float, style: int) -> tuple[Image.Image, Image.Image]:
    """A compound's boundary wall: rendered panels between piers under a coping, and no light in it."""
    random = np.random.default_rng([style, 12])
    size = max(4, int(length * PER_METRE)), max(4, int(height * PER_METRE))
    tone = WALLS[int(random.integers(len(WALLS)))]
    wall = Image.new("RGB", size, tone)
    draw = ImageDraw.Draw(wall)
    dark = tuple(int(part * 0.8) for part in tone)
    for pier in range(0, size[0], int(3.6 * PER_METRE)):
        draw.rectangle((pier, 0, pier + 8, size[1]), fill=dark)
    draw.rectangle((0, 0, size[0], 5), fill=(120, 70, 58))
    draw.rectangle((0, size[1] - 8, size[0], size[1]), fill=tuple(int(part * 0.6) for part in tone))
    if random.random() < 0.5:  # a notice board on it
        left = int(random.uniform(0.1, 0.5) * size[0])
        draw.rectangle((left, 10, left + 70, size[1] - 14), fill=(38, 88, 150))
        draw.rectangle((left + 4, 14, left + 66, size[1] - 18), fill=(222, 226, 226))
    return wall, Image.new("L", size)
