"""What a case of each class is: when it is filed and closed, who handles it, how its end is checked."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.catalogue.scenario import EventScenario, Limit, TimeUnit, load_scenarios

CLASSES_FILE = Path(__file__).with_name("case_classes.yml")

HandlerRule = Literal["property_company_of_place", "community_of_place", "dispatcher"]
SignalSource = Literal["video", "iot", "gps", "satellite", "data", "citizen", "hotline", "collector"]


class CaseClass(ContentModel):
    """One class of a scenario; `class_code` is the `case` of the scenario's limit, `all` where it has one."""

    scenario: str
    class_code: str
    zh: str = Field(min_length=1)
    big: str = Field(pattern=r"^\d{2}$", description="number of the big class in the scheme")
    small: str = Field(
        pattern=r"^\d{2}$", description="number of the small class; local ones count down from 99"
    )
    file_when: str = Field(min_length=1, description="立案条件")
    close_when: str = Field(min_length=1, description="结案条件")
    handler: HandlerRule = "dispatcher"
    trusted: list[SignalSource] = Field(
        default=[],
        description="sources whose signals are confirmed already: the case is filed and dispatched at once",
    )
    check: Literal["machine", "person"] = "person"
    urgent: bool = False


class CaseClasses(ContentModel):
    """Classes under one scheme of one edition: editions number differently, so both stand on every case."""

    scheme: str = Field(min_length=1, max_length=48)
    version: str = Field(min_length=1, max_length=24)
    classes: list[CaseClass]

    @model_validator(mode="after")
    def _one_for_each_limit(self) -> "CaseClasses":
        wanted = [
            (scenario.id, limit.case)
            for scenario in load_scenarios().event_handling
            for limit in scenario.limits
        ]
        found = [(one.scenario, one.class_code) for one in self.classes]
        if missing := [pair for pair in wanted if pair not in found]:
            raise ValueError("limits of the catalogue without a class: " + _named(missing))
        if unknown := [pair for pair in found if pair not in wanted]:
            raise ValueError("classes without a limit in the catalogue: " + _named(unknown))
        if doubled := sorted({pair for pair in found if found.count(pair) > 1}):
            raise ValueError("classes given twice: " + _named(doubled))
        numbers = [(one.big, one.small) for one in self.classes]
        if doubled := sorted({pair for pair in numbers if numbers.count(pair) > 1}):
            raise ValueError("numbers given twice: " + _named(doubled))
        return self


def _named(pairs: list[tuple[str, str]]) -> str:
    return ", ".join("/".join(pair) for pair in pairs)


@dataclass(frozen=True)
class Filing:
    """A class with what the catalogue and its scheme say of it."""

    rule: CaseClass
    scheme: str
    version: str
    scenario: EventScenario
    limit: Limit

    @property
    def title(self) -> str:
        return self.scenario.zh if self.rule.class_code == "all" else self.rule.zh

    @property
    def budget(self) -> tuple[Decimal, TimeUnit]:
        return Decimal(str(self.limit.value)), self.limit.unit


@cache
def load_case_classes(path: Path = CLASSES_FILE) -> CaseClasses:
    """Raises ContentError."""
    return load_content(path, CaseClasses)


def filing_of(scenario: str, class_code: str) -> Filing | None:
    """The class a signal or a case belongs to.

    A scenario with one class takes every code (a detector may tell cars from lorries); None when the scenario
    handles no events or has no such class.
    """
    classes = load_case_classes()
    found = {one.class_code: one for one in classes.classes if one.scenario == scenario}
    rule = found.get("all") or found.get(class_code)
    if rule is None:
        return None
    events = {event.id: event for event in load_scenarios().event_handling}
    limit = next(limit for limit in events[scenario].limits if limit.case == rule.class_code)
    return Filing(rule, classes.scheme, classes.version, events[scenario], limit)
