"""The shapes of vehicles, from shapes.yml: what a lofted body, boxes, bars and wheels are made of."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from citybrain.catalogue import ContentModel, load_content

Range = tuple[float, float]
Material = Literal["paint", "glass", "dark", "tyre", "metal", "cargo", "load", "lamp", "tail", "plate"]
Station = tuple[float, float, float, float, Material, Material]


class Colour(ContentModel):
    rgb: tuple[int, int, int]
    weight: float = Field(gt=0)


class Wheels(ContentModel):
    """Four wheels: two on each side, at shares of the length."""

    radius: float = Field(gt=0)
    at: tuple[float, float]


class BoxPart(ContentModel):
    """A box; with `from_half_width` it is two, one on each side, hollow between them."""

    along: Range
    half_width: float
    from_half_width: float | None = None
    heights: Range
    material: Material


class Ring(ContentModel):
    """A wheel in the middle of a two-wheeler; radii in metres."""

    at: float
    outer: float
    inner: float
    half_width: float
    material: Material


class Bar(ContentModel):
    """A bar between two points (along, across, height); `thick` in metres."""

    start: tuple[float, float, float] = Field(alias="from")
    end: tuple[float, float, float] = Field(alias="to")
    thick: float
    material: Material


class Shape(ContentModel):
    class_code: Literal["car", "lorry", "bus", "motorcycle", "bicycle"]
    weight: float = Field(gt=0, description="how often it is met, against the others")
    length: Range
    width: Range
    height: Range
    clearance: float
    palette: list[str] = Field(default_factory=list, description="colours to draw from instead of all")
    wheels: Wheels | None = None
    body_end: float = Field(default=1.0, description="where the lofted body ends, as a share of the length")
    stations: list[Station] = Field(default_factory=list)
    boxes: list[BoxPart] = Field(default_factory=list)
    rings: list[Ring] = Field(default_factory=list)
    bars: list[Bar] = Field(default_factory=list)

    @property
    def two_wheeled(self) -> bool:
        return self.wheels is None


class Shapes(ContentModel):
    colours: dict[str, Colour]
    shapes: dict[str, Shape]


@cache
def load_shapes() -> Shapes:
    """Raises ContentError when shapes.yml does not fit."""
    return load_content(Path(__file__).with_name("shapes.yml"), Shapes)
