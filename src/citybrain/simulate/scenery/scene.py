"""Renders one frame of a yard, and tells where its vehicles are seen."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from citybrain.simulate.scenery.background import Background, background_of
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Floats, standing
from citybrain.simulate.scenery.light import Conditions, Light, conditions
from citybrain.simulate.scenery.overlay import write_overlay
from citybrain.simulate.scenery.painting import Bytes, draw_polygon
from citybrain.simulate.scenery.props import props_of, tree_places
from citybrain.simulate.scenery.sprites import Sprite, conditions_level, vehicle_sprite
from citybrain.simulate.scenery.vehicles import Vehicle
from citybrain.simulate.scenery.weather import grade
from citybrain.simulate.scenery.yards import Yard

LEAST_VISIBLE = 0.3
SOLID = 128  # of the mask's 255

Truth = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """image: (540, 960, 3) RGB; boxes: (class, x1, y1, x2, y2) of what is seen, in fractions of the frame.

    vehicles: the ones behind `boxes`, in the same order; quality: of the JPEG this camera would write.
    """

    image: Bytes
    boxes: list[Truth]
    vehicles: list[Vehicle]
    quality: int

    def jpeg(self) -> bytes:
        content = io.BytesIO()
        Image.fromarray(self.image).save(content, "JPEG", quality=self.quality)
        return content.getvalue()


def render(
    yard: Yard, vehicles: Sequence[Vehicle], light: Light, seed: int, at: datetime | None = None
) -> Scene:
    """The yard with these vehicles, less those of which not even 30 % would be seen.

    at: the time the camera writes into the frame; drawn from the seed when not given.
    The same arguments give the same picture.
    """
    random = np.random.default_rng([seed, 61])
    sky = conditions(light, random)
    background = background_of(yard)
    kept, boxes = _seen(yard, vehicles, sky)
    frame = background.picture.copy()
    glow = background.glow.copy()
    _cast_shadows(frame, yard, [vehicle for vehicle, _ in kept], sky, background)
    things = [*props_of(yard), *(sprite for _, sprite in kept)]
    for sprite in sorted(things, key=lambda sprite: -sprite.distance):
        _set(sprite, frame, glow)
    image = grade(frame, glow, background, yard, sky, random)
    picture = Image.fromarray(image)
    write_overlay(picture, yard.name, at or _drawn_time(light, random))
    return Scene(np.asarray(picture), boxes, [vehicle for vehicle, _ in kept], int(random.integers(62, 93)))


def _drawn_time(light: Light, random: np.random.Generator) -> datetime:
    first, last = {Light.DUSK: (18, 19), Light.NIGHT: (20, 23)}.get(light, (8, 17))
    day = datetime(2026, 1, 1) + timedelta(days=int(random.integers(330)))  # noqa: DTZ001 - a wall clock's face
    seconds = int(random.integers(first * 3600, last * 3600))
    return day + timedelta(seconds=seconds)


def seen_boxes(yard: Yard, vehicles: Sequence[Vehicle]) -> list[tuple[Vehicle, Truth]]:
    """The vehicles that a picture of the yard would show, each with its box."""
    noon = conditions(Light.DAY, np.random.default_rng(0))
    kept, boxes = _seen(yard, vehicles, noon)
    return [(vehicle, box) for (vehicle, _), box in zip(kept, boxes, strict=True)]


def _seen(
    yard: Yard, vehicles: Sequence[Vehicle], sky: Conditions
) -> tuple[list[tuple[Vehicle, Sprite]], list[Truth]]:
    """Leave out, one by one, the least visible until all are seen well; then box what is seen of each."""
    props = props_of(yard)
    drawn = [(vehicle, vehicle_sprite(vehicle, yard.camera, sky)) for vehicle in vehicles]
    pairs = [(vehicle, sprite) for vehicle, sprite in drawn if sprite]
    while True:
        owner = np.full((HEIGHT, WIDTH), -1, np.int16)
        things: list[tuple[float, int, Sprite]] = [(sprite.distance, -1, sprite) for sprite in props]
        things += [(sprite.distance, number, sprite) for number, (_, sprite) in enumerate(pairs)]
        for _, number, sprite in sorted(things, key=lambda thing: -thing[0]):
            window = sprite.window()
            if window:
                rows, columns, *inner = window
                owner[rows, columns][sprite.alpha[tuple(inner)] >= SOLID] = number
        boxes: list[Truth] = []
        shares = []
        for number, (vehicle, sprite) in enumerate(pairs):
            window = sprite.window()
            whole = int((sprite.alpha >= SOLID).sum())
            if not window or not whole:
                shares.append(0.0)
                continue
            rows, columns = window[:2]
            mine = owner[rows, columns] == number
            shares.append(float(mine.sum()) / whole)
            boxes.append(_box(vehicle.class_code, mine, rows.start, columns.start))
        if not shares or min(shares) >= LEAST_VISIBLE:
            return pairs, boxes
        del pairs[int(np.argmin(shares))]


def _box(class_code: str, mine: Bytes, top: int, left: int) -> Truth:
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    if not len(rows):
        return class_code, 0.0, 0.0, 0.0, 0.0
    return (
        class_code,
        round((left + int(columns[0])) / WIDTH, 5),
        round((top + int(rows[0])) / HEIGHT, 5),
        round((left + int(columns[-1]) + 1) / WIDTH, 5),
        round((top + int(rows[-1]) + 1) / HEIGHT, 5),
    )


def _set(sprite: Sprite, frame: Bytes, glow: Bytes) -> None:
    window = sprite.window()
    if window is None:
        return
    rows, columns, *inner = window
    alpha = sprite.alpha[tuple(inner)].astype(np.uint16)
    under = frame[rows, columns].astype(np.uint16)
    over = sprite.rgb[tuple(inner)].astype(np.uint16)
    frame[rows, columns] = ((over * alpha[..., None] + under * (255 - alpha[..., None])) // 255).astype(
        np.uint8
    )
    own = sprite.glow[tuple(inner)].astype(np.uint16) if sprite.glow is not None else np.uint16(0)
    glow[rows, columns] = (own * alpha // 255 + glow[rows, columns] * (255 - alpha) // 255).astype(np.uint8)


def _cast_shadows(
    frame: Bytes, yard: Yard, vehicles: Sequence[Vehicle], sky: Conditions, background: Background
) -> None:
    """Darken the ground under and beside what stands on it, in place."""
    size = WIDTH // 2, HEIGHT // 2
    cast, contact = Image.new("L", size), Image.new("L", size)
    draw, under = ImageDraw.Draw(cast), ImageDraw.Draw(contact)
    reach = -sky.sun[:2] / sky.sun[2]
    for vehicle in vehicles:
        low = vehicle.footprint(-0.05)
        high = vehicle.footprint(-0.12) + reach * vehicle.height * 0.9
        for outline in (low, high, *(np.array([low[a], low[b], high[b], high[a]]) for a, b in _EDGES)):
            draw_polygon(draw, yard.camera.outline(standing(outline, 0.0)), 255, 0.5)
        for margin, tone in ((0.3, 70), (0.12, 130), (-0.05, 230)):
            draw_polygon(under, yard.camera.outline(standing(vehicle.footprint(margin), 0.0)), tone, 0.5)
    for side in (yard.left, yard.right):
        for place, radius in tree_places(yard, side):
            _crown_shadow(draw, yard, place, radius, reach)
    sunlit = conditions_level(sky) / (conditions_level(sky) + 1.1 * sky.sun_strength)
    dark = np.asarray(cast.filter(ImageFilter.GaussianBlur(1.2)).resize((WIDTH, HEIGHT)), np.float32) / 255
    close = (
        np.asarray(contact.filter(ImageFilter.GaussianBlur(1.6)).resize((WIDTH, HEIGHT)), np.float32) / 255
    )
    level = (1 - (1 - sunlit) * dark) * (1 - 0.62 * close)
    level[np.isnan(background.ground[..., 0])] = 1
    frame[:] = (frame * level[..., None]).astype(np.uint8)


_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0))


def _crown_shadow(draw: ImageDraw.ImageDraw, yard: Yard, place: Floats, radius: float, reach: Floats) -> None:
    middle = place + reach * 3.2
    turn = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    wobble = radius * (1 + 0.15 * np.sin(5 * turn))
    disc = np.column_stack([middle[0] + wobble * np.cos(turn), middle[1] + wobble * np.sin(turn)])
    draw_polygon(draw, yard.camera.outline(standing(disc, 0.0)), 230, 0.5)
    trunk = np.array([place - 0.1, place + 0.1, middle + 0.1, middle - 0.1])
    draw_polygon(draw, yard.camera.outline(standing(trunk, 0.0)), 200, 0.5)
