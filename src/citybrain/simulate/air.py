"""The hourly release of the demo city's air stations, in the shape of the national network's.

Values are texts, `-;` stands for a missing one, and time is local without a zone. Weather is one for the
city, so stations move together. Every thirty days a wind episode brings dust and one station goes dark; it
is dark when the city begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import orjson
from numpy.typing import NDArray

from citybrain.simulate.aqi import NAMES, class_of, indices
from citybrain.simulate.delivery import HISTORY, SHANGHAI, Delivery, Place
from citybrain.simulate.dirt import Defect, Planted, Row, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Keys, normal, smooth, uniform

Floats = NDArray[np.float64]

MISSING = "-;"
STORY_HOURS = 30 * 24
DUST_BEFORE_START, DUST_HOURS = 11 * 24, 16
DARK_BEFORE_START, DARK_HOURS = 14, 20
MEAN_HOURS = 24


@dataclass(frozen=True)
class Station:
    """A made-up station. Codes are of the national network's form, but of a range it does not use."""

    code: str
    name: str
    longitude: float
    latitude: float


STATIONS = [
    Station("9901A", "谯城城北", 115.781, 33.874),
    Station("9902A", "谯城高新区", 115.812, 33.842),
    Station("9911B", "谯城古井", 115.652, 33.930),
    Station("9912B", "谯城十九里", 115.842, 33.806),
    Station("9913B", "涡阳城关", 116.212, 33.508),
    Station("9914B", "涡阳开发区", 116.172, 33.474),
    Station("9915B", "蒙城漆园", 116.562, 33.272),
    Station("9916B", "蒙城开发区", 116.602, 33.236),
    Station("9917B", "利辛城关", 116.204, 33.146),
    Station("9918B", "利辛工业园", 116.164, 33.172),
]
DARK_STATION = 6


def hour_number(moment: datetime) -> int:
    """Whole hours of local time since 1970; `moment` is local, without a zone."""
    return int(np.datetime64(moment, "h").astype(np.int64))


def _bump(hours_into: Keys, length: int) -> Floats:
    """0 outside the episode, rising to 1 in its middle."""
    share = hours_into / length
    return np.where((share >= 0) & (share <= 1), np.sin(np.pi * np.clip(share, 0, 1)) ** 1.5, 0.0)


def _into_story(hours: Keys, start: int, before: int) -> Keys:
    """Hours since the newest beginning of a story that first begins `before` hours before `start`."""
    return (hours - start + before) % STORY_HOURS


