"""Air and water: in the shape of the real networks, with the stories where the truth says they are."""

import json
from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pytest

from citybrain.simulate.aqi import NAMES, indices
from citybrain.simulate.noise import smooth, uniform
from citybrain.simulate.water import GAUGES

from .conftest import STARTED, WrittenCity
from .deliveries import Row, read_rows, truth_of

HOURS = 30 * 24


def story(city: WrittenCity, name: str) -> dict[str, str]:
    stories = json.loads((city.settings.data_dir / "truth" / "stories.json").read_bytes())
    return next(story for story in stories if story["story"] == name)


def good_rows(city: WrittenCity, dataset: str) -> list[Row]:
    """The records nothing was done to, a doubled one once."""
    spoilt = {
        planted["place"]: planted["kind"]
        for planted in truth_of(city.settings, dataset)
        if planted["kind"] != "sent_twice"
    }
    return [row for place, row in enumerate(read_rows(city.settings, dataset), 1) if place not in spoilt]


@pytest.mark.integration
def test_air_has_the_shape_of_the_national_release(city: WrittenCity) -> None:
    rows = read_rows(city.settings, "air_quality_hour")
    for row in rows:
        assert all(isinstance(value, str) for name, value in row.items() if name != "geometry")
        assert row["geometry"]["type"] == "Point"
    missing = sum(row[name] == "-;" for row in rows for name in NAMES)
    assert 0.004 < missing / (len(rows) * len(NAMES)) < 0.016
    times = {row["timepoint"] for row in good_rows(city, "air_quality_hour")}
    assert len(times) == HOURS
    assert max(times) == "2026-03-18T10:00:00"


@pytest.mark.integration
def test_dust_lifts_every_station_and_passes(city: WrittenCity) -> None:
    dust = story(city, "dust_episode")
    middle = datetime.fromisoformat(dust["from"] + ":00") + timedelta(hours=8)
    peaks: dict[str, list[float]] = defaultdict(list)
    usual: dict[str, list[float]] = defaultdict(list)
    for row in good_rows(city, "air_quality_hour"):
        if row["pm10"] == "-;":
            continue
        near = abs(datetime.fromisoformat(row["timepoint"]) - middle) <= timedelta(hours=2)
        (peaks if near else usual)[row["stationcode"]].append(float(row["pm10"]))
    assert len(peaks) == 10
    for code, values in peaks.items():
        assert max(values) > 300
        assert np.median(usual[code]) < 160


@pytest.mark.integration
def test_one_station_is_dark_when_the_city_begins(city: WrittenCity) -> None:
    dark = story(city, "dark_station")
    seen: dict[str, set[str]] = defaultdict(set)
    for row in good_rows(city, "air_quality_hour"):
        seen[row["stationcode"]].add(row["timepoint"])
    everything = set.union(*seen.values())
    spoilt = defaultdict(set)
    for planted in truth_of(city.settings, "air_quality_hour"):
        code, _, time = planted["key"].partition(" ")
        spoilt[code].add(time)
    silent = {
        code: sorted(everything - times - spoilt[code])
        for code, times in seen.items()
        if everything - times - spoilt[code]
    }
    assert list(silent) == [dark["key"]]
    hours = silent[dark["key"]]
    assert hours[0].startswith(dark["from"])
    assert hours[-1] == max(everything)  # and goes on being dark


def test_the_index_follows_the_standard() -> None:
    """Pairs of the national release: PM2.5 of 85 gave 113, PM10 of 57 with PM2.5 of 50 gave 69."""
    hours = {name: np.array([np.nan, np.nan, np.nan]) for name in NAMES}
    hours["pm2_5"] = np.array([85.0, 50.0, np.nan])
    hours["pm10"] = np.array([np.nan, 58.0, 300.0])
    index, leader = indices(hours)
    assert index.tolist() == [113, 69, 175]
    assert [list(NAMES)[place] for place in leader] == ["pm2_5", "pm2_5", "pm10"]


@pytest.mark.integration
def test_the_storm_passes_down_the_river(city: WrittenCity) -> None:
    begin = datetime.fromisoformat(story(city, "storm")["from"])
    stages: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in good_rows(city, "water_stage"):
        stages[row["gauge_code"]].append((row["observed_at"], row["stage_m"]))
    assert set(stages) == {gauge.code for gauge in GAUGES}
    peaks = {}
    for gauge in GAUGES:
        readings = sorted(stages[gauge.code])
        assert readings[-1][0] == STARTED.replace(minute=5)
        assert len(readings) > 0.99 * HOURS * 12
        calm = np.median([stage for _, stage in readings])
        time, top = max(readings, key=lambda reading: reading[1])
        assert top - calm > 0.8 * gauge.storm_rise
        assert begin < time < begin + timedelta(hours=48)
        peaks[gauge.code] = time
    assert peaks["341602W01"] < peaks["341621W01"] < peaks["341622W01"]


def test_noise_is_a_function_of_its_keys() -> None:
    keys = np.arange(100_000)
    numbers = uniform(3, "test", keys)
    assert (uniform(3, "test", keys[500:600]) == numbers[500:600]).all()
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(numbers, uniform(3, "other", keys))[0, 1]) < 0.02
    slow = smooth(3, "test", keys, 24)
    assert 0.9 < slow.std() < 1.1
    assert np.corrcoef(slow[:-1], slow[1:])[0, 1] > 0.98
