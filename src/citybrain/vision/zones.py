"""Polygons in a picture, and in which of them a thing stands."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from citybrain.vision.boxes import Box

if TYPE_CHECKING:
    import shapely

Coordinate = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Coordinate, Coordinate]
Polygon = Annotated[tuple[Point, ...], Field(min_length=3, description="[x, y] as fractions of the picture")]


@lru_cache(maxsize=4096)
def outline(polygon: tuple[tuple[float, float], ...]) -> "shapely.Polygon":
    import shapely  # files of detectors are read where DAGs are parsed, which has to be quick

    return shapely.Polygon(polygon)


def zone_of(zones: Mapping[str, tuple[tuple[float, float], ...]], box: Box) -> str:
    """The first zone that the middle of the box's lower edge lies in, edges included; "" for none."""
    import shapely

    foot = shapely.Point(box.bottom_centre)
    return next((name for name, polygon in zones.items() if outline(polygon).covers(foot)), "")
