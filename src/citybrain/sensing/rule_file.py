"""The rules of one scenario: `detectors/<scenario>/rules.yml`, schema citybrain/rules@1.

A rule reads one relation of the warehouse and says when something stands: a value over a limit for long
enough, a device that fell silent, rows that should not be there. Everything a rule can say is data; the room
compiles it into statements with bound parameters. Names of columns are plain (`value`: of the input), or
`place.level_3` (of the register that knows the subject), or `reference` (the reading compared with).
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from croniter import croniter
from pydantic import AfterValidator, Field, model_validator

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.dataset import Label
from citybrain.catalogue.scenario import Provenance, load_scenarios
from citybrain.sensing.rule_parts import (
    AnyColumn,
    Column,
    Compare,
    Condition,
    Input,
    Level,
    Limit,
    Name,
    Over,
    Peers,
    Persist,
    Place,
    Profile,
    Relation,
    Tracks,
    Within,
)
from citybrain.settings import Settings

RULES_FILE = "rules.yml"


def _require_cron(schedule: str) -> str:
    if not croniter.is_valid(schedule):
        raise ValueError(f"{schedule!r} is no cron expression")
    return schedule


class _Rule(ContentModel):
    id: Name
    title: Label
    tell: Literal["case", "health"] = Field(
        default="case", description="health: of the device itself, which opens no case"
    )


class ReadingRule(_Rule):
    """A value over (or under) a limit, with hysteresis and persistence."""

    kind: Literal["reading"]
    input: Input
    minus: AnyColumn | None = Field(default=None, description="taken from the value, e.g. a vehicle's limit")
    while_: list[Condition] = Field(
        default=[], alias="while", description="a row for which it does not hold counts as good"
    )
    profile: Profile | None = None
    compensate: Peers | None = None
    over: Over | None = None
    compare: Compare | None = None
    direction: Literal["up", "down"] = "up"
    levels: list[Level] = Field(min_length=1)
    persist: Persist = Persist()
    clear_after: int = Field(default=1, ge=1, description="readings in a row that have to be good")
    unit: str = ""
    live: Name | None = Field(
        default=None,
        description="dataset of messages whose columns are named as the input's: judged as they come, too",
    )

    @model_validator(mode="after")
    def _fits(self) -> "ReadingRule":
        names = [level.class_ for level in self.levels]
        if len(set(names)) != len(names):
            raise ValueError("levels: a class stands twice")
        asks = any(condition.column == "reference" for condition in self.while_)
        if asks and self.compare is None:
            raise ValueError("while: `reference` needs `compare`")
        if self.live is not None and not self._is_plain:
            raise ValueError("live: a message alone answers only `levels`, `persist` and `clear_after`")
        return self

    @property
    def _is_plain(self) -> bool:
        """Whether nothing but a subject's own readings and its register decide."""
        more = (self.minus, self.profile, self.compensate, self.over, self.compare)
        clocks = ("outside_hours", "hours_old_at_most", "hours_old_at_least")
        return not (
            self.while_
            or any(part is not None for part in more)
            or any("." in test.column or test.model_fields_set & set(clocks) for test in self.input.where)
        )


class SilenceRule(_Rule):
    """A subject that sent nothing for longer than `minutes`, while others of the input went on."""

    kind: Literal["silence"]
    input: Input
    minutes: Limit
    times: float = Field(default=1, gt=0, description="of `minutes`, e.g. when those are a device's cadence")
    while_: list[Condition] = Field(
        default=[], alias="while", description="of the last row before the silence"
    )
    class_: Name = Field(default="silent", alias="class")


class RowsRule(_Rule):
    """Rows of a table that should not be there, one subject each, or groups of them."""

    kind: Literal["rows"]
    relation: Relation
    subject: list[Column] = Field(min_length=1, description="joined by a hyphen")
    at: Column = Field(description="when it began")
    arrived: Column = Field(description="changes when the table does")
    clock: Column | None = Field(default=None, description="of the newest row: the rule's now; default `at`")
    where: list[Condition] = Field(min_length=1)
    least_rows: int = Field(default=1, ge=1, description="a subject with fewer rows says nothing")
    class_: Name | None = Field(default=None, alias="class")
    class_by: Column | None = None
    classes: dict[str, Name] = Field(default={}, description="class by what `class_by` holds")
    clear_rounds: int = Field(
        default=1, ge=1, description="for how many readings its end stands where a class asks for several"
    )
    value: Column | None = None
    name: list[Column] = Field(min_length=1, description="of the place, joined by a blank")
    area: Column
    longitude: Column | None = None
    latitude: Column | None = None
    detail: list[Column] = Field(default=[])
    within: Within | None = None

    @model_validator(mode="after")
    def _one_class(self) -> "RowsRule":
        if (self.class_ is None) == (self.class_by is None):
            raise ValueError("give `class`, or `class_by` with `classes`")
        if self.class_by is not None and not self.classes:
            raise ValueError("class_by: `classes` is empty")
        return self


