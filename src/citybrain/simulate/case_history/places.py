"""Where things go wrong: a class's own places, a few of which are trouble again and again."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.case_history.mix import DAYS_OF_PLACES, ClassMix
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.places import load_villages

KNOWN_COMMUNITIES = 0.25  # share of a community's kind of places that lie where the desk knows the community
LANE = "lane"


@dataclass(frozen=True)
class Spot:
    """A place; `community` and `company` are codes of organisations, "" where the desk knows none there."""

    place_id: str
    name: str
    area_code: str
    community: str = ""
    company: str = ""
    camera_id: str = ""

    @property
    def county(self) -> str:
        return self.area_code[:6]


@dataclass(frozen=True)
class Spots:
    """The places of a class and each one's share of its cases, added up."""

    spots: list[Spot]
    cumulated: NDArray[np.float64]

    def at(self, luck: float) -> Spot:
        return self.spots[min(int(np.searchsorted(self.cumulated, luck)), len(self.spots) - 1)]


def spots_of(mix: ClassMix, seed: int, scale: float, trouble_spot: float) -> Spots:
    """The places of a class in a city of this scale; the same for the same seed."""
    random = np.random.default_rng([seed, mix.number, 1])
    spots = _lanes() if mix.by_machine else _points(mix, random, scale)
    return Spots(spots, np.cumsum(_shares(random.pareto(1.8, len(spots)) + 0.15, trouble_spot)))


def _shares(weights: NDArray[np.float64], trouble_spot: float) -> NDArray[np.float64]:
    """Each place's share of the cases. The first has `trouble_spot`, or three times the mean where that is
    more; none of the others, which share as `weights` say, has more than half of it.
    """
    if len(weights) == 1:
        return np.ones(1)
    first = min(max(trouble_spot, 3 / len(weights)), 0.5)
    others = weights[1:] / weights[1:].sum() * (1 - first)
    most = max(first / 2, (1 - first) / len(others))
    while others.max() > most * 1.000001:
        free = others < most
        others = np.minimum(others, most)
        others[free] *= (1 - first - others[~free].sum()) / others[free].sum()
    return np.concatenate(([first], others))


def _points(mix: ClassMix, random: np.random.Generator, scale: float) -> list[Spot]:
    count = mix.places or max(6, round(mix.a_day * scale * DAYS_OF_PLACES))
    villages, known = load_villages(), _communities()
    weights = villages.weights[""]
    if "community" in mix.handlers:
        with_desk = np.isin(villages.codes, list(known))
        weights = np.where(with_desk, KNOWN_COMMUNITIES / with_desk.sum(), (1 - KNOWN_COMMUNITIES) * weights)
        weights = weights / weights.sum()
    drawn = random.choice(len(villages.codes), size=count, p=weights)
    spots = []
    for number, village in enumerate(drawn.tolist(), 1):
        code = str(villages.codes[village])
        spots.append(
            Spot(
                place_id=f"{mix.scenario}-{code[:6]}-{mix.number % 1000:03}-{number:05}",
                name=f"{villages.township_names[village]}{villages.names[village]}{number}号点",
                area_code=code,
                community=code if code in known else "",
            )
        )
    return spots


def _lanes() -> list[Spot]:
    return [
        Spot(
            place_id=compound.compound_id,
            name=compound.name,
            area_code=compound.village_code,
            community=compound.village_code,
            company=f"PM{compound.company + 1:02}",
            camera_id=compound.camera_id,
        )
        for compound in load_compounds()
        if compound.connected
    ]


@cache
def _communities() -> frozenset[str]:
    """The communities that the desk knows: those of the compounds."""
    return frozenset(compound.village_code for compound in load_compounds())
