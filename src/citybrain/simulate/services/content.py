"""services.yml: departments with their items, capabilities of the shared platform, systems that use them."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content, load_departments

SYSTEMS = 38

ItemKind = Literal["行政许可", "行政确认", "公共服务", "其他行政权力"]


class Action(ContentModel):
    zh: str = Field(min_length=1)
    kind: ItemKind
    days: float = Field(ge=0, description="promised working days, over the department's middle")


class ServingDepartment(ContentModel):
    id: str
    load: float = Field(gt=0)
    days: float = Field(gt=0)
    subjects: list[str] = Field(min_length=1)


class Capability(ContentModel):
    id: str
    zh: str = Field(min_length=1)
    calls: int = Field(gt=0, description="calls a working day of a system of average weight")


class Money(ContentModel):
    separate_yuan: int = Field(gt=0)
    saved_yuan: int = Field(gt=0)


class ReusingSystem(ContentModel):
    zh: str = Field(min_length=1)
    department: str
    weight: float = Field(gt=0)
    months: int = Field(ge=0)
    uses: list[str] = Field(min_length=1)


class Services(ContentModel):
    actions: list[Action] = Field(min_length=1)
    departments: list[ServingDepartment] = Field(min_length=1)
    capabilities: list[Capability] = Field(min_length=1)
    money: Money
    systems: list[ReusingSystem] = Field(min_length=SYSTEMS, max_length=SYSTEMS)

    @model_validator(mode="after")
    def _known(self) -> "Services":
        known = set(load_departments())
        named = {department.id for department in self.departments}
        strangers = sorted((named | {system.department for system in self.systems}) - known)
        if strangers:
            raise ValueError(f"no departments of the catalogue: {', '.join(strangers)}")
        capabilities = {capability.id for capability in self.capabilities}
        unknown = sorted({use for system in self.systems for use in system.uses} - capabilities)
        if unknown:
            raise ValueError(f"no capabilities: {', '.join(unknown)}")
        return self


@cache
def load_services() -> Services:
    """Raises ContentError when services.yml does not fit."""
    return load_content(Path(__file__).with_name("services.yml"), Services)
