"""Stills of fields as a camera on a mast sees them, drawn: sky, trees on the horizon, stubble; and smoke over it.

Nothing in them is a photograph, and no training has seen them.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 540
HORIZON = 190
FOOT = (470, 470)  # where the smoke rises from, x and y in pixels


def field_still(wrong: bool, grain: int, seed: int = 21) -> bytes:
    """A JPEG. `wrong`: smoke stands over the stubble; `grain` is the sensor's noise."""
    field = _field(np.random.default_rng([seed, 1]))
    if wrong:
        field = _with_smoke(field, np.random.default_rng([seed, 2]))
    soft = field.filter(ImageFilter.GaussianBlur(0.6))
    noise = np.random.default_rng([seed, 3, grain]).normal(0, 4, (HEIGHT, WIDTH, 3))
    seen = np.clip(np.asarray(soft, dtype=float) + noise, 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(seen).save(content, "JPEG", quality=88)
    return content.getvalue()


def _field(random: np.random.Generator) -> Image.Image:
    plain = np.empty((HEIGHT, WIDTH, 3))
    plain[:HORIZON] = np.linspace((150, 176, 206), (206, 214, 220), HORIZON)[:, None]
    plain[HORIZON:] = np.linspace((142, 130, 92), (118, 104, 66), HEIGHT - HORIZON)[:, None]
    for cells, strength in (((9, 12), 7.0), ((60, 90), 9.0), ((270, 480), 12.0)):
        stains = Image.fromarray(random.normal(0, strength, cells).astype(np.float32), "F")
        spread = np.asarray(stains.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))[..., None]
        plain[HORIZON:] += spread[HORIZON:]
    field = Image.fromarray(np.clip(plain, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(field)
    for number in range(-40, 80):  # rows of stubble run to one point
        draw.line((480 + number * 14, HORIZON, 480 + number * 90, HEIGHT), fill=(104, 92, 58), width=2)
    for x in np.arange(0, WIDTH, 9):  # trees on the horizon
        high = float(random.uniform(10, 34))
        green = int(random.integers(56, 86))
        draw.ellipse((x - 12, HORIZON - high, x + 12, HORIZON + 8), fill=(44, green, 42))
    return field


def _with_smoke(field: Image.Image, random: np.random.Generator) -> Image.Image:
    """Puffs that grow as they rise and drift, bright above and grey beneath, the lowest last."""
    x0, y0 = FOOT
    for rise in np.sort(random.uniform(0, 1, 240) ** 0.9)[::-1].tolist():
        wide = 26 + 120 * rise
        x = x0 + 60 * rise**1.5 + float(random.normal(0, wide * 0.42))
        y = y0 - 380 * rise + float(random.normal(0, 10))
        large = float(random.uniform(0.25, 0.5)) * wide
        tone = int(np.clip(224 - 26 * rise + random.normal(0, 14), 120, 250))
        puff = Image.new("L", field.size, 0)
        ImageDraw.Draw(puff).ellipse((x - large, y - large * 0.85, x + large, y + large * 0.85), fill=150)
        shade = Image.new("L", field.size, 0)
        ImageDraw.Draw(shade).ellipse(
            (x - large * 0.9, y - large * 0.3, x + large * 0.9, y + large), fill=80
        )
        field.paste((tone - 40, tone - 40, tone - 36), mask=shade.filter(ImageFilter.GaussianBlur(large / 4)))
        field.paste((tone, tone, tone + 2), mask=puff.filter(ImageFilter.GaussianBlur(large / 5)))
    return field
