"""`detectors/satellite_change/change.yml`, schema citybrain/satellite-change@1: what counts as a change."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.catalogue.dataset import Label
from citybrain.settings import Settings

ZoneKind = Literal["management_line", "county"]


class HardGround(ContentModel):
    """Paved, roofed or bare. Reflectance is the sum of red and near infrared, each 0 to 1."""

    ndvi_at_most: float = Field(ge=-1, le=1)
    reflectance_at_least: float = Field(ge=0, le=2)


class Chips(ContentModel):
    """Pictures of a patch before and after."""

    margin_pixels: int = Field(ge=0, le=200, description="around the patch, in pixels of the scene")
    side_pixels: int = Field(ge=64, le=1024, description="longer side of the picture")


class ChangeRule(ContentModel):
    schema_: Literal["citybrain/satellite-change@1"] = Field(alias="schema")
    title: Label
    experimental: bool
    hard_ground: HardGround
    against: Literal["same_quarter_of_last_year", "quarter_before"] = Field(
        description="what a change is measured against; the quarter before where last year was cloudy"
    )
    ndvi_change_at_least: float = Field(gt=0, le=2)
    reflectance_change_at_least: float = Field(ge=0, le=2)
    least_pixels: int = Field(ge=1)
    least_compared_share: float = Field(ge=0, le=1)
    polygons: tuple[ZoneKind, ...] = Field(min_length=1)
    chips: Chips


def rule_file(settings: Settings) -> Path:
    return settings.detectors_dir / "satellite_change" / "change.yml"


def load_change_rule(settings: Settings) -> ChangeRule:
    """Raises ContentError."""
    return load_content(rule_file(settings), ChangeRule)
