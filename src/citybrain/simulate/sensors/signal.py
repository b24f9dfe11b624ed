"""What the devices measure at a moment: a calm, the weather, the storm, episodes, and the planted stories.

Every value is a pure function of seed, device and moment, so an object sent again says the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.air import city_pm10
from citybrain.simulate.noise import Floats, Keys, normal, smooth, uniform
from citybrain.simulate.sensors.fleet import Fleet
from citybrain.simulate.sensors.kinds import Metric
from citybrain.simulate.water import hours_into_storm

MINUTES_A_DAY = 1440
STORY_MINUTES = 30 * MINUTES_A_DAY
SILENCE_CHANCE, SILENCE_HOURS = 0.25, (6, 60)


@dataclass(frozen=True)
class Story:
    """What befalls the first device in service of a kind, every thirty days.

    `before` and `lasts`: hours before the city's start, and how long; `rise`: what is added at the top, None
    for silence; `climb`: the share of the time until the top is reached.
    """

    name: str
    kind: str
    before: int
    lasts: int
    rise: float | None
    climb: float
    what: str


STORIES = (
    Story(
        "gas_rises", "gas", 30, 44, 58.0, 0.6, "methane beside a valve well rises through all three levels"
    ),
    Story("bridge_strain", "bridge", 144, 168, 260.0, 0.3, "a bridge's strain leaves its band and stays out"),
    Story("drain_full", "drainage", 66, 20, 1.75, 0.3, "a drain stands full though no storm is near"),
    Story(
        "underpass_floods",
        "water_level",
        4,
        9,
        38.0,
        0.3,
        "an underpass stands under water after a burst main",
    ),
    Story("cover_taken", "manhole", 20, 40, 80.0, 0.01, "a manhole cover lies beside its hole"),
    Story("meter_still", "smart_meter", 46, 60, -400.0, 0.01, "in one home no water runs for two days"),
    Story("silent_device", "leak", 96, 150, None, 1.0, "a leak sensor sends nothing for days"),
)


def minute_number(moment: datetime) -> int:
    """Whole minutes since 1970; `moment` is aware."""
    return int(moment.timestamp()) // 60


def story_device(fleet: Fleet) -> int:
    """The place of the device the kind's story happens to."""
    return int(np.flatnonzero(fleet.reports)[0])


def sensor_stories(fleets: tuple[Fleet, ...], started: datetime) -> list[dict[str, str]]:
    """What happens in the first thirty days, for people and tests."""
    by_kind = {fleet.kind.id: fleet for fleet in fleets}
    told = []
    for story in STORIES:
        begin = started - timedelta(hours=story.before)
        fleet = by_kind[story.kind]
        told.append(
            {
                "story": story.name,
                "dataset": "sensor_reading",
                "key": str(fleet.ids[story_device(fleet)]),
                "from": begin.isoformat(),
                "to": (begin + timedelta(hours=story.lasts)).isoformat(),
                "what": story.what,
            }
        )
    return told


