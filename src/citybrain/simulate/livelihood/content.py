"""livelihood.yml: hospitals, essential drugs, stages of school, kinds of social insurance."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from citybrain.catalogue import ContentModel, load_content

Share = Annotated[float, Field(ge=0, le=1)]


class HospitalLevel(ContentModel):
    level: str = Field(min_length=1)
    counties: list[int] = Field(min_length=4, max_length=4)
    beds: tuple[int, int]
    doctors: float = Field(gt=0, description="for one bed")
    nurses: float = Field(gt=0, description="for one bed")
    outpatients: float = Field(gt=0, description="for one bed on a working day")
    drugs: int = Field(gt=0, description="how many of the list it keeps, the first ones")


class PayLater(ContentModel):
    counties: list[Share] = Field(min_length=4, max_length=4)


class Drug(ContentModel):
    zh: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    use: int = Field(gt=0)


class Stage(ContentModel):
    zh: str = Field(min_length=1)
    ages: str = Field(min_length=1)
    children: float = Field(gt=0, description="of a thousand residents")
    change: float = Field(description="a year")
    size: int = Field(gt=0)
    ratio: float = Field(gt=0)
    attending: Share


class Insurance(ContentModel):
    zh: str = Field(min_length=1)
    base: float = Field(gt=0, description="of a thousand residents")
    insured: Share
    change: float = Field(description="of the share, a year")


class Livelihood(ContentModel):
    hospitals: list[HospitalLevel]
    hospital_names: list[str] = Field(min_length=14)
    pay_later: PayLater
    drugs: list[Drug] = Field(min_length=60)
    stages: list[Stage] = Field(min_length=4)
    insurances: list[Insurance] = Field(min_length=1)


@cache
def load_livelihood() -> Livelihood:
    """Raises ContentError when livelihood.yml does not fit."""
    return load_content(Path(__file__).with_name("livelihood.yml"), Livelihood)
