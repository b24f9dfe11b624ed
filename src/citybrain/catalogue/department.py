"""Departments: who owns a dataset, who leads a scenario."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentModel, load_content

DEPARTMENTS_FILE = Path(__file__).with_name("departments.yml")


class Department(ContentModel):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    uscc: str = Field(pattern=r"^[0-9A-Z]{18}$", description="unified social credit code (GB 32100-2015)")
    level: Literal["city", "county", "community"]


class DepartmentList(ContentModel):
    departments: list[Department] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> "DepartmentList":
        ids = [department.id for department in self.departments]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            raise ValueError(f"departments named twice: {', '.join(doubled)}")
        return self


@cache
def load_departments(path: Path = DEPARTMENTS_FILE) -> dict[str, Department]:
    """Every department by id, in the file's order. Raises ContentError."""
    return {department.id: department for department in load_content(path, DepartmentList).departments}
