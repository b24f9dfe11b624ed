"""What a case of each class is: when it is filed and closed, who handles it, how its end is checked.

The file says how it should be. Cases live under a published edition of it (`editions`), which nobody edits.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.catalogue.department import load_departments
from citybrain.catalogue.scenario import EventScenario, TimeUnit, load_scenarios

CLASSES_FILE = Path(__file__).with_name("case_classes.yml")

HandlerRule = Literal["property_company_of_place", "community_of_place", "dispatcher"]
SignalSource = Literal["video", "iot", "gps", "satellite", "data", "citizen", "hotline", "collector"]
StageName = Literal["dispatch", "accept", "check"]
Proof = Literal["photo", "reading"]


class StageLimit(ContentModel):
    """So much of a unit's own time."""

    value: Decimal = Field(gt=0)
    unit: TimeUnit


class PhotoRule(ContentModel):
    """Pictures that a case needs: `before` to be filed, `after` of the same round to be handled."""

    before: int = Field(default=0, ge=0, le=9)
    after: int = Field(default=1, ge=1, le=9)


class MergeRule(ContentModel):
    """Signals of the class this near to each other, in space and time, are one case.

    0 metres: only signals of the same device or the same place are.
    """

    metres: int = Field(default=50, ge=0, le=5000)
    hours: int = Field(default=24, ge=1, le=24 * 90)


class ExtensionRule(ContentModel):
    """What an approved extension adds to the limit, as a share of it, and how often it may be had."""

    share: Decimal = Field(default=Decimal("0.5"), gt=0, le=2)
    most: int = Field(default=1, ge=0, le=3)


class WakeRule(ContentModel):
    """How the place's wardens are woken once its case is filed: one after the other, until one answers."""

    rings: int = Field(default=3, ge=1, le=20, description="so many, then the next warden")
    every_seconds: int = Field(default=60, ge=1, le=3600)


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
    lead: str = Field(default="", description="department that leads; else the scenario's first one")
    handler: HandlerRule = "dispatcher"
    handler_department: str = Field(
        default="", description="department that handles where `handler` finds nobody"
    )
    limit: StageLimit | None = Field(default=None, description="time to handle; else the catalogue's")
    stages: dict[StageName, StageLimit] = Field(
        default={}, description="other limits than those of transitions.yml"
    )
    photos: PhotoRule = PhotoRule()
    closes_by: list[Proof] = Field(
        default=["photo"], min_length=1, description="what proves that it is over: an after-photo, a reading"
    )
    trusted: list[SignalSource] = Field(
        default=[],
        description="sources whose signals are confirmed already: the case is filed and dispatched at once",
    )
    check: Literal["machine", "readings", "person"] = "person"
    clear_rounds: int = Field(
        default=1, ge=1, le=99, description="rounds or readings in a row that must be clear"
    )
    urgent: bool = False
    merge: MergeRule = MergeRule()
    extension: ExtensionRule = ExtensionRule()
    reopen_days: int = Field(default=7, ge=0, le=365, description="so long may a closed case be taken up")
    wake: WakeRule | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> "CaseClass":
        if self.check == "readings" and "reading" not in self.closes_by:
            raise ValueError("a class checked by readings is closed by a reading, too")
        departments = load_departments()
        for name in filter(None, (self.lead, self.handler_department)):
            if name not in departments:
                raise ValueError(f"the catalogue has no department {name}")
        return self


class CaseClasses(ContentModel):
    """Classes under one scheme: editions number differently, so scheme and version stand on every case."""

    scheme: str = Field(min_length=1, max_length=48)
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

    def filled_in(self) -> "CaseClasses":
        """The same with every limit and lead written out, so that it leans on no other file."""
        return self.model_copy(update={"classes": [_filled_in(one) for one in self.classes]})


def _named(pairs: list[tuple[str, str]]) -> str:
    return ", ".join("/".join(pair) for pair in pairs)


def _filled_in(one: CaseClass) -> CaseClass:
    scenario = _event_scenario(one.scenario)
    limit = next(limit for limit in scenario.limits if limit.case == one.class_code)
    return one.model_copy(
        update={
            "lead": one.lead or scenario.lead[0],
            "limit": one.limit or StageLimit(value=Decimal(str(limit.value)), unit=limit.unit),
        }
    )


def _event_scenario(scenario_id: str) -> EventScenario:
    return next(event for event in load_scenarios().event_handling if event.id == scenario_id)


@dataclass(frozen=True)
class Filing:
    """A class of one edition, with its scenario. Its limit and lead are filled in."""

    rule: CaseClass
    scheme: str
    version: str
    scenario: EventScenario

    @property
    def title(self) -> str:
        return self.scenario.zh if self.rule.class_code == "all" else self.rule.zh

    @property
    def budget(self) -> tuple[Decimal, TimeUnit]:
        limit = self.rule.limit
        if limit is None:
            raise ValueError(f"{self.rule.scenario}/{self.rule.class_code} has no limit: not filled in")
        return limit.value, limit.unit


class Edition:
    """Classes as they were published together under a scheme and a version; looked up by scenario."""

    def __init__(self, classes: CaseClasses, version: str) -> None:
        self.scheme, self.version = classes.scheme, version
        self.classes = classes.filled_in().classes
        self._by_class = {
            (one.scenario, one.class_code): Filing(one, self.scheme, version, _event_scenario(one.scenario))
            for one in self.classes
        }
        self.urgent_scenarios = sorted({one.scenario for one in self.classes if one.urgent})

    def filing(self, scenario: str, class_code: str) -> Filing | None:
        """The class a signal or a case belongs to.

        A scenario with one class takes every code (a detector may tell cars from lorries); None when the
        scenario handles no events or has no such class.
        """
        return self._by_class.get((scenario, "all")) or self._by_class.get((scenario, class_code))


@cache
def load_case_classes(path: Path = CLASSES_FILE) -> CaseClasses:
    """The file as it stands. Raises ContentError."""
    return load_content(path, CaseClasses)


def filing_in_file(scenario: str, class_code: str) -> Filing | None:
    """The class as the file has it now: for content that names classes. Cases go by `editions`."""
    return _file_as_edition().filing(scenario, class_code)


@cache
def _file_as_edition() -> Edition:
    return Edition(load_case_classes(), "")
