"""Which story each camera lives through on a day, from stories.yml, and in which light."""

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from citybrain.catalogue import ContentModel, load_content
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.scenery import Light

StoryName = Literal["blocked", "passing", "black", "truncated", "stale", "beside"]


class Story(ContentModel):
    name: StoryName
    cameras: int = Field(ge=0)
    rounds: tuple[int, int] | tuple[int]
    of_each_company: bool = Field(default=False, description="one camera of every property company first")
    age_minutes: int = Field(default=0, ge=0, description="stale only: how old the last still is at round 0")

    def holds(self, number: int) -> bool:
        """Whether round `number` of the day lies in the story."""
        return self.rounds[0] <= number and (len(self.rounds) == 1 or number <= self.rounds[1])


class FirstDay(ContentModel):
    rounds: int = Field(ge=1)
    minutes_apart: int = Field(ge=1)


class Hours(ContentModel):
    day: tuple[int, int]
    dusk: tuple[int, int]


class Stories(ContentModel):
    first_day: FirstDay
    rain_share: float = Field(ge=0, le=1)
    hours: Hours
    parked: tuple[int, int]
    stories: list[Story]

    @model_validator(mode="after")
    def _cameras_suffice(self) -> "Stories":
        wanted = sum(story.cameras for story in self.stories)
        connected = sum(compound.connected for compound in load_compounds())
        if wanted > connected:
            raise ValueError(f"the stories want {wanted} cameras, the city has {connected}")
        return self


@cache
def load_stories() -> Stories:
    """Raises ContentError when stories.yml does not fit."""
    return load_content(Path(__file__).with_name("stories.yml"), Stories)


def stories_of_day(seed: int, day: date) -> dict[str, Story]:
    """The story of each camera that has one on this day of Shanghai, by camera id."""
    connected = [compound for compound in load_compounds() if compound.connected]
    order = np.random.default_rng([seed, day.toordinal(), 81]).permutation(len(connected))
    waiting = [connected[int(place)] for place in order]
    found: dict[str, Story] = {}
    for story in load_stories().stories:
        chosen = waiting
        if story.of_each_company:
            first = {compound.company: compound for compound in reversed(waiting)}
            chosen = sorted(waiting, key=lambda compound: first[compound.company] is not compound)
        for compound in chosen[: story.cameras]:
            found[compound.camera_id] = story
        waiting = [compound for compound in waiting if compound.camera_id not in found]
    return found


def light_at(seed: int, local: datetime) -> Light:
    """The light of a moment of Shanghai time."""
    hours = load_stories().hours
    if hours.day[0] <= local.hour < hours.day[1]:
        random = np.random.default_rng([seed, local.date().toordinal(), 82])
        return Light.RAIN if random.random() < load_stories().rain_share else Light.DAY
    return Light.DUSK if hours.dusk[0] <= local.hour < hours.dusk[1] else Light.NIGHT
