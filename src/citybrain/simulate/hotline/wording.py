"""How callers put things: frames, ways to name a place, and phrases for each matter of the reading room."""

from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.reading import load_demands


class Mentions(ContentModel):
    """Ways to name a place, by what they tell of it."""

    full: list[str] = Field(min_length=1)
    township: list[str] = Field(min_length=1)
    county: list[str] = Field(min_length=1)
    bare: list[str] = Field(min_length=1)
    place: list[str] = Field(min_length=1)
    place_village: list[str] = Field(min_length=1)


class Wording(ContentModel):
    """`what`: class and matter, joined by a point, to phrases."""

    frames: list[str] = Field(min_length=5)
    fillers: list[str] = Field(min_length=5)
    asks: list[str] = Field(min_length=5)
    tails: list[str] = Field(min_length=3)
    mentions: Mentions
    township_short: dict[str, str]
    house: list[str] = Field(min_length=1)
    look_alikes: dict[str, str]
    what: dict[str, list[str]]

    @model_validator(mode="after")
    def _every_matter(self) -> "Wording":
        wanted = {kind.matter_id for kind in load_demands().kinds}
        if missing := sorted(wanted - set(self.what)):
            raise ValueError("matters without a phrase: " + ", ".join(missing))
        if unknown := sorted(set(self.what) - wanted):
            raise ValueError("no such matter: " + ", ".join(unknown))
        return self


@cache
def load_wording(name: str) -> Wording:
    """`wording` for the demo city, `held_out` for scoring. Raises ContentError when the file does not fit."""
    return load_content(Path(__file__).with_name(f"{name}.yml"), Wording)
