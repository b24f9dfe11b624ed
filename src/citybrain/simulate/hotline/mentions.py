"""How a caller names a place: in full, in part, by its compound or road, by ear, with a slip of the pen.

A mention knows whether its words can mean one place only. Where they cannot, the truth is that nobody can
tell, and a reader that guesses is wrong.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from pypinyin import Style, pinyin

from citybrain.simulate.hotline.streets import NamedSpot, load_streets
from citybrain.simulate.hotline.wording import Wording
from citybrain.simulate.places import load_villages

# How often each way is chosen. `twin`: a name that several villages bear, with nothing beside it.
WAYS = {
    "full": 0.16,
    "township": 0.19,
    "county": 0.15,
    "bare": 0.12,
    "place": 0.19,
    "place_village": 0.14,
    "twin": 0.03,
    "nowhere": 0.02,
}
_WAYS = tuple(WAYS)
_WAY_BOUNDS = np.cumsum(list(WAYS.values()))
SLIPS = {"look_alike": 0.05, "by_ear": 0.06, "left_out": 0.03}
_SLIP_BOUNDS = tuple(np.cumsum(list(SLIPS.values())).tolist())
TOWN_KINDS = ("街道", "镇", "乡")
OFFICIAL_KINDS = (
    *(
        "社区居民委员会",
        "社区居委会",
        "村民委员会",
        "居民委员会",
        "虚拟社区",
        "村委会",
        "居委会",
        "社区",
        "村",
    ),
)


class Given(NamedTuple):
    """The county's name on the ticket's form, None when left empty, and whether it is the right one."""

    county: str | None
    right: bool


@dataclass(frozen=True)
class Spot:
    """What a ticket is about: a village, and a named place in it when the matter is at one."""

    village: int
    place: NamedSpot | None


class Mention(NamedTuple):
    """The words, and the village they can only mean; None when several fit, or none is named."""

    text: str
    village: int | None


@dataclass(frozen=True)
class _Atlas:
    stems: list[str]
    is_community: list[bool]
    townships: list[str]
    counties: list[str]
    everywhere: frozenset[int]
    bearers: dict[str, frozenset[int]]  # name -> villages that it may mean
    of_village: dict[int, list[NamedSpot]]
    towns: set[str]  # townships without their kind
    alike: dict[str, list[str]]  # character -> others that sound the same


def stem_of(name: str) -> str:
    """The name of a village or community without its kind, where two characters stay."""
    for _ in range(2):  # 新建村村民委员会
        kind = next(
            (kind for kind in OFFICIAL_KINDS if name.endswith(kind) and len(name) - len(kind) >= 2), ""
        )
        name = name[: len(name) - len(kind)]
    return name


@cache
def atlas() -> _Atlas:
    villages = load_villages()
    stems = [stem_of(str(name)) for name in villages.names]
    bearers: dict[str, set[int]] = defaultdict(set)
    of_village: dict[int, list[NamedSpot]] = defaultdict(list)
    for place, stem in enumerate(stems):
        bearers[stem].add(place)
    for spot in load_streets():
        bearers[spot.name].add(spot.village)
        of_village[spot.village].append(spot)
    sounds: dict[str, set[str]] = defaultdict(set)
    for character in sorted({c for name in bearers for c in name}):
        sounds[pinyin(character, style=Style.NORMAL)[0][0]].add(character)
    alike = {
        character: sorted(others - {character})
        for others in sounds.values()
        for character in sorted(others)
        if len(others) > 1
    }
    return _Atlas(
        stems=stems,
        is_community=["社区" in str(name) or "居" in str(name) for name in villages.names],
        townships=[str(name) for name in villages.township_names],
        counties=[str(villages.county_names[place]) for place in villages.counties],
        everywhere=frozenset(range(len(stems))),
        bearers={name: frozenset(places) for name, places in bearers.items()},
        of_village=dict(of_village),
        towns={
            name[: -len(kind)]
            for name in map(str, villages.township_names)
            for kind in TOWN_KINDS
            if name.endswith(kind)
        },
        alike=alike,
    )


def pick(random: np.random.Generator, texts: list[str]) -> str:
    return texts[int(random.random() * len(texts))]


def draw_spot(random: np.random.Generator, village: int) -> Spot:
    """The village, at a named place more often than not."""
    named = atlas().of_village.get(village, [])
    if not named or random.random() < 0.4:
        return Spot(village, None)
    return Spot(village, named[int(random.random() * len(named))])


def draw_given(random: np.random.Generator, village: int) -> Given:
    """Most forms have the county, some have none, a few a wrong one."""
    luck, county = random.random(), atlas().counties[village]
    if luck < 0.15:
        return Given(None, False)
    if luck < 0.17:
        return Given(pick(random, sorted(set(atlas().counties) - {county})), False)
    return Given(county, True)


def mention(random: np.random.Generator, wording: Wording, spot: Spot, given: Given) -> Mention:
    """Words for the spot. When they turn out to fit several places they are mostly said in full instead."""
    way = _WAYS[int(np.searchsorted(_WAY_BOUNDS, random.random() * _WAY_BOUNDS[-1]))]
    if way == "nowhere":
        return Mention("", None)
    if way == "twin":
        return _twin(random, wording, spot, given)
    if spot.place is None and way in ("place", "place_village"):
        way = "township"
    if spot.place is not None and way not in ("place", "place_village") and random.random() < 0.7:
        way = "place" if way == "bare" else "place_village"
    template = pick(random, getattr(wording.mentions, way))
    if not _tells(template, spot, given) and random.random() < 0.9:
        template = pick(random, wording.mentions.full)
        if spot.place is not None:
            template += "{place}{house}"
    return _worded(random, wording, template, spot, given)


def _tells(template: str, spot: Spot, given: Given) -> bool:
    """Can these words mean this village only?"""
    city = atlas()
    fits = city.everywhere
    if "{village}" in template:
        fits = city.bearers[city.stems[spot.village]]
    if spot.place is not None and "{place}" in template:
        fits = fits & city.bearers[spot.place.name]
        if "{house}" in template and spot.place.from_number is not None:
            fits = frozenset(other for other in fits if _same_section(spot.place, other))
    if "{township}" in template:
        fits = frozenset(other for other in fits if city.townships[other] == city.townships[spot.village])
    if "{county}" in template or (given.right and given.county):
        fits = frozenset(other for other in fits if city.counties[other] == city.counties[spot.village])
    return fits == {spot.village}  # a wrong county on the form does not make up for several that fit


def _same_section(place: NamedSpot, village: int) -> bool:
    return any(
        other.name == place.name and other.from_number in (None, place.from_number)
        for other in atlas().of_village.get(village, [])
    )


def _worded(
    random: np.random.Generator, wording: Wording, template: str, spot: Spot, given: Given
) -> Mention:
    city = atlas()
    stem, named = city.stems[spot.village], spot.place.name if spot.place is not None else ""
    village = _spoken(random, spot.village, alone="{county}" not in template and "{township}" not in template)
    if "{township}" in template and (slipped := _slip(random, wording, stem)) and village.startswith(stem):
        kind = village[len(stem) :] or ("社区" if city.is_community[spot.village] else "村")
        village = slipped + kind
    elif template.startswith("{place}") and len(named) >= 4:
        named = _slip(random, wording, named) or named
    text = template.format(
        city="亳州市" if random.random() < 0.5 else "亳州",
        county=city.counties[spot.village] if random.random() < 0.6 else city.counties[spot.village][:-1],
        township=_township(random, wording, spot.village),
        village=village,
        place=named,
        house=_house(random, wording, spot),
    )
    return Mention(text, spot.village if _tells(template, spot, given) else None)


def _twin(random: np.random.Generator, wording: Wording, spot: Spot, given: Given) -> Mention:
    """The name alone, though others bear it; where nobody does, in full."""
    stem = atlas().stems[spot.village]
    if len(atlas().bearers[stem]) < 2:
        return _worded(random, wording, wording.mentions.full[0], Spot(spot.village, None), given)
    kind = "社区" if atlas().is_community[spot.village] else "村"
    told = _tells("{village}", spot, given)
    return Mention(stem + kind, spot.village if told else None)


def _spoken(random: np.random.Generator, village: int, alone: bool) -> str:
    """The village as people say it; without its kind only where the name is nobody else's."""
    city = atlas()
    stem, luck = city.stems[village], random.random()
    if luck < 0.15:
        return str(load_villages().names[village])
    if (
        luck < 0.4
        and len(city.bearers[stem]) == 1
        and (len(stem) >= 3 or not alone)
        and stem not in city.towns
    ):
        return stem
    return stem + ("社区" if city.is_community[village] else "村")


