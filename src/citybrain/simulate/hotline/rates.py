"""How often people call about what, from rates.yml."""

from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.reading import load_demands


class ClassRate(ContentModel):
    weight: float = Field(gt=0)
    solved: float = Field(ge=0, le=1)
    hours: float = Field(gt=0)
    never: float = Field(ge=0, le=1)


class Copies(ContentModel):
    share: float = Field(ge=0, le=1)
    most: int = Field(ge=1)
    within_hours: int = Field(ge=1)


class Season(ContentModel):
    matter: str
    months: list[int]
    times: float = Field(gt=0)


class WaterCut(ContentModel):
    matter: str
    days_before: int
    hour: int
    calls: int
    within_hours: int


class Rising(ContentModel):
    matter: str
    days: int
    calls_a_day_at_scale_1: float
    least: int


class RepeatPlace(ContentModel):
    matter: str
    days: int
    every_days: int


class Stories(ContentModel):
    water_cut: WaterCut
    rising: Rising
    repeat_place: RepeatPlace


class Rates(ContentModel):
    calls_a_day: float = Field(gt=0)
    growth_a_year: float
    weekend: float = Field(gt=0)
    channels: dict[str, float]
    copies: Copies
    rated: float = Field(ge=0, le=1)
    classes: dict[str, ClassRate]
    rain: dict[str, float]
    season: list[Season]
    stories: Stories

    @model_validator(mode="after")
    def _every_class(self) -> "Rates":
        demands = load_demands()
        if missing := sorted({one.id for one in demands.classes} ^ set(self.classes)):
            raise ValueError("classes without a rate, or rates without a class: " + ", ".join(missing))
        named = {*self.rain, *(one.matter for one in self.season)}
        if unknown := sorted(named - {kind.matter_id for kind in demands.kinds}):
            raise ValueError("no such matter: " + ", ".join(unknown))
        return self


@cache
def load_rates() -> Rates:
    """Raises ContentError when rates.yml does not fit."""
    return load_content(Path(__file__).with_name("rates.yml"), Rates)
