"""The classes of demands and the matters in each, from demands.yml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content, load_departments

DEMANDS_FILE = Path(__file__).with_name("demands.yml")
_ID = r"^[a-z][a-z_]{1,39}$"


class Matter(ContentModel):
    """One matter of a class, and what the reader learns it from."""

    id: str = Field(pattern=_ID)
    zh: str = Field(min_length=1)
    words: list[str] = Field(min_length=5)
    said: list[str] = Field(min_length=5)


class DemandClass(ContentModel):
    id: str = Field(pattern=_ID)
    zh: str = Field(min_length=1)
    lead: str = Field(description="department id of the catalogue that answers for the class")
    matters: list[Matter] = Field(min_length=1)


class Demands(ContentModel):
    said_about_anything: list[str] = Field(min_length=10)
    classes: list[DemandClass] = Field(min_length=2)

    @model_validator(mode="after")
    def _sound(self) -> "Demands":
        names = [kind.matter_id for kind in self.kinds]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError("matters named twice: " + ", ".join(doubled))
        leads = {one.lead for one in self.classes}
        if unknown := sorted(leads - set(load_departments())):
            raise ValueError("no such department: " + ", ".join(unknown))
        return self

    @property
    def kinds(self) -> list["Kind"]:
        """Every matter with its class, in the order of the file."""
        return [
            Kind(f"{one.id}.{matter.id}", one.id, one.zh, matter.zh, one.lead)
            for one in self.classes
            for matter in one.matters
        ]


@dataclass(frozen=True)
class Kind:
    """A matter as results name it: `matter_id` is class and matter, joined by a point."""

    matter_id: str
    class_id: str
    class_zh: str
    matter_zh: str
    lead: str


@cache
def load_demands() -> Demands:
    """Raises ContentError when demands.yml does not fit."""
    return load_content(DEMANDS_FILE, Demands)