def values_at(seed: int, fleet: Fleet, metric: Metric, minutes: Keys, start: int) -> Floats:
    """Values of every device (rows) at each of `minutes` since 1970 (columns), unrounded noise included.

    start: the minute the city began, which places the storm and the stories.
    """
    kind = fleet.kind
    numbers = fleet.numbers[:, None]
    own = 1 + 0.15 * normal(seed, f"{metric.id}/own", fleet.numbers)[:, None]
    keys = numbers * 2**32 + minutes[None, :]
    values = metric.mean * own + metric.spread * normal(seed, f"{metric.id}/noise", keys)
    if metric.weather:
        values = values + metric.weather * smooth(seed, f"{kind.id}/weather", minutes, 3 * MINUTES_A_DAY)
    if kind.air:
        values = values + city_pm10(seed, minutes // 60 + 8, start // 60 + 8) * own
    if metric is kind.metric:
        values = values + _storm(seed, fleet, minutes, start) + _episodes(seed, fleet, minutes)
        values += _stories(fleet, minutes, start)
    return np.round(np.clip(values, metric.min, metric.max), metric.digits).astype(np.float64)


def planted_at(seed: int, fleet: Fleet, minutes: Keys, start: int) -> Floats:
    """What `values_at` says of the first metric without noise and weather: what was planted, and no luck."""
    kind, metric = fleet.kind, fleet.kind.metric
    own = 1 + 0.15 * normal(seed, f"{metric.id}/own", fleet.numbers)[:, None]
    values = np.repeat(metric.mean * own, len(minutes), axis=1)
    if kind.air:
        values = values + city_pm10(seed, minutes // 60 + 8, start // 60 + 8) * own
    values = values + _storm(seed, fleet, minutes, start) + _episodes(seed, fleet, minutes)
    values += _stories(fleet, minutes, start)
    planted: Floats = np.clip(values, metric.min, metric.max)
    return planted


def silent_at(seed: int, fleet: Fleet, minutes: Keys, start: int) -> NDArray[np.bool_]:
    """Which devices (rows) send nothing at which of `minutes` (columns)."""
    silent = np.zeros((len(fleet.numbers), len(minutes)), dtype=bool)
    silent[~fleet.reports] = True
    into, length, happens = _windows(seed, f"{fleet.kind.id}/silence", fleet.numbers, minutes, SILENCE_HOURS)
    silent |= (happens < SILENCE_CHANCE) & (into >= 0) & (into < length)
    for story in STORIES:
        if story.kind == fleet.kind.id and story.rise is None:
            share = _into_story(story, minutes, start)
            silent[story_device(fleet)] |= (share >= 0) & (share < 1)
    for story in STORIES:  # what is told must be seen
        if story.kind == fleet.kind.id and story.rise is not None:
            share = _into_story(story, minutes, start)
            silent[story_device(fleet)] &= ~((share >= 0) & (share < 1))
    return silent


def _windows(
    seed: int, stream: str, numbers: Keys, minutes: Keys, hours: tuple[int, int]
) -> tuple[Floats, Floats, Floats]:
    """Minutes into the window of each device's thirty days, its length in minutes, and its luck."""
    offsets = numbers * 7919 % STORY_MINUTES
    span, within = np.divmod(minutes[None, :] + offsets[:, None], STORY_MINUTES)
    first, last = int(span.min()), int(span.max())
    spans = np.arange(first, last + 1)
    keys = numbers[:, None] * 2**20 + spans[None, :]
    length = (hours[0] + (hours[1] - hours[0]) * uniform(seed, f"{stream}/length", keys)) * 60
    begin = uniform(seed, f"{stream}/begin", keys) * (STORY_MINUTES - length)
    happens = uniform(seed, f"{stream}/happens", keys)
    rows = np.arange(len(numbers))[:, None]
    place = (rows, span - first)
    return within - begin[place], length[place], happens[place]


def _episodes(seed: int, fleet: Fleet, minutes: Keys) -> Floats | float:
    """What single devices live through: a rise, a plateau, a fall."""
    episodes = fleet.kind.episodes
    if episodes is None:
        return 0.0
    stream = f"{fleet.kind.id}/episode"
    into, length, happens = _windows(seed, stream, fleet.numbers, minutes, episodes.hours)
    share = np.clip(into / length, 0, 1)
    shape = np.clip(3 * np.sin(np.pi * share), 0, 1) ** 1.5
    low, high = episodes.rise
    rise = low + (high - low) * (happens / episodes.chance)
    found: Floats = np.where(happens < episodes.chance, rise * shape, 0.0)
    return found


def _storm(seed: int, fleet: Fleet, minutes: Keys, start: int) -> Floats | float:
    """Water in the streets and drains: it comes with the rain, hours before the river's crest."""
    storm = fleet.kind.storm
    if storm is None:
        return 0.0
    lag = 3 * uniform(seed, "storm/lag", fleet.numbers)[:, None]
    scaled = np.clip(hours_into_storm(minutes, start)[None, :] - lag, 0, None) / storm.peak_after
    luck = uniform(seed, "storm/reached", fleet.numbers)[:, None]
    rise = storm.rise[0] + (storm.rise[1] - storm.rise[0]) * luck / storm.share
    shape = scaled**2 * np.exp(2 * (1 - scaled))
    risen: Floats = np.where(luck < storm.share, rise * shape, 0.0)
    return risen


def _into_story(story: Story, minutes: Keys, start: int) -> Floats:
    """The share of the story that is over; below 0 or from 1 on it does not happen."""
    into = (minutes - start + story.before * 60) % STORY_MINUTES
    share: Floats = into / (story.lasts * 60)
    return share


def _stories(fleet: Fleet, minutes: Keys, start: int) -> Floats:
    added = np.zeros((len(fleet.numbers), len(minutes)))
    for story in STORIES:
        if story.kind != fleet.kind.id or story.rise is None:
            continue
        share = _into_story(story, minutes, start)
        shape = np.clip(share / story.climb, 0, 1)
        added[story_device(fleet)] = np.where(share < 1, story.rise * shape, 0.0)
    return added
