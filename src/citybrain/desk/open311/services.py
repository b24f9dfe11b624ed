"""The services that outside applications may ask for: `services.yml`, held against the classes of cases."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content
from citybrain.events.case_classes import filing_in_file

SERVICES_FILE = Path(__file__).with_name("services.yml")
_LISTS = ("singlevaluelist", "multivaluelist")


class Attribute(ContentModel):
    """One question of a service. `values` by key, for the two kinds of list only."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    question: str = Field(min_length=1)
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    required: bool
    values: dict[str, str] = {}

    @model_validator(mode="after")
    def _values_of_lists(self) -> "Attribute":
        if (self.datatype in _LISTS) != bool(self.values):
            raise ValueError(f"attribute {self.code}: values belong to lists, and every list has some")
        return self


class Service(ContentModel):
    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    scenario: str
    class_code: str
    group: str = Field(min_length=1)
    keywords: list[str] = Field(min_length=1)
    description: str = Field(min_length=1)
    attributes: list[Attribute] = []

    @property
    def name(self) -> str:
        """The Chinese name of its class of cases."""
        filing = filing_in_file(self.scenario, self.class_code)
        return filing.rule.zh if filing else self.code


class Services(ContentModel):
    jurisdiction: str = Field(pattern=r"^\d{6}$", description="division code of the city, GB/T 2260")
    services: list[Service] = Field(min_length=1)

    @model_validator(mode="after")
    def _classes_there_are(self) -> "Services":
        for name, found in (
            ("code", [one.code for one in self.services]),
            ("class", [f"{one.scenario}/{one.class_code}" for one in self.services]),
        ):
            if doubled := sorted({one for one in found if found.count(one) > 1}):
                raise ValueError(f"services with the same {name}: {', '.join(doubled)}")
        for one in self.services:
            filing = filing_in_file(one.scenario, one.class_code)
            if filing is None or filing.rule.class_code != one.class_code:
                raise ValueError(f"service {one.code}: no class {one.scenario}/{one.class_code} of cases")
        return self


@cache
def load_services(path: Path = SERVICES_FILE) -> Services:
    """Raises ContentError."""
    return load_content(path, Services)


def service_named(code: str) -> Service | None:
    return next((one for one in load_services().services if one.code == code), None)


def service_of(scenario: str, class_code: str) -> Service | None:
    return next(
        (one for one in load_services().services if (one.scenario, one.class_code) == (scenario, class_code)),
        None,
    )
