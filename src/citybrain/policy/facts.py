"""The facts catalogue: everything a policy item may ask about an enterprise, `policies/facts.yml`.

A fact is one typed column of `marts.mart_enterprise_facts`. Items name facts, never columns or tables.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.settings import Settings

FACTS_SCHEMA = "citybrain/policy-facts@1"
NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")

RESERVED = {
    "uscc", "enterprise_name", "county_code", "status", "amount", "distance", "distance_known", "unmet_mask",
    "unknown_mask", "facts", "place", "raw_amount",
    "ord", "as_of", "before", "row_hash", "first_run", "until_run",
}  # fmt: skip

FactType = Literal["int", "decimal", "money", "date", "bool", "enum", "code"]
FactValue = int | Decimal | date | bool | str | None
NUMBERS = ("int", "decimal", "money")
ORDERED = (*NUMBERS, "date")


def _name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError(f"{value!r} is not a name: lower-case letters, digits and underscores, at most 48")
    return value


Name = Annotated[str, AfterValidator(_name)]


class Fact(ContentModel):
    """One fact. Missing is NULL: never 0, never false."""

    type: FactType
    column: Name = Field(description="column of marts.mart_enterprise_facts")
    label: str = Field(min_length=1, description="Chinese, as officers say it")
    unit: str | None = Field(default=None, description="元, 人, 月, 年 …; 比例 is shown in per cent")
    source: str = Field(description="department id: who knows it, and who is asked when it is missing")
    as_of: Name = Field(description="column that says when the fact was loaded")
    fresh_within: timedelta = Field(
        description="ISO 8601 duration; an older fact counts as missing, e.g. P400D"
    )
    values: dict[str, str] = Field(
        default_factory=dict, description="enum only: the values it may have and how people read them"
    )

    @model_validator(mode="after")
    def _enum_has_values(self) -> "Fact":
        if (self.type == "enum") != bool(self.values):
            raise ValueError("an enum lists its values, and nothing else does")
        return self

    def typed(self, value: object) -> FactValue:
        """`value` as this fact may hold it. Raises ValueError for a value of another type."""
        if value is None:
            return None
        if self.type == "bool" and isinstance(value, bool):
            return value
        if self.type == "int" and isinstance(value, int) and not isinstance(value, bool):
            return value
        if self.type in ("decimal", "money") and not isinstance(value, bool):
            if isinstance(value, int):
                return Decimal(value)
            if isinstance(value, Decimal):
                return value
        if self.type == "date" and isinstance(value, date):
            return value
        if self.type == "code" and isinstance(value, str) and value:
            return value
        if self.type == "enum" and isinstance(value, str):
            if value in self.values:
                return value
            raise ValueError(f"{value!r} is not one of {', '.join(self.values)}")
        raise ValueError(f"{value!r} is not a value of type {self.type}")


class FactsFile(ContentModel):
    """`policies/facts.yml`."""

    format: Literal["citybrain/policy-facts@1"] = Field(alias="schema")
    facts: dict[Name, Fact]

    @field_validator("facts")
    @classmethod
    def _names_free(cls, value: dict[str, Fact]) -> dict[str, Fact]:
        taken = sorted(name for name in value if name in RESERVED or re.fullmatch(r"c[0-9]+", name))
        if taken:
            raise ValueError(f"names the results use themselves: {', '.join(taken)}")
        return value

    @field_validator("facts")
    @classmethod
    def _columns_once(cls, value: dict[str, Fact]) -> dict[str, Fact]:
        columns = [fact.column for fact in value.values()]
        doubled = sorted({column for column in columns if columns.count(column) > 1})
        if doubled:
            raise ValueError(f"columns claimed twice: {', '.join(doubled)}")
        return value


Facts = dict[str, Fact]


def facts_path(settings: Settings) -> Path:
    return settings.policies_dir / "facts.yml"


def load_facts(settings: Settings) -> Facts:
    """The facts by name. Raises ContentError."""
    path = facts_path(settings)
    return _load_facts(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=16)
def _load_facts(path: Path, _modified: int) -> Facts:
    return load_content(path, FactsFile).facts


def stored_facts(stored: dict[str, Any]) -> Facts:
    """The facts as they were published with an item version."""
    return {name: Fact.model_validate(fact) for name, fact in stored.items()}
