"""The 40 scenarios: 16 that handle events, 24 that display."""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.catalogue.dataset import Label

SCENARIOS_FILE = Path(__file__).with_name("scenarios.yml")
EVENT_SCENARIOS, DISPLAY_SCENARIOS, DOMAINS = 16, 24, 7

Provenance = Literal["source", "public", "completion"]
Feed = Literal["government", "industry", "internet", "satellite", "video", "iot", "citizen"]


class TimeUnit(StrEnum):
    """The four units in which a handling limit is given."""

    URGENT_HOUR = "urgent_hour"  # runs on through nights, weekends and holidays
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"
    NATURAL_DAY = "natural_day"


class Limit(ContentModel):
    """How long handling may take, for one class, level or step of a scenario (`case`), or for `all` of it."""

    case: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    value: float = Field(gt=0)
    unit: TimeUnit


class Scenario(ContentModel):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    domain: str
    provenance: Provenance


class EventScenario(Scenario):
    feeds: list[Feed] = Field(min_length=1)
    trigger: str = Field(min_length=1, description="what makes a signal")
    lead: list[str] = Field(min_length=1, description="department ids; the first one answers for it")
    handler: Label
    limits: list[Limit] = Field(min_length=1)

    @field_validator("limits")
    @classmethod
    def _each_case_once(cls, limits: list[Limit]) -> list[Limit]:
        cases = [limit.case for limit in limits]
        if len(set(cases)) != len(cases):
            raise ValueError("a case is limited twice")
        if "all" in cases and len(cases) > 1:
            raise ValueError("`all` stands alone: name every case, or none")
        return limits


class Indicator(Label):
    """A figure that the scenario's owner asks for."""

    metrics: list[str] = Field(
        default_factory=list, description="ids of dashboards/metrics.yml that give the figure"
    )


class DisplayScenario(Scenario):
    indicators: list[Indicator] = Field(min_length=1)


class Scenarios(ContentModel):
    domains: dict[str, Label]
    event_handling: list[EventScenario]
    display: list[DisplayScenario]

    @property
    def all(self) -> list[Scenario]:
        return [*self.event_handling, *self.display]

    def scenario(self, scenario_id: str) -> Scenario:
        """Raises KeyError."""
        for scenario in self.all:
            if scenario.id == scenario_id:
                return scenario
        raise KeyError(scenario_id)

    @model_validator(mode="after")
    def _complete(self) -> "Scenarios":
        found = (len(self.domains), len(self.event_handling), len(self.display))
        if found != (DOMAINS, EVENT_SCENARIOS, DISPLAY_SCENARIOS):
            raise ValueError(
                f"{DOMAINS} domains, {EVENT_SCENARIOS} event and {DISPLAY_SCENARIOS} display scenarios "
                f"are needed, found {found}"
            )
        ids = [scenario.id for scenario in self.all]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            raise ValueError(f"scenarios named twice: {', '.join(doubled)}")
        return self


@cache
def load_scenarios(path: Path = SCENARIOS_FILE) -> Scenarios:
    """Raises ContentError. Whether domains and departments exist is for `check` to say."""
    return load_content(path, Scenarios)
