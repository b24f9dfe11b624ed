"""Rendered scenes as a trainer wants them: small JPEGs, some of them windows of the frame, and their truth.

A network learns a thing at the sizes it is shown: whole frames are shown as a camera's still is looked at,
windows bring the far end of a yard near.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from citybrain.simulate.scenery import training_scenes
from citybrain.vision.boxes import Box

WINDOW_SHARE = 0.4  # of the scenes are windows
WINDOW = (0.5, 0.9)  # of the frame's width and height
LEAST_LEFT = 0.4  # of a box must lie in the window, else the thing in it counts as not shown
QUALITY = 90

CHUNK = 40  # scenes drawn by one call, from a seed of their own: the same scenes whoever draws them

Drawn = tuple[str, bytes, list[Box]]


def draw_scenes(count: int, width: int, seed: int, windows: bool, processes: int) -> Iterator[Drawn]:
    """Name, JPEG of `width` pixels and truth of `count` scenes, about a third of them without any vehicle."""
    tasks = [(start, min(CHUNK, count - start), width, seed, windows) for start in range(0, count, CHUNK)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for drawn in pool.map(_draw, tasks):
            yield from drawn


def _draw(task: tuple[int, int, int, int, bool]) -> list[Drawn]:
    start, count, width, seed, windows = task
    own_seed = seed * 10_000 + start
    random = np.random.default_rng([own_seed, 91])
    drawn = []
    for number, (pixels, truth) in enumerate(training_scenes(count, own_seed), start):
        boxes = [Box(code, x1, y1, x2, y2, 1.0) for code, x1, y1, x2, y2 in truth]
        if windows and random.random() < WINDOW_SHARE:
            pixels, boxes = _window(pixels, boxes, random)
        picture = Image.fromarray(pixels)
        height = round(picture.height * width / picture.width)
        content = io.BytesIO()
        picture.resize((width, height), Image.Resampling.BOX).save(content, "JPEG", quality=QUALITY)
        drawn.append((f"scene_{number:05}", content.getvalue(), boxes))
    return drawn


def _window(
    pixels: NDArray[np.uint8], boxes: list[Box], random: np.random.Generator
) -> tuple[NDArray[np.uint8], list[Box]]:
    """A window of the frame in its own proportions, and what of the boxes lies in it."""
    height, width = pixels.shape[:2]
    share = random.uniform(*WINDOW)
    left, top = random.uniform(0, 1 - share), random.uniform(0, 1 - share)
    shown = []
    for box in boxes:
        inside = Box(
            box.class_code,
            max((box.x1 - left) / share, 0.0),
            max((box.y1 - top) / share, 0.0),
            min((box.x2 - left) / share, 1.0),
            min((box.y2 - top) / share, 1.0),
            1.0,
        )
        overlaps = inside.x2 > inside.x1 and inside.y2 > inside.y1
        if overlaps and inside.area * share**2 >= LEAST_LEFT * box.area:
            shown.append(inside)
    x, y = int(left * width), int(top * height)
    return pixels[y : y + int(share * height), x : x + int(share * width)], shown
