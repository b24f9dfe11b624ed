"""What example policies are drawn from: `plan.yml` and one file of templates for each department.

A template is an item whose numbers are ranges. `$name` stands for a drawn number in conditions, amounts and
caps, `{name}` for the same number in the words of the clause. What comes out is checked as any item is: the
nodes here are kept as they were written.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.policy.facts import Name
from citybrain.policy.item_file import Escalation, ItemId, Line, Near, Shares
from citybrain.policy.values import Number, Scalar, Yuan

FOLDER = Path(__file__).parent
Raw = dict[str, Any]  # a node, an amount or a part of a payment as written
Percent = Annotated[Number, Field(gt=0)]


class Range(ContentModel):
    """How one number is drawn, and how people read it. Steps are first, last, and between two."""

    yuan: tuple[Yuan, Yuan, Yuan] | None = None
    percent: tuple[Percent, Percent, Percent] | None = None
    permille: tuple[Percent, Percent, Percent] | None = None
    number: tuple[Number, Number, Number] | None = None
    year: tuple[int, int] | None = None
    span: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Range":
        if len(self.model_fields_set) != 1:
            raise ValueError("a range is one of yuan, percent, permille, number, year, span")
        return self

    @property
    def choices(self) -> list[int | Decimal | str]:
        """Every value it may take: rates as shares of one."""
        if self.span is not None:
            return list(self.span)
        if self.year is not None:
            return list(range(self.year[0], self.year[1] + 1))
        steps = self.yuan or self.percent or self.permille or self.number
        assert steps is not None  # noqa: S101 - one of them is there
        first, last, step = steps
        scale = Decimal("0.01") if self.percent else Decimal("0.001") if self.permille else Decimal(1)
        drawn = [(first + place * step) * scale for place in range(int((last - first) / step) + 1)]
        return [int(value) if value == value.to_integral_value() else value.normalize() for value in drawn]


class Template(ContentModel):
    """One kind of item."""

    id: Name
    title: Line
    clause: Annotated[str, Field(min_length=1, max_length=140)]
    vary: dict[Name, Range]
    gates: list[str] = Field(default_factory=list, description="names of gates of the plan")
    channel: list[Literal["auto", "confirm", "apply"]] = ["confirm", "confirm", "apply"]
    require: list[Raw] = Field(min_length=1)
    amount: Raw
    cap: str | None = None
    pay: str | None = Field(default=None, description="name of a payment of the plan")
    share: Shares = Field(default_factory=dict)
    exclusion: Literal["highest_wins", "top_up", "once_a_year", "once_ever", "mutual"] = "highest_wins"
    group: ItemId | None = Field(default=None, description="exclusion group; default one of its own")
    sample: dict[Name, Scalar] = Field(default_factory=dict, description="facts of the tests' enterprise")


class Theme(ContentModel):
    """Documents of one subject. `weight`: how many of them there are, in proportion."""

    id: Name
    weight: int = Field(ge=1)
    names: list[Line] = Field(min_length=1)
    items: list[Template] = Field(min_length=3)


class TemplatesFile(ContentModel):
    """`templates/<department>.yml`."""

    format: Literal["citybrain/policy-templates@1"] = Field(alias="schema")
    department: str
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    roles: list[Line]
    themes: list[Theme] = Field(min_length=1)


class Place(ContentModel):
    """Where a document holds: a city or a county of it. `fund`: how large its funds are, in proportion."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    zh: Line
    under: str
    fund: int = Field(ge=1)


class Term(ContentModel):
    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="to")
    weight: int = Field(ge=1)


class Earlier(ContentModel):
    """How many items had another standard in the `years` before."""

    share: float = Field(ge=0, le=1)
    years: int = Field(ge=1)


class Further(ContentModel):
    """A condition that may stand in any item."""

    words: Line
    vary: dict[Name, Range] = Field(default_factory=dict)
    node: Raw


class Plan(ContentModel):
    """`plan.yml`."""

    format: Literal["citybrain/policy-examples@1"] = Field(alias="schema")
    seed: int
    documents: int = Field(ge=1)
    items: int = Field(ge=1)
    places: list[Place]
    terms: list[Term]
    earlier: Earlier
    fund: Range
    spending: list[Raw]
    notice_days: list[int]
    escalate: Escalation
    near: Near
    recheck: list[list[Name]]
    always: list[Raw]
    gates: dict[str, Raw]
    pay: dict[str, list[Raw]]
    further: list[Further]


@cache
def load_plan() -> Plan:
    """Raises ContentError."""
    return load_content(FOLDER / "plan.yml", Plan)


@cache
def load_templates() -> tuple[TemplatesFile, ...]:
    """In order of department. Raises ContentError, ValueError for an id used twice."""
    files = tuple(load_content(path, TemplatesFile) for path in sorted((FOLDER / "templates").glob("*.yml")))
    names = [template.id for file in files for theme in file.themes for template in theme.items]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"templates named twice: {', '.join(doubled)}")
    return files