def _township(random: np.random.Generator, wording: Wording, village: int) -> str:
    name = atlas().townships[village]
    if (short := wording.township_short.get(name)) is not None:
        return short
    if random.random() < 0.3:
        for kind in TOWN_KINDS:
            if name.endswith(kind) and len(name) - len(kind) >= 2:
                return name[: -len(kind)]
    return name


def _house(random: np.random.Generator, wording: Wording, spot: Spot) -> str:
    if spot.place is not None and spot.place.from_number is not None:
        low, high = spot.place.from_number, spot.place.to_number or spot.place.from_number
        return f"{low + int(random.random() * (high + 1 - low))}号"
    if spot.place is None or spot.place.kind != "住宅小区":
        return ""
    return pick(random, wording.house).format(n=1 + int(random.random() * 24), m=1 + int(random.random() * 4))


def _slip(random: np.random.Generator, wording: Wording, name: str) -> str:
    """The name miswritten so that it is nobody else's; empty for no slip."""
    luck, at = random.random(), int(random.random() * len(name))
    if luck >= _SLIP_BOUNDS[-1]:
        return ""
    character = name[at]
    if luck < _SLIP_BOUNDS[0]:
        wrong = wording.look_alikes.get(character, "")
    elif luck < _SLIP_BOUNDS[1]:
        alike = atlas().alike.get(character, [])
        wrong = alike[int(random.random() * len(alike))] if alike else ""
    elif len(name) >= 4:
        slipped = name[:at] + name[at + 1 :]
        return "" if slipped in atlas().bearers else slipped
    else:
        return ""
    slipped = name[:at] + wrong + name[at + 1 :] if wrong else ""
    return "" if slipped in atlas().bearers else slipped
