"""What came to the demo city's notice, how often, and how it was dealt with: `mix.yml`."""

from functools import cache
from pathlib import Path
from zlib import crc32

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content, load_scenarios
from citybrain.catalogue.department import load_departments

MIX_FILE = Path(__file__).with_name("mix.yml")
PLACES_OF_KIND = ("community", "company")
DAYS_OF_PLACES = 30  # without `places`: a class has about as many places as cases in so many days


class Post(ContentModel):
    role: str
    organisation: str


class Posts(ContentModel):
    """Who takes the steps: one desk for accepting and one for dispatching; by kind of handler its role."""

    acceptor: Post
    dispatcher: Post
    department: str
    community: str
    company: str


class Reasons(ContentModel):
    void: list[str] = Field(min_length=1)
    reject: list[str] = Field(min_length=1)
    suspend: list[str] = Field(min_length=1)
    resume: list[str] = Field(min_length=1)
    redispatch: list[str] = Field(min_length=1)
    approve: list[str] = Field(min_length=1)


class ClassMix(ContentModel):
    """One class of cases. Shares are 0 to 1; `hours` are the first and the last one, Asia/Shanghai."""

    scenario: str
    class_code: str
    a_day: float = Field(gt=0)
    sources: dict[str, float] = Field(min_length=1)
    handlers: list[str] = Field(min_length=1)
    places: int | None = Field(default=None, ge=1)
    months: list[float] = Field(min_length=12, max_length=12)
    weekend: float = Field(ge=0)
    storm: float = Field(default=1, ge=0)
    hours: tuple[int, int]
    pace: float = Field(gt=0, lt=1)
    late: float = Field(ge=0, le=1)
    rework: float = Field(ge=0, le=1)
    false_alarm: float = Field(ge=0, le=1)
    suspended: float = Field(default=0, ge=0, le=1)
    by_machine: bool = False

    @property
    def name(self) -> str:
        return f"{self.scenario}/{self.class_code}"

    @property
    def number(self) -> int:
        """Its own for good, whatever stands before it in the file."""
        return crc32(self.name.encode())


class Forgotten(ContentModel):
    """A case that is taken on and then lies."""

    scenario: str
    class_code: str
    days_before: int = Field(ge=1, le=700)


class Mix(ContentModel):
    posts: Posts
    counties: dict[str, float]
    improvement: float = Field(ge=1)
    trouble_spot: float = Field(ge=0, lt=1)
    forgotten: Forgotten
    reasons: Reasons
    classes: list[ClassMix] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "Mix":
        limits = {
            (event.id, limit.case) for event in load_scenarios().event_handling for limit in event.limits
        }
        named = [(one.scenario, one.class_code) for one in self.classes]
        if unknown := sorted(set(named) - limits):
            raise ValueError(f"the catalogue has no limit for {unknown}")
        if len(set(named)) != len(named):
            raise ValueError("a class is given twice")
        if (self.forgotten.scenario, self.forgotten.class_code) not in named:
            raise ValueError("the forgotten case is of no class")
        organisations = set(load_departments()) | set(PLACES_OF_KIND)
        if unknown_handlers := {name for one in self.classes for name in one.handlers} - organisations:
            raise ValueError(f"unknown handlers: {', '.join(sorted(unknown_handlers))}")
        return self


@cache
def load_mix() -> Mix:
    """Raises ContentError."""
    return load_content(MIX_FILE, Mix)
