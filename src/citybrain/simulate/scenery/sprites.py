"""Solid things as small pictures with a mask: painted on their own, then set into the frame far to near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from citybrain.simulate.scenery.bodies import Face, build
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Camera, Floats
from citybrain.simulate.scenery.light import Conditions
from citybrain.simulate.scenery.painting import Bytes, draw_polygon
from citybrain.simulate.scenery.shapes import load_shapes
from citybrain.simulate.scenery.vehicles import Vehicle

BEYOND = 300  # pixels outside the frame that a sprite keeps, so that its whole area is known
NEAREST = 1.2  # metres before the lens


@dataclass(frozen=True)
class Sprite:
    """rgb (h, w, 3), alpha and glow (h, w) 0..255; the top left stands at (left, top) of the frame.

    distance: metres from the camera to its foot.
    """

    left: int
    top: int
    rgb: Bytes
    alpha: Bytes
    glow: Bytes | None
    distance: float

    def window(self) -> tuple[slice, slice, slice, slice] | None:
        """Rows and columns of the frame, then of the sprite, where they meet; None when they do not."""
        height, width = self.alpha.shape
        top, bottom = max(self.top, 0), min(self.top + height, HEIGHT)
        left, right = max(self.left, 0), min(self.left + width, WIDTH)
        if bottom <= top or right <= left:
            return None
        rows, columns = slice(top, bottom), slice(left, right)
        inner = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        return rows, columns, *inner


def vehicle_sprite(vehicle: Vehicle, camera: Camera, conditions: Conditions) -> Sprite | None:
    """The vehicle as the camera sees it; None when it is behind the camera, too near or off the frame."""
    faces = build(load_shapes().shapes[vehicle.shape], vehicle.length, vehicle.width, vehicle.height)
    cos, sin = np.cos(vehicle.heading), np.sin(vehicle.heading)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    place = np.array([vehicle.x, vehicle.y, 0.0])
    sizes = [len(face.points) for face in faces]
    points = np.concatenate([face.points for face in faces]) @ turn + place
    seen = camera.seen(points)
    if seen[:, 2].min() < NEAREST:
        return None
    pixels = camera.pixels(seen)
    low, high = np.floor(pixels.min(axis=0)).astype(int) - 1, np.ceil(pixels.max(axis=0)).astype(int) + 2
    if high[0] < 0 or high[1] < 0 or low[0] > WIDTH or low[1] > HEIGHT:
        return None
    low = np.maximum(low, -BEYOND)
    high = np.minimum(high, [WIDTH + BEYOND, HEIGHT + BEYOND])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    scale = 4 if max(size) < 110 else 3 if max(size) < 260 else 2
    ends = np.cumsum(sizes, dtype=np.int64)
    starts = ends - sizes
    middles = np.add.reduceat(points, starts) / np.array(sizes)[:, None]
    first, second, third, fourth = (points[starts + corner] for corner in range(4))
    normals = np.cross(third - first, fourth - second)
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    views = camera.place - middles
    distances = np.linalg.norm(views, axis=1)
    facing = np.einsum("ij,ij->i", normals, views) / distances
    two_sided = np.array([face.two_sided for face in faces])
    layers = np.array([face.layer for face in faces])
    normals = np.where((two_sided & (facing < 0))[:, None], -normals, normals)
    colours = _shade(vehicle, faces, normals, views / distances[:, None], conditions)
    order = np.lexsort((-distances, layers))
    canvas = Image.new("RGB", (size[0] * scale, size[1] * scale), vehicle.paint)
    mask = Image.new("L", canvas.size)
    glow = Image.new("L", canvas.size) if vehicle.lamps_on and conditions.lamps else None
    draw, cover = ImageDraw.Draw(canvas), ImageDraw.Draw(mask)
    shine = ImageDraw.Draw(glow) if glow else None
    for number in order:
        if facing[number] <= 0 and not two_sided[number]:
            continue
        outline = pixels[starts[number] : ends[number]] - low
        draw_polygon(draw, outline, colours[number], scale)
        draw_polygon(cover, outline, 255, scale)
        if shine and faces[number].material in ("lamp", "tail"):
            draw_polygon(shine, outline, 255, scale)
        if faces[number].material == "plate":
            _write_plate(draw, outline * scale, vehicle.plate)
    reduced, alpha = canvas.reduce(scale), mask.reduce(scale)
    return Sprite(
        int(low[0]),
        int(low[1]),
        np.asarray(reduced),
        np.asarray(alpha),
        np.asarray(glow.reduce(scale)) if glow else None,
        float(np.hypot(vehicle.x, vehicle.y)),
    )


BASE: dict[str, tuple[int, int, int]] = {
    "glass": (34, 41, 46),
    "dark": (34, 34, 36),
    "tyre": (26, 26, 27),
    "metal": (150, 153, 156),
    "lamp": (226, 230, 228),
    "tail": (150, 22, 22),
    "plate": (30, 66, 160),
    "load": (150, 128, 92),
}
GLOSS = {"paint": 0.30, "glass": 0.75, "metal": 0.4, "lamp": 0.4, "tail": 0.3, "cargo": 0.05, "plate": 0.05}


def _shade(
    vehicle: Vehicle, faces: list[Face], normals: Floats, views: Floats, conditions: Conditions
) -> list[tuple[int, int, int]]:
    """Each face's colour: its own under sky and sun, and what of the sky it mirrors."""
    own: dict[str, tuple[int, int, int]] = {**BASE, "paint": vehicle.paint, "cargo": vehicle.second}
    base = np.array([own[face.material] for face in faces], float)
    gloss = np.array([GLOSS.get(face.material, 0.0) for face in faces])
    up = normals[:, 2]
    sky = 0.62 + 0.38 * np.clip(up, -0.6, 1)
    sun = np.clip(normals @ conditions.sun, 0, 1)
    lit = base * (conditions_level(conditions) * sky + 1.1 * conditions.sun_strength * sun)[:, None]
    cosine = np.clip(np.einsum("ij,ij->i", normals, views), 0, 1)
    fresnel = 0.12 + 0.88 * (1 - cosine) ** 4
    mirrored = 2 * cosine[:, None] * normals - views
    brightness = np.clip(0.25 + 1.1 * mirrored[:, 2], 0.08, 1.0)
    reflection = np.array([205, 214, 224]) * (conditions_level(conditions) * brightness)[:, None]
    share = (gloss * fresnel * 1.25).clip(0, 0.85)[:, None]
    half = views + conditions.sun
    half /= np.linalg.norm(half, axis=1)[:, None]
    flash = np.clip(np.einsum("ij,ij->i", normals, half), 0, 1) ** 40 * gloss * conditions.sun_strength * 380
    colour = np.clip(lit * (1 - share) + reflection * share + flash[:, None], 0, 255)
    return [(int(r), int(g), int(b)) for r, g, b in colour]


def conditions_level(conditions: Conditions) -> float:
    """How bright a level surface under the open sky is painted; the frame is dimmed afterwards."""
    return 1.0 - 0.55 * conditions.sun_strength


def _write_plate(draw: ImageDraw.ImageDraw, outline: NDArray[np.float64], plate: str) -> None:
    """Strokes where the characters are; readable letters would need more pixels than a camera gives."""
    start, end = outline[0], outline[1]
    rise = outline[3] - outline[0]
    if np.linalg.norm(end - start) < 12:
        return
    for number in range(len(plate)):
        left = start + (end - start) * (0.08 + 0.86 * number / len(plate)) + rise * 0.22
        across, up = (end - start) * 0.075, rise * 0.56
        corners = np.array([left, left + across, left + across + up, left + up])
        draw_polygon(draw, corners, (222, 226, 232))
