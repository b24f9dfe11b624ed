"""The kinds of devices and what each measures, from kinds.yml."""

from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content


class Metric(ContentModel):
    """One thing a device measures; `minutes` between two readings, `spread` of one device's noise.

    `weather`: how far all devices of the kind drift together.
    """

    id: str
    unit: str
    minutes: int = Field(ge=5, le=1440)
    digits: int = Field(ge=0, le=4)
    mean: float
    spread: float = Field(ge=0)
    weather: float = Field(ge=0)
    alone: float = Field(
        default=0, description="what a live reading adds to the mean, where the others follow the city's air"
    )
    min: float
    max: float

    @model_validator(mode="after")
    def _whole_days(self) -> "Metric":
        if 1440 % self.minutes:
            raise ValueError(f"{self.minutes} minutes do not divide a day")
        return self


class Alarm(ContentModel):
    """From which value an alarm of level 1 (the gravest), 2 and 3 stands; it ends `hysteresis` below."""

    levels: tuple[float, float, float]
    hysteresis: float = Field(ge=0)

    @model_validator(mode="after")
    def _falling(self) -> "Alarm":
        if list(self.levels) != sorted(self.levels, reverse=True):
            raise ValueError("level 1 is the gravest: the levels fall")
        return self


class Episodes(ContentModel):
    """What happens to single devices: the chance within thirty days, by how much it rises and how long."""

    chance: float = Field(gt=0, lt=1)
    rise: tuple[float, float]
    hours: tuple[int, int]


class Storm(ContentModel):
    """What the river's storm does: to which share of the devices, how much, hours until the peak."""

    share: float = Field(gt=0, le=1)
    rise: tuple[float, float]
    peak_after: float = Field(gt=0)


class Kind(ContentModel):
    """A kind of device; the first metric is the one that may alarm."""

    id: str
    letter: str = Field(pattern="^[A-Z]$")
    devices: int = Field(ge=1)
    fixed: bool = False
    owner: str = Field(description="department of the catalogue")
    units: list[str] = Field(min_length=1)
    place: str
    metric: Metric
    more: list[Metric] = Field(default_factory=list)
    alarm: Alarm | None = None
    episodes: Episodes | None = None
    storm: Storm | None = None
    air: bool = Field(default=False, description="follows the city's PM10")
    at_home: bool = Field(
        default=False, description="stands in a home: its place is told by the village only"
    )

    @property
    def metrics(self) -> list[Metric]:
        return [self.metric, *self.more]


class Kinds(ContentModel):
    kinds: list[Kind]


@cache
def load_kinds() -> tuple[Kind, ...]:
    """In the order of the file. Raises ContentError when kinds.yml does not fit."""
    return tuple(load_content(Path(__file__).with_name("kinds.yml"), Kinds).kinds)