def _city_air(seed: int, hours: Keys, start: int) -> tuple[Floats, dict[str, Floats]]:
    """Wind (m/s) and the city's mean concentrations of each hour, before anything local."""
    day = (hours // 24) % 365.25
    of_day = hours % 24
    winter = np.cos(2 * np.pi * (day - 15) / 365.25)
    spring = np.clip(np.cos(2 * np.pi * (day - 105) / 365.25), 0, 1)
    dust = _bump(_into_story(hours, start, DUST_BEFORE_START), DUST_HOURS)
    wind = (
        2.4 * np.exp(0.4 * smooth(seed, "front", hours, 30) + 0.2 * smooth(seed, "gust", hours, 4)) + 5 * dust
    )
    stagnation = -np.log(wind / 2.4)
    rush = np.exp(-(((of_day - 8) / 2.2) ** 2)) + np.exp(-(((of_day - 19) / 2.6) ** 2))
    daylight = np.clip(np.sin(np.pi * (of_day - 6.5) / 13), 0, 1)
    regional = smooth(seed, "region", hours, 60)
    pm25 = np.exp(np.log(36) + 0.5 * winter + 0.42 * regional + 0.45 * stagnation + 0.1 * rush) + 40 * dust
    no2 = np.exp(np.log(21) + 0.32 * winter + 0.3 * rush + 0.5 * stagnation)
    return wind, {
        "pm2_5": pm25,
        "pm10": pm25 * 1.3 + 12 + 18 * spring + 420 * dust,
        "so2": 6 + 2.5 * winter + 1.5 * rush + 0.03 * pm25,
        "no2": no2,
        "co": 0.35 + 0.009 * pm25 + 0.08 * rush,
        "o3": np.clip(
            26 + (88 - 46 * winter) * daylight - 0.45 * no2 + 8 * smooth(seed, "ozone", hours, 48), 3, None
        ),
    }


def city_pm10(seed: int, hours: Keys, start: int) -> Floats:
    """The city's mean PM10 in µg/m³ of each hour of local time, for whatever else measures it."""
    return _city_air(seed, hours, start)[1]["pm10"]


def _station_air(seed: int, place: int, hours: Keys, city: dict[str, Floats]) -> dict[str, Floats]:
    """The concentrations at one station; a value the instrument did not give is NaN."""
    keys = hours * 64 + place
    values = {}
    for name, mean in city.items():
        local = float(np.exp(0.12 * normal(seed, f"local/{name}", np.array([place]))[0]))
        value = mean * local * np.exp(0.08 * normal(seed, f"reading/{name}", keys))
        lost = uniform(seed, f"lost/{name}", keys) < 0.008
        values[name] = np.where(lost, np.nan, np.round(value, 1 if name == "co" else 0))
    return values


def _sliding_mean(values: Floats, hours: int) -> Floats:
    """Mean of each entry and the `hours` - 1 before it, NaN left out; shorter at the beginning.

    Sums are of whole tenths, so that the mean of an hour does not depend on where the series begins.
    """
    present = ~np.isnan(values)
    total = np.concatenate([[0], np.cumsum(np.rint(np.nan_to_num(values) * 10).astype(np.int64))])
    number = np.concatenate([[0], np.cumsum(present)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(0, ends - hours)
    count = number[ends] - number[begins]
    return np.where(count > 0, (total[ends] - total[begins]) / (10 * np.maximum(count, 1)), np.nan)


def _texts(values: Floats, decimals: int) -> list[str]:
    return [MISSING if np.isnan(value) else f"{value:.{decimals}f}" for value in values]


def _station_features(seed: int, place: int, hours: Keys, start: int) -> list[Row]:
    """The properties and position of each hour the station reported, flat, in order of time."""
    station = STATIONS[place]
    lead = np.concatenate([np.arange(hours[0] - MEAN_HOURS, hours[0]), hours])
    _, city = _city_air(seed, lead, start)
    air = _station_air(seed, place, lead, city)
    now = slice(MEAN_HOURS, None)
    columns: dict[str, list[str]] = {}
    for name, values in air.items():
        decimals = 1 if name == "co" else 0
        columns[name] = _texts(values[now], decimals)
        columns[f"{name}_24h"] = _texts(_sliding_mean(values, 24)[now], decimals)
    columns["o3_8h"] = _texts(_sliding_mean(air["o3"], 8)[now], 0)
    index, leader = indices({name: values[now] for name, values in air.items()})
    pollutants = list(NAMES.values())
    dark = (
        np.full(len(hours), place == DARK_STATION)
        & (hours >= start - DARK_BEFORE_START)
        & (_into_story(hours, start, DARK_BEFORE_START) < DARK_HOURS)
    )
    times = np.datetime_as_string(hours.astype("datetime64[h]").astype("datetime64[s]"))
    rows = []
    for step in np.flatnonzero(~dark):
        aqi = int(index[step])
        rows.append(
            {
                "hour": int(hours[step]),
                "longitude": station.longitude,
                "latitude": station.latitude,
                "stationcode": station.code,
                "positionname": station.name,
                "area": "亳州市",
                "timepoint": str(times[step]),
                "aqi": str(aqi),
                "quality": class_of(aqi),
                "primarypollutant": pollutants[leader[step]] if aqi > 50 else MISSING,
                **{name: texts[step] for name, texts in columns.items()},
            }
        )
    return rows


def _next_year(row: Row, _luck: float) -> None:
    row["timepoint"] = f"{int(row['timepoint'][:4]) + 1}{row['timepoint'][4:]}"


DEFECTS = [
    Defect("negative_value", 0.0012, "pm2_5", one_of("pm2_5", ["-999", "-1"])),
    Defect("impossible_value", 0.0010, "pm10", setting("pm10", "99999")),
    Defect("not_a_number", 0.0008, "o3", one_of("o3", ["维护", "<2", "ERR"])),
    Defect("station_code_missing", 0.0006, "stationcode", setting("stationcode", MISSING)),
    Defect("hour_in_future", 0.0008, "timepoint", _next_year),
    Defect("sent_twice", 0.0010, "stationcode", None),
]


def air_delivery(
    seed: int, since: datetime, until: datetime, started: datetime
) -> tuple[bytes, int, list[Planted]]:
    """The release with the hours after `since` up to `until` (local, without a zone), its rows and the truth.

    `started`: when the demo city began; its stories stand at fixed distances from then.
    """
    hours = np.arange(hour_number(since) + 1, hour_number(until) + 1)
    rows: list[Row] = []
    keys: list[int] = []
    for place in range(len(STATIONS)):
        reported = _station_features(seed, place, hours, hour_number(started))
        rows += reported
        keys += [row.pop("hour") * 64 + place for row in reported]
    truth = plant(
        seed,
        "air_quality_hour",
        rows,
        np.array(keys, dtype=np.int64),
        lambda row: f"{row['stationcode']} {row['timepoint']}",
        DEFECTS,
    )
    features = [orjson.dumps(_feature(row)) for row in rows]
    return b'{"type":"FeatureCollection","features":[\n' + b",\n".join(features) + b"\n]}\n", len(rows), truth


def _feature(row: Row) -> Row:
    properties = {name: value for name, value in row.items() if name not in ("longitude", "latitude")}
    position = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
    return {"type": "Feature", "geometry": position, "properties": properties}


def air_stories(started: datetime) -> list[dict[str, str]]:
    """What happens in the first thirty days, for people and tests."""
    dust = started - timedelta(hours=DUST_BEFORE_START)
    dark = started - timedelta(hours=DARK_BEFORE_START)
    hour = partial(datetime.isoformat, timespec="hours")
    return [
        {
            "story": "dust_episode",
            "dataset": "air_quality_hour",
            "from": hour(dust),
            "to": hour(dust + timedelta(hours=DUST_HOURS)),
            "what": "a wind episode lifts PM10 above 300 µg/m³ at every station",
        },
        {
            "story": "dark_station",
            "dataset": "air_quality_hour",
            "key": STATIONS[DARK_STATION].code,
            "from": hour(dark),
            "to": hour(dark + timedelta(hours=DARK_HOURS)),
            "what": "one station sends nothing for twenty hours",
        },
    ]


OVERLAP = timedelta(hours=24)


def air_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The newest hours: all of the history at first, then the last day and whatever was not published yet."""
    started = ledger.started.astimezone(SHANGHAI).replace(tzinfo=None)
    until = local.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    if ledger.reached is None:
        since = until - HISTORY
    else:
        reached = ledger.reached.astimezone(SHANGHAI).replace(tzinfo=None)
        since = max(until - HISTORY, min(until - OVERLAP, reached))
    yield Delivery(
        "air_quality_hour",
        f"latest_{until:%Y%m%dT%H}.geojson",
        Place.FEED,
        "air/latest.geojson",
        local,
        1,
        partial(air_delivery, ledger.seed, since, until, started),
    )
