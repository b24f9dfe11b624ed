"""Builds the faces of a vehicle from its shape: polygons in metres, each of one material."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from citybrain.simulate.scenery.camera import Floats
from citybrain.simulate.scenery.shapes import BoxPart, Material, Ring, Shape


@dataclass(frozen=True)
class Face:
    """A flat convex polygon (n >= 4, 3), counter-clockwise from outside: x ahead, y to the left, z up.

    layer: faces of a higher layer lie on the others and are painted after them.
    two_sided: seen from behind as well.
    """

    points: Floats
    material: Material
    layer: int = 0
    two_sided: bool = False


def build(shape: Shape, length: float, width: float, height: float) -> list[Face]:
    """All faces of one vehicle of this shape and size; its middle stands at the origin."""
    size = np.array([length, width / 2, height])
    faces: list[Face] = []
    if shape.stations:
        faces += _loft(shape, size)
    for box in shape.boxes:
        faces += _box_part(box, size)
    for ring in shape.rings:
        faces += _ring(ring, size)
    for bar in shape.bars:
        faces += _bar(_at(bar.start, size), _at(bar.end, size), bar.thick, bar.material)
    if shape.wheels:
        for along in shape.wheels.at:
            for side in (1.0, -1.0):
                faces += _wheel(_x(along, size), side * size[1], side, shape.wheels.radius)
    return faces


def _x(along: float, size: Floats) -> float:
    return float(size[0] * (0.5 - along))


def _at(place: tuple[float, float, float], size: Floats) -> Floats:
    return np.array([_x(place[0], size), place[1] * size[1], place[2] * size[2]])


def _section(station: Sequence[float], size: Floats, clearance: float) -> Floats:
    """The outline of the body across one station, from the right sill over the roof to the left: (12, 2)."""
    _along, top, belt, half, *_ = station
    reach, roof, waist = half * size[1], top * size[2], belt * size[2]
    cabin = min(1.0, (top - belt) / 0.3)
    rail = reach * (0.90 - 0.17 * cabin)
    shoulder = clearance + 0.72 * (waist - clearance)
    rocker = clearance + 0.22 * (waist - clearance)
    side = [
        (0.95 * reach, clearance),
        (reach, rocker),
        (reach, shoulder),
        (0.965 * reach, waist),
        (rail, roof - 0.02 * size[2]),
        (0.8 * rail, roof),
    ]
    return np.array([(-y, z) for y, z in side] + list(reversed(side)))


def _loft(shape: Shape, size: Floats) -> Iterator[Face]:
    sections = []
    for station in shape.stations:
        outline = _section(station[:4], size, shape.clearance)
        sections.append(np.column_stack([np.full(len(outline), _x(station[0], size)), outline]))
    for number, (ahead, behind) in enumerate(pairwise(sections)):
        roof, side = shape.stations[number][4], shape.stations[number][5]
        for j in range(len(ahead) - 1):
            material: Material = "paint"
            if j in (4, 5, 6):
                material = roof
            elif j in (3, 7):
                material = side
            elif j in (0, 10):
                material = "dark"
            yield Face(np.array([ahead[j], ahead[j + 1], behind[j + 1], behind[j]]), material)
    yield Face(sections[0][::-1].copy(), "paint")
    yield Face(sections[-1].copy(), "paint")
    yield from _front(shape, size)
    yield from _rear(shape, size)


def _front(shape: Shape, size: Floats) -> Iterator[Face]:
    """Lamps, grille and plate on the nose."""
    nose, inner = shape.stations[0], shape.stations[1]
    x, height = _x(0.0, size) + 0.015, nose[2] * size[2]
    low, reach = shape.clearance, nose[3] * size[1]
    body = height - low
    yield _panel(x, (-0.55 * reach, 0.55 * reach), (low + 0.45 * body, low + 0.9 * body), "dark", 1)
    yield _panel(x, (-0.9 * reach, 0.9 * reach), (low, low + 0.2 * body), "dark", 1)
    for side in (-1.0, 1.0):
        lamp = sorted((side * 0.6 * reach, side * inner[3] * 0.97 * size[1]))
        yield _panel(x, (lamp[0], lamp[1]), (low + 0.6 * body, low + 0.95 * body), "lamp", 2)
    yield _panel(x + 0.01, (-0.22, 0.22), (low + 0.24 * body, low + 0.24 * body + 0.14), "plate", 3)


def _rear(shape: Shape, size: Floats) -> Iterator[Face]:
    tail = shape.stations[-1]
    x = _x(shape.body_end if shape.boxes else 1.0, size) - 0.015
    low, reach = shape.clearance, tail[3] * size[1]
    if shape.boxes:  # a lorry carries them below the load
        x, low, reach = _x(1.0, size) - 0.015, 0.5 * shape.clearance + 0.15, 0.95 * size[1]
    body = (tail[2] * size[2] - low) if not shape.boxes else 0.5
    for side in (-1.0, 1.0):
        lamp = sorted((side * 0.62 * reach, side * 1.02 * reach))
        yield _panel(x, (lamp[1], lamp[0]), (low + 0.62 * body, low + 1.0 * body), "tail", 2)
    yield _panel(x, (0.9 * reach, -0.9 * reach), (low, low + 0.22 * body), "dark", 1)
    yield _panel(x - 0.01, (0.22, -0.22), (low + 0.45 * body, low + 0.45 * body + 0.14), "plate", 3)


def _panel(
    x: float, across: tuple[float, float], heights: tuple[float, float], kind: Material, layer: int
) -> Face:
    """An upright rectangle across the vehicle; it looks ahead when `across` rises, back when it falls."""
    (start, end), (low, high) = across, heights
    return Face(np.array([[x, start, low], [x, end, low], [x, end, high], [x, start, high]]), kind, layer)


def _box(low: Floats, high: Floats, material: Material) -> Iterator[Face]:
    (x0, y0, z0), (x1, y1, z1) = low, high
    corners = np.array([[x, y, z] for z in (z0, z1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))])
    for face in ((4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)):
        yield Face(corners[list(face)], material)


def _box_part(part: BoxPart, size: Floats) -> Iterator[Face]:
    ends = sorted((_x(part.along[0], size), _x(part.along[1], size)))
    low, high = part.heights[0] * size[2], part.heights[1] * size[2]
    reach = part.half_width * size[1]
    spans = [(-reach, reach)]
    if part.from_half_width is not None:
        inner = part.from_half_width * size[1]
        spans = [(-reach, -inner), (inner, reach)]
    # long boxes are cut so that sorting by distance stays right beside other parts
    cuts = np.linspace(ends[0], ends[1], max(2, round((ends[1] - ends[0]) / 1.2) + 1))
    for y0, y1 in spans:
        for x0, x1 in pairwise(cuts):
            yield from _box(np.array([x0, y0, low]), np.array([x1, y1, high]), part.material)


def _circle(x: float, y: float, z: float, radius: float, corners: int = 16) -> Floats:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack([x + radius * np.cos(turn), np.full(corners, y), z + radius * np.sin(turn)])


def _wheel(x: float, y: float, side: float, radius: float) -> Iterator[Face]:
    """A wheel on one side, seen from outside: arch, tyre, rim and hub."""
    for layer, (share, material, out) in enumerate(
        ((1.14, "dark", 0.004), (1.0, "tyre", 0.02), (0.66, "metal", 0.03), (0.2, "dark", 0.035)), 1
    ):
        circle = _circle(x, y + side * out, radius, radius * share)
        if share > 1:
            circle[:, 2] = np.maximum(circle[:, 2], radius * 0.6)
        yield Face(circle[::-1] if side > 0 else circle, material, layer)  # type: ignore[arg-type]


def _ring(ring: Ring, size: Floats) -> Iterator[Face]:
    x, reach = _x(ring.at, size), ring.half_width * size[1]
    z = max(ring.outer, 0.3) if ring.outer < 0.2 else ring.outer
    outer = _circle(x, 0.0, z, ring.outer, 20)
    if ring.inner == 0.0:
        for y in (-reach, reach):
            yield Face(outer + np.array([0.0, y, 0.0]), ring.material, 0, True)
        return
    inner = _circle(x, 0.0, z, ring.inner, 20)
    for here in range(20):
        there = (here + 1) % 20
        flat = np.array([outer[here], outer[there], inner[there], inner[here]])
        yield Face(flat, ring.material, 0, True)
        tread = np.array([outer[here], outer[there], outer[there], outer[here]])
        tread[:, 1] = [-reach, -reach, reach, reach]
        yield Face(tread, ring.material, 0, True)


def _bar(start: Floats, end: Floats, thick: float, material: Material) -> Iterator[Face]:
    """A square bar, its four long sides."""
    along = (end - start) / np.linalg.norm(end - start)
    other = np.array([0.0, 0.0, 1.0]) if abs(along[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    across = np.cross(along, other)
    across /= np.linalg.norm(across)
    up = np.cross(across, along)
    ring = [across + up, -across + up, -across - up, across - up]
    for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
        a, b = here * thick / 2, there * thick / 2
        yield Face(np.array([start + a, start + b, end + b, end + a]), material, 0, True)
