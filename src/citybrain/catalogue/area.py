"""The city, its counties and the code systems of places."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content

AREAS_FILE = Path(__file__).with_name("areas.yml")

CodeLevel = Literal["county", "township", "village", "grid"]


class City(ContentModel):
    code: str = Field(pattern=r"^\d{4}00$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class County(ContentModel):
    code: str = Field(pattern=r"^\d{6}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    residents_thousand: int = Field(gt=0, description="approximate residents, thousands")


class CodeSystem(ContentModel):
    """How places of one level are numbered: decimal digits, beginning with the code of the level above."""

    level: CodeLevel
    digits: int = Field(gt=0)
    standard: str
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Areas(ContentModel):
    city: City
    counties: list[County] = Field(min_length=1)
    code_systems: list[CodeSystem]

    @model_validator(mode="after")
    def _nested(self) -> "Areas":
        codes = [county.code for county in self.counties]
        if len(set(codes)) != len(codes):
            raise ValueError("two counties share a code")
        strangers = [code for code in codes if code[:4] != self.city.code[:4]]
        if strangers:
            raise ValueError(f"counties outside {self.city.code}: {', '.join(strangers)}")
        digits = [system.digits for system in self.code_systems]
        if digits != sorted(set(digits)):
            raise ValueError("code_systems must run from the shortest code to the longest")
        return self

    def county(self, code: str) -> County:
        """The county that a code of any level lies in. Raises KeyError."""
        for county in self.counties:
            if code.startswith(county.code):
                return county
        raise KeyError(code)

    def level(self, code: str) -> CodeLevel:
        """The level of a code, told by its number of digits. Raises KeyError."""
        for system in self.code_systems:
            if len(code) == system.digits and code.isascii() and code.isdigit():
                return system.level
        raise KeyError(code)


@cache
def load_areas(path: Path = AREAS_FILE) -> Areas:
    """Raises ContentError."""
    return load_content(path, Areas)
