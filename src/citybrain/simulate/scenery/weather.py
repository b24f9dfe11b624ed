"""From painted daylight to what the camera's sensor gives: lamps, haze, rain, noise and blur."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from citybrain.simulate.scenery.background import Background
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, standing
from citybrain.simulate.scenery.light import Conditions, Light
from citybrain.simulate.scenery.painting import Bytes
from citybrain.simulate.scenery.props import lamp_places
from citybrain.simulate.scenery.yards import Yard

Level = NDArray[np.float32]
LAMP_HEIGHT = 4.2
COARSE = 12  # pixels of the frame to one of the light's map
WARM = np.array([1.12, 0.96, 0.72], np.float32)
WINDOW = np.array([255, 214, 150], np.float32)


def grade(
    frame: Bytes,
    glow: Bytes,
    background: Background,
    yard: Yard,
    sky: Conditions,
    random: np.random.Generator,
) -> Bytes:
    """The frame (h, w, 3) under the scene's light, through this camera."""
    image = frame.astype(np.float32)
    if sky.wet:
        image = _wet(image, background)
    if sky.lamps:
        image *= sky.ambient * sky.tint.astype(np.float32) + _lamp_light(yard, sky, random)
        image += (glow.astype(np.float32) / 255)[..., None] * WINDOW * (0.9 * sky.lamps)
    else:
        image *= (sky.tint * (sky.ambient + 0.75 * sky.sun_strength)).astype(np.float32)
    if sky.haze:
        image += _haze(background, sky)[..., None] * (np.float32(200 * max(sky.ambient, 0.3)) - image)
    if sky.infrared:
        image = _infrared(image, random)
    image *= _vignette() ** np.float32(random.uniform(0.4, 1.4))
    image = (image - 118) * np.float32(random.uniform(0.9, 1.14)) + 118 + np.float32(random.uniform(-8, 8))
    if sky.lamps == 0 or random.random() < 0.5:
        image *= random.normal(1, 0.02, 3).astype(np.float32)
    dark = 1.0 + 2.2 * min(1.0, sky.lamps)
    image += _noise(random) * np.float32(random.uniform(1.2, 4.2) * dark)
    picture = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    if sky.light is Light.RAIN:
        picture = _streaks(picture, random)
    blur = float(random.uniform(0, 0.9)) if random.random() < 0.85 else float(random.uniform(0.9, 1.5))
    if blur > 0.3:
        picture = picture.filter(ImageFilter.BoxBlur(blur * 0.8))
    if sky.infrared:
        picture = picture.convert("L").convert("RGB")
    return np.asarray(picture)


def _lamp_light(yard: Yard, sky: Conditions, random: np.random.Generator) -> Level:
    """Light of the yard's lamps (h, w, 3), falling off with the distance; nearest for what stands upright."""
    columns, rows = np.meshgrid(
        np.arange(0, WIDTH + COARSE, COARSE, dtype=float), np.arange(0, HEIGHT + COARSE, COARSE, dtype=float)
    )
    pixels = np.column_stack([columns.ravel(), rows.ravel()])
    ground = np.nan_to_num(yard.camera.ground(pixels[:, 0], pixels[:, 1]), nan=400.0)
    level = np.zeros(len(pixels))
    for place in lamp_places(yard):
        head = standing(place[None], LAMP_HEIGHT)
        squared = ((ground - place) ** 2).sum(axis=1) + LAMP_HEIGHT**2
        level += LAMP_HEIGHT**2 * 1.5 / squared
        if yard.camera.seen(head)[0, 2] > 2:
            halo = yard.camera.project(head)[0]
            size = yard.camera.focal * 3.5 / yard.camera.seen(head)[0, 2]
            level += 0.45 * np.exp(-((pixels - halo) ** 2).sum(axis=1) / (2 * size**2))
    own = 0.0
    if sky.infrared:  # the camera's own lamp reaches out from the middle
        middle = ((pixels - [WIDTH / 2, HEIGHT * 0.55]) ** 2).sum(axis=1)
        own = random.uniform(0.3, 0.6)
        level = 0.5 * level + own * np.exp(-middle / (2 * 330.0**2))
    coarse = Image.fromarray((sky.lamps * level).reshape(columns.shape).astype(np.float32))
    fine = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    result: Level = np.minimum(fine, 1.1)[..., None] * WARM
    return result


def _haze(background: Background, sky: Conditions) -> Level:
    with np.errstate(invalid="ignore"):
        reach = np.hypot(background.ground[..., 0], background.ground[..., 1])
    far = np.where(np.isnan(reach), 45.0, reach).astype(np.float32)
    result: Level = np.float32(sky.haze * 1.6) * (1 - np.exp(-far / 45.0))
    return result


def _wet(image: Level, background: Background) -> Level:
    """Wet ground is darker and mirrors, stretched, what is bright above it."""
    ground = ~np.isnan(background.ground[..., 0])
    mirror = Image.fromarray(image.clip(0, 255).astype(np.uint8)[::-1]).resize((WIDTH // 8, HEIGHT // 24))
    soft = np.asarray(mirror.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32)
    wet = image * np.float32(0.78) + soft * np.float32(0.16)
    result: Level = np.where(ground[..., None], wet, image * np.float32(0.93))
    return result


def _infrared(image: Level, random: np.random.Generator) -> Level:
    grey = image @ np.array([0.4, 0.45, 0.15], np.float32)
    lifted = grey * np.float32(random.uniform(1.2, 1.6)) + 6
    return np.repeat(lifted[..., None], 3, axis=2)


def _streaks(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    slant = float(random.uniform(-0.25, 0.25))
    for _ in range(int(random.integers(120, 420))):
        x, y, length = random.uniform(0, WIDTH), random.uniform(-20, HEIGHT), random.uniform(8, 34)
        draw.line((x, y, x + slant * length, y + length), fill=int(random.integers(24, 72)), width=1)
    picture = picture.copy()
    picture.paste((214, 220, 226), (0, 0), mask)
    return picture


@cache
def _vignette() -> Level:
    columns, rows = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    return (1 - 0.16 * (columns**2 + rows**2)).astype(np.float32)[..., None]


@cache
def _noise_tile() -> Level:
    random = np.random.default_rng(808)
    tile = random.normal(0, 1, (HEIGHT + 64, WIDTH + 64, 3)) * 0.5
    return (tile + random.normal(0, 0.8, (HEIGHT + 64, WIDTH + 64, 1))).astype(np.float32)


def _noise(random: np.random.Generator) -> Level:
    top, left = (int(shift) for shift in random.integers(0, 64, 2))
    return _noise_tile()[top : top + HEIGHT, left : left + WIDTH]