Rule = Annotated[ReadingRule | SilenceRule | RowsRule, Field(discriminator="kind")]


class RuleFile(ContentModel):
    schema_: Literal["citybrain/rules@1"] = Field(alias="schema")
    id: Name
    scenario: Name
    title: Label
    provenance: Provenance = Field(description="as in the catalogue")
    origin: Literal["real", "synthetic"] = Field(description="of the rows it reads")
    enabled: bool = True
    note: str = ""
    source_kind: Literal["iot", "gps", "satellite", "data", "hotline"]
    schedule: Annotated[str, AfterValidator(_require_cron)] = Field(
        default="* * * * *", description="cron in city time; a sweep between two ticks leaves it alone"
    )
    lateness_hours: float = Field(gt=0, description="a row that comes later than this changes nothing")
    first_look_hours: float = Field(gt=0, description="how far back the first sweep looks")
    tell_within_hours: float = Field(
        ge=0, description="what ended longer ago when it is first seen is kept, and nobody is told"
    )
    place: Place | None = Field(default=None, description="needed by rules over readings and silence")
    tracks: Tracks | None = None
    rules: list[Rule] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_rule_once(self) -> "RuleFile":
        names = [rule.id for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("rules: an id stands twice")
        if self.place is None and (self.tracks or any(rule.kind != "rows" for rule in self.rules)):
            raise ValueError("`place` is missing: rules over readings need the register of their subjects")
        return self

    @property
    def register(self) -> Place:
        """The register of the subjects; there is one wherever a rule over readings stands."""
        assert self.place is not None  # noqa: S101 - held by the check above
        return self.place

    @property
    def lateness(self) -> timedelta:
        return timedelta(hours=self.lateness_hours)

    def sha256(self, rule: ReadingRule | SilenceRule | RowsRule) -> str:
        """Of everything that decides what stands: the rule and the register it leans on."""
        place = "" if self.place is None else self.place.model_dump_json(by_alias=True)
        text = rule.model_dump_json(by_alias=True, exclude={"live"}) + place
        return hashlib.sha256(text.encode()).hexdigest()


def rule_files(settings: Settings) -> list[Path]:
    return sorted(settings.detectors_dir.glob(f"*/{RULES_FILE}"))


def load_rule_file(path: Path) -> RuleFile:
    """Raises ContentError, also when the catalogue says otherwise."""
    found = load_content(path, RuleFile)
    tree = read_yaml(path)
    faults = [(line_of(tree, (key,)), f"{key}: {reason}") for key, reason in _disagreements(path, found)]
    if faults:
        raise ContentError(path, faults)
    return found


def load_rule_files(settings: Settings) -> dict[str, RuleFile]:
    """The enabled files by id. Raises ContentError with the faults of the first wrong one."""
    loaded = [load_rule_file(path) for path in rule_files(settings)]
    return {found.id: found for found in loaded if found.enabled}


def _disagreements(path: Path, found: RuleFile) -> Iterator[tuple[str, str]]:
    if found.id != path.parent.name:
        yield "id", f"the file lies in the folder {path.parent.name}"
    known = {scenario.id: scenario for scenario in load_scenarios().event_handling}
    scenario = known.get(found.scenario)
    if scenario is None:
        yield "scenario", f"the catalogue has no event scenario {found.scenario!r}"
        return
    if scenario.provenance != found.provenance:
        yield "provenance", f"the catalogue says {scenario.provenance}"
    cases = {limit.case for limit in scenario.limits}
    if "all" not in cases:
        for rule in found.rules:
            if unknown := sorted(classes_of(rule) - cases) if rule.tell == "case" else []:
                yield "rules", f"{rule.id}: the scenario has no class {', '.join(unknown)}"


def classes_of(rule: ReadingRule | SilenceRule | RowsRule) -> set[str]:
    """The classes its signals may have."""
    if isinstance(rule, ReadingRule):
        return {level.class_ for level in rule.levels}
    if isinstance(rule, SilenceRule):
        return {rule.class_}
    return {rule.class_} if rule.class_ is not None else set(rule.classes.values())
