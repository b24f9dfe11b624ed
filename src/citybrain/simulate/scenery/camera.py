"""A pinhole camera over a yard: where points of the world fall in the frame, and how planes are pictured.

The world is in metres: x to the right, y away from the camera, z up; the camera stands at (0, 0, height).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 960, 540
NEAR = 0.4  # metres before the lens; nothing nearer is pictured


@dataclass(frozen=True)
class Camera:
    """`height` in metres, `focal` in pixels of the frame, the angles in degrees; pitch looks down."""

    height: float
    focal: float
    pitch: float
    yaw: float = 0.0
    roll: float = 0.0

    @cached_property
    def place(self) -> Floats:
        return np.array([0.0, 0.0, self.height])

    @cached_property
    def axes(self) -> Floats:
        """Rows: right, up and forward of the camera, each a unit vector of the world."""
        pitch, yaw, roll = np.radians([self.pitch, self.yaw, self.roll])
        forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
        level = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        upright = np.cross(level, forward)
        right = np.cos(roll) * level + np.sin(roll) * upright
        up = np.cos(roll) * upright - np.sin(roll) * level
        return np.stack([right, up, forward])

    def seen(self, points: Floats) -> Floats:
        """World points (n, 3) as (right, up, forward) metres from the lens."""
        return (points - self.place) @ self.axes.T

    def project(self, points: Floats) -> Floats:
        """World points (n, 3) before the lens as pixels (n, 2)."""
        return self.pixels(self.seen(points))

    def pixels(self, seen: Floats) -> Floats:
        depth = seen[:, 2]
        return np.stack(
            [WIDTH / 2 + self.focal * seen[:, 0] / depth, HEIGHT / 2 - self.focal * seen[:, 1] / depth],
            axis=1,
        )

    def outline(self, points: Floats) -> Floats:
        """A world polygon (n, 3) cut off before the lens, as pixels; (0, 2) when it lies behind."""
        seen = self.seen(points)
        kept: list[Floats] = []
        for here, there in zip(seen, np.roll(seen, -1, axis=0), strict=True):
            if here[2] >= NEAR:
                kept.append(here)
            if (here[2] >= NEAR) != (there[2] >= NEAR):
                share = (NEAR - here[2]) / (there[2] - here[2])
                kept.append(here + share * (there - here))
        return self.pixels(np.array(kept)) if len(kept) > 2 else np.empty((0, 2))

    def ground(self, columns: Floats, rows: Floats) -> Floats:
        """Pixels, broadcast against each other, as ground points (…, 2) in metres; NaN above the horizon."""
        across, upward = (columns - WIDTH / 2) / self.focal, (HEIGHT / 2 - rows) / self.focal
        right, up, forward = self.axes
        fall = across * right[2] + upward * up[2] + forward[2]
        with np.errstate(divide="ignore"):
            reach = np.where(fall < -1e-4, -self.height / fall, np.nan)
        x = (across * right[0] + upward * up[0] + forward[0]) * reach
        y = (across * right[1] + upward * up[1] + forward[1]) * reach
        return np.stack([x, y], axis=-1)

    def plane_to_frame(self, origin: Floats, across: Floats, down: Floats) -> Floats:
        """The homography (3, 3) from plane coordinates (s, t) at origin + s * across + t * down to pixels."""
        lens = np.array([[self.focal, 0, WIDTH / 2], [0, -self.focal, HEIGHT / 2], [0, 0, 1.0]])
        world = np.stack([across, down, origin - self.place], axis=1)
        result: Floats = lens @ self.axes @ world
        return result


def standing(points: Floats, height: float) -> Floats:
    """Ground points (n, 2) lifted to a height: (n, 3)."""
    return np.column_stack([points, np.full(len(points), height)])
