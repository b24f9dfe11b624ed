"""What a detector says about a picture: boxes in fractions of its width and height, so that they hold at any
size.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """One thing seen. `x1 < x2` are fractions of the width from the left edge, `y1 < y2` of the height from
    the top; `score` is the detector's confidence, 0 to 1.
    """

    class_code: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float

    @property
    def bottom_centre(self) -> tuple[float, float]:
        """Where the thing touches the ground."""
        return (self.x1 + self.x2) / 2, self.y2

    @property
    def area(self) -> float:
        """The share of the picture it covers."""
        return max(self.x2 - self.x1, 0.0) * max(self.y2 - self.y1, 0.0)

    @property
    def aspect(self) -> float:
        """Width over height, in fractions of a picture; 0 for a box without height."""
        height = self.y2 - self.y1
        return (self.x2 - self.x1) / height if height > 0 else 0.0

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """x1, y1, x2, y2 in whole pixels of a picture, cut off at its edges."""
        return (
            min(max(round(self.x1 * width), 0), width),
            min(max(round(self.y1 * height), 0), height),
            min(max(round(self.x2 * width), 0), width),
            min(max(round(self.y2 * height), 0), height),
        )


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1; the classes do not matter."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.area + b.area - shared)
