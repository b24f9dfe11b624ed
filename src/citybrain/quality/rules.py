"""The closed list of rule kinds an expectations file may use.

A *row rule* looks at one row at a time: a row that breaks it goes to quarantine, and the share of such rows
among the rows the rule looks at decides the card. A *batch rule* looks at a delivery as a whole: there is
no row to blame, so it only gives a card.

A missing value breaks `not_null` alone. Every other row rule looks only at rows whose columns are all
present (and, with `when`, only at the rows the guard selects); those rows are its share's denominator.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from citybrain.catalogue import ContentModel

RULE_ID = re.compile(r"^[a-z][a-z0-9_]{0,63}$")

# What PostgreSQL and Python read differently, or what makes matching expensive: escapes of letters and digits
# (classes that depend on a locale, back-references), options and look-around, named classes within brackets.
_AMBIGUOUS = re.compile(r"\\[0-9a-zA-Z]|\(\?(?!:)|\*\*\*|\[\[|\[[.=:]")
_ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
# Outside classes: anchors (the whole text is matched anyway), a quantifier on a quantifier, a stray brace.
_MISPLACED = re.compile(r"[\^$]|[*+?}][*+{]|\?\?|[*+?}]\?[*+?{]|\{(?![0-9]{1,2}(,([0-9]{1,2})?)?\})")


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a text cannot hold a NUL character")
    return value


Text = Annotated[str, AfterValidator(_without_nul)]
Scalar = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True)]
    | Annotated[Text, Field(strict=True)]
)


def _bound(value: Any) -> Any:
    """A number as Decimal, a day as date, a quoted ISO text as datetime."""
    if isinstance(value, bool | datetime):
        raise ValueError(
            "a bound is a number, a date, or a quoted ISO 8601 time such as '2026-01-01T00:00:00+08:00'"
        )
    if isinstance(value, int | float):
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(int(value))
        if not number.is_finite():
            raise ValueError("a bound is a finite number")
        return number
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


Bound = Annotated[
    Decimal | datetime | date,
    BeforeValidator(_bound, json_schema_input_type=float | str),
]
Share = Annotated[float, Field(ge=0, lt=1)]


class Reason(ContentModel):
    """Why a rule stands, for people."""

    zh: Text = Field(min_length=1)
    en: Text | None = None


Why = Annotated[
    Reason,
    BeforeValidator(
        lambda value: {"zh": value} if isinstance(value, str) else value, json_schema_input_type=Reason | str
    ),
]


class Guard(ContentModel):
    """`when`: the rule looks only at rows whose column has one of these values."""

    column: str
    equals: Scalar | None = None
    one_of: list[Scalar] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_form(self) -> "Guard":
        if (self.equals is None) == (self.one_of is None):
            raise ValueError("give either equals or one_of")
        return self

    @property
    def values(self) -> list[bool | int | str]:
        return self.one_of if self.one_of is not None else [self.equals]  # type: ignore[list-item]


class _Rule(ContentModel):
    id: str = Field(description="unique in the file; it names the rule in results and in the quarantine")
    why: Why

    @field_validator("id")
    @classmethod
    def _identifier(cls, value: str) -> str:
        if not RULE_ID.match(value):
            raise ValueError(
                f"{value!r} is not a rule id: lower-case letters, digits and underscores, at most 64"
            )
        return value


class _RowRule(_Rule):
    yellow_above: Share = Field(
        default=0, description="yellow card when a larger share of the looked-at rows is bad"
    )
    red_above: Share | None = Field(
        default=None, description="red card when a larger share is bad; unset: never red"
    )
    when: Guard | None = None

    @model_validator(mode="after")
    def _thresholds(self) -> "_RowRule":
        if self.red_above is not None and self.red_above < self.yellow_above:
            raise ValueError(f"red_above {self.red_above} is below yellow_above {self.yellow_above}")
        return self

    @property
    def column_names(self) -> list[str]:
        """Every column the rule itself reads (the guard's not among them)."""
        raise NotImplementedError


class _EachColumn(_RowRule):
    """A rule of one column; with `columns` it stands once for each, as `<id>.<column>`."""

    column: str | None = None
    columns: list[str] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_form(self) -> "_EachColumn":
        if (self.column is None) == (self.columns is None):
            raise ValueError("give either column or columns")
        return self

    @property
    def column_names(self) -> list[str]:
        return [self.column] if self.column is not None else list(self.columns or [])


class NotNull(_EachColumn):
    """The value is present. What a delivery writes for \"no value\" is named in the dataset's `missing`."""

    kind: Literal["not_null"]


class OneOf(_EachColumn):
    """The value is one of a list. For text, integer and boolean columns."""

    kind: Literal["one_of"]
    values: list[Scalar] = Field(min_length=1)


class Between(_EachColumn):
    """The number, day or time lies between bounds, themselves allowed unless `strict_min` / `strict_max`."""

    kind: Literal["between"]
    min: Bound | None = None
    max: Bound | None = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _bounds(self) -> "Between":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Matches(_EachColumn):
    """The whole text matches a pattern.

    The pattern uses what PostgreSQL and Python read alike: literals, `.`, classes in brackets, groups `(…)`
    and `(?:…)`, alternatives, `?`, `*`, `+`, `{n,m}`, and a backslash before punctuation. Write `[0-9]`,
    not `\\d`.
    """

    kind: Literal["matches"]
    pattern: Text = Field(min_length=1, max_length=500)

    @field_validator("pattern")
    @classmethod
    def _portable(cls, value: str) -> str:
        odd = _AMBIGUOUS.search(value) or _MISPLACED.search(_ESCAPE_OR_CLASS.sub("_", value))
        if odd:
            raise ValueError(
                f"{odd.group()!r} is not allowed in a pattern. It matches the whole text, without ^ and $;"
                " write classes out, e.g. [0-9]; repeat at most 99 times;"
                " use a backslash before punctuation only"
            )
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a pattern: {error}") from error
        return value

    @property
    def whole_text(self) -> str:
        """The pattern as PostgreSQL's `~` takes it: anchored at both ends."""
        return f"^(?:{self.pattern})$"


class Length(_EachColumn):
    """The text has between `min` and `max` characters (not bytes)."""

    kind: Literal["length"]
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> "Length":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class ValidUscc(_EachColumn):
    """A unified social credit code of GB 32100 with the right check character; a leading letter is legal."""

    kind: Literal["valid_uscc"]


class NotInFuture(_EachColumn):
    """The day, time or (in an integer column) year is not after the gate's reference time plus `tolerance`.

    Times without a zone are Asia/Shanghai.
    """

    kind: Literal["not_in_future"]
    tolerance: timedelta = Field(default=timedelta(), description="ISO 8601 duration, e.g. PT1H")

    @field_validator("tolerance")
    @classmethod
    def _forward(cls, value: timedelta) -> timedelta:
        if value < timedelta():
            raise ValueError("a tolerance is not negative")
        return value


class WellTyped(_EachColumn):
    """The delivered text could be read as the column's type (a value such as 十二 in a number column could
    not).
    """

    kind: Literal["well_typed"]


class References(_EachColumn):
    """The value exists in a column of another dataset's newest state.

    The newest state of a snapshot dataset is its newest loaded delivery; of an increment dataset, every
    loaded row. While nothing of the other dataset is loaded, no row is bad and the batch gets a yellow
    card, because the rule could not be judged.
    """

    kind: Literal["references"]
    dataset: str
    target: str = Field(description="column of the other dataset")


class Unique(_RowRule):
    """No two lines of a delivery have the same values. The first line is kept, the later ones are bad."""

    kind: Literal["unique"]
    columns: list[str] = Field(min_length=1)

    @property
    def column_names(self) -> list[str]:
        return list(self.columns)


class ColumnOrder(_RowRule):
    """`earlier` <= `later` where both are present; with `strict`, `earlier` < `later`."""

    kind: Literal["column_order"]
    earlier: str = Field(description="the column that must not be larger")
    later: str = Field(description="the column that must not be smaller")
    strict: bool = False

    @property
    def column_names(self) -> list[str]:
        return [self.earlier, self.later]


class Range(ContentModel):
    """What is fine: a figure from `min` to `max`, ends included."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounds(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class _BatchRule(_Rule):
    yellow_outside: Range | None = Field(default=None, description="yellow card when the figure lies outside")
    red_outside: Range | None = Field(default=None, description="red card when the figure lies outside")

    @model_validator(mode="after")
    def _some_range(self) -> "_BatchRule":
        if self.yellow_outside is None and self.red_outside is None:
            raise ValueError("give yellow_outside, red_outside or both")
        return self

    @property
    def column_names(self) -> list[str]:
        return []


class RowCount(_BatchRule):
    """Rows in the delivery."""

    kind: Literal["row_count"]


class RowCountAgainstHistory(_BatchRule):
    """Rows in the delivery, divided by the median of the last loaded ones. Not judged before the first is
    loaded.
    """

    kind: Literal["row_count_against_history"]
    last: int = Field(default=5, ge=1, le=100, description="loaded batches to look back at")


class RowCountAgainstSameDays(_BatchRule):
    """Rows in the delivery, divided by the median of what came for earlier days of its kind: working days,
    weekends or statutory holidays, make-up days counted as the State Council orders them.

    Holidays are few: for them a year is looked back on. Not judged before `least` such days are loaded.
    """

    kind: Literal["row_count_against_same_days"]
    weeks: int = Field(default=6, ge=1, le=52, description="weeks to look back on")
    least: int = Field(default=3, ge=1, le=20, description="days of the kind that make a median")


class _OneColumnBatchRule(_BatchRule):
    column: str

    @property
    def column_names(self) -> list[str]:
        return [self.column]


class ColumnMean(_OneColumnBatchRule):
    """Mean of a number column over its present values."""

    kind: Literal["column_mean"]


class DistinctCount(_OneColumnBatchRule):
    """Different values in a column: how many stations, gauges or counties a delivery speaks of."""

    kind: Literal["distinct_count"]


class Freshness(_Rule):
    """The newest day or time in a column is not older than this before the gate's reference time."""

    kind: Literal["freshness"]
    column: str
    yellow_older_than: timedelta | None = Field(default=None, description="ISO 8601 duration, e.g. PT6H")
    red_older_than: timedelta | None = None

    @model_validator(mode="after")
    def _some_age(self) -> "Freshness":
        if self.yellow_older_than is None and self.red_older_than is None:
            raise ValueError("give yellow_older_than, red_older_than or both")
        return self

    @property
    def column_names(self) -> list[str]:
        return [self.column]


RowRule = (
    NotNull
    | OneOf
    | Between
    | Matches
    | Length
    | ValidUscc
    | NotInFuture
    | WellTyped
    | References
    | Unique
    | ColumnOrder
)
BatchRule = (
    RowCount | RowCountAgainstHistory | RowCountAgainstSameDays | ColumnMean | DistinctCount | Freshness
)
Rule = Annotated[RowRule | BatchRule, Field(discriminator="kind")]
