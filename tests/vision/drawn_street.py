"""Stills of a street as a camera on a pole sees it, drawn: a wall, a pavement, two bins, rubbish before them.

Nothing in them is a photograph, and no training has seen them.
"""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 540
KERB = 0.42  # of the height: above it the wall, below the pavement
BAGS = (
    (238, 238, 236),
    (226, 222, 214),
    (206, 62, 58),
    (232, 150, 160),
    (240, 206, 92),
    (88, 128, 190),
    (52, 54, 58),
)
PAPERS = ((232, 226, 210), (196, 164, 120), (244, 244, 240), (170, 190, 208))

Colour = tuple[int, int, int]


def street_still(wrong: bool, grain: int, seed: int = 11) -> bytes:
    """A JPEG. `wrong`: bags heap up before the bins and out of one of them; `grain` is the sensor's noise."""
    random = np.random.default_rng([seed, 5])
    street = _ground(random)
    draw = ImageDraw.Draw(street)
    for left, colour in ((360, (44, 122, 66)), (500, (40, 112, 60))):
        _bin(draw, left, 165, 130, 215, colour)
    if wrong:
        _bags(
            draw,
            np.random.default_rng([seed, 6]),
            middle=(430, 168),
            spread=(62, 22),
            count=46,
            size=(10, 24),
        )
        _bags(
            draw,
            np.random.default_rng([seed, 7]),
            middle=(480, 430),
            spread=(200, 58),
            count=330,
            size=(9, 26),
        )
    soft = street.filter(ImageFilter.GaussianBlur(0.7))
    noise = np.random.default_rng([seed, 8, grain]).normal(0, 4, (HEIGHT, WIDTH, 3))
    seen = np.clip(np.asarray(soft, dtype=float) + noise, 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(seen).save(content, "JPEG", quality=88)
    return content.getvalue()


def _ground(random: np.random.Generator) -> Image.Image:
    """Wall and pavement with the coarse and fine stains that both have."""
    edge = int(KERB * HEIGHT)
    plain = np.empty((HEIGHT, WIDTH, 3))
    plain[:edge], plain[edge:] = (176, 170, 160), (128, 126, 122)
    for cells, strength in (((9, 16), 9.0), ((45, 80), 6.0), ((270, 480), 7.0)):
        stains = Image.fromarray(random.normal(0, strength, cells).astype(np.float32), "F")
        plain += np.asarray(stains.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))[..., None]
    ground = Image.fromarray(np.clip(plain, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(ground)
    for row in range(0, edge, 27):  # courses of the wall
        draw.line((0, row, WIDTH, row), fill=(150, 144, 136), width=1)
    for number in range(-30, 60):  # joints of the slabs run to one point
        draw.line((480 + number * 26, edge, 480 + number * 110, HEIGHT), fill=(104, 102, 100), width=1)
    for row in np.geomspace(14, HEIGHT - edge, 8):
        draw.line((0, edge + row, WIDTH, edge + row), fill=(104, 102, 100), width=1)
    draw.rectangle((0, edge - 6, WIDTH, edge + 4), fill=(150, 148, 144))
    return ground


def _bin(draw: ImageDraw.ImageDraw, left: int, top: int, across: int, down: int, colour: Colour) -> None:
    """A wheeled bin: front, side, lid, rim, wheels."""
    right, foot, depth = left + across, top + down, 26
    draw.ellipse((left - 14, foot - 18, right + depth + 18, foot + 22), fill=(74, 72, 70))
    side = _tone(colour, 0.66)
    draw.polygon(
        [(right, top), (right + depth, top - 14), (right + depth - 8, foot - 16), (right - 10, foot)],
        fill=side,
    )
    draw.polygon([(left, top), (right, top), (right - 10, foot), (left + 10, foot)], fill=colour)
    for x in np.linspace(left + 24, right - 26, 3):  # ribs
        draw.line((x, top + 30, x + 2, foot - 12), fill=_tone(colour, 0.82), width=3)
    draw.polygon(
        [(left - 6, top), (left + 20, top - 20), (right + depth + 8, top - 20), (right + 6, top)],
        fill=_tone(colour, 1.15),
    )
    draw.rectangle((left - 7, top - 2, right + 8, top + 14), fill=_tone(colour, 0.8))
    draw.rectangle((left + 44, top + 70, left + 84, top + 116), fill=(226, 232, 226))  # the sign
    for x in (left + 10, right - 32):
        draw.ellipse((x, foot - 16, x + 26, foot + 10), fill=(34, 34, 36))


def _bags(
    draw: ImageDraw.ImageDraw,
    random: np.random.Generator,
    middle: tuple[int, int],
    spread: tuple[int, int],
    count: int,
    size: tuple[int, int],
) -> None:
    """A heap: crumpled bags and papers, the further ones first, each with its shadow and its creases."""
    x0, y0 = middle
    places = random.normal(0, 0.45, (count, 2)).clip(-1, 1)
    for across, down in places[np.argsort(places[:, 1])].tolist():
        x, y = x0 + across * spread[0], y0 + down * spread[1] - (1 - abs(across)) * 30
        large = float(random.uniform(*size))
        kinds = BAGS if random.random() < 0.7 else PAPERS
        colour = kinds[int(random.integers(len(kinds)))]
        outline = list(_crumpled(random, x, y, large))
        draw.polygon([(px + 3, py + 4) for px, py in outline], fill=(58, 56, 54))
        draw.polygon(outline, fill=_tone(colour, float(random.uniform(0.78, 1.05))))
        for _ in range(3):
            (ax, ay), (bx, by) = (outline[int(random.integers(len(outline)))] for _ in range(2))
            bright = float(random.uniform(0.6, 1.2))
            draw.line((ax, ay, (ax + bx) / 2, (ay + by) / 2), fill=_tone(colour, bright), width=2)


def _crumpled(random: np.random.Generator, x: float, y: float, large: float) -> Iterator[tuple[float, float]]:
    for turn in np.sort(random.uniform(0, 2 * np.pi, 9)):
        reach = large * random.uniform(0.55, 1.05)
        yield x + reach * float(np.cos(turn)), y + 0.75 * reach * float(np.sin(turn))


def _tone(colour: Colour, times: float) -> Colour:
    red, green, blue = (min(int(part * times), 255) for part in colour)
    return red, green, blue
