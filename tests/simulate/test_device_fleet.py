"""The devices of the demo city: how many, where, what they measure, and the stories among it."""

import io
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.live_devices import sensors
from citybrain.simulate.places import load_villages
from citybrain.simulate.sensors.days import day_delivery, history_spans
from citybrain.simulate.sensors.deliveries import sensor_deliveries
from citybrain.simulate.sensors.fleet import Fleet, load_fleets
from citybrain.simulate.sensors.kinds import load_kinds
from citybrain.simulate.sensors.readings import reading_delivery
from citybrain.simulate.sensors.signal import minute_number, sensor_stories, values_at

SEED = 20260101
STARTED = datetime(2026, 3, 18, 2, 7, tzinfo=UTC)
SMALL = 3000
AT_SCALE_1 = {
    "gas": 1840,
    "leak": 304,
    "bridge": 784,
    "drainage": 333,
    "water_level": 22,
    "manhole": 3000,
    "dust": 116,
    "smart_meter": 2000,
}


@pytest.fixture(scope="module")
def fleets() -> tuple[Fleet, ...]:
    return load_fleets(SEED, SMALL)


def frame(content: bytes) -> pd.DataFrame:
    return pq.read_table(io.BytesIO(content)).to_pandas()


def sound(content: bytes, spoilt: set[int]) -> pd.DataFrame:
    """The rows nothing was done to, by device, metric and time."""
    rows = frame(content)
    kept = rows[[place + 1 not in spoilt for place in range(len(rows))]]
    return kept.sort_values(["device_id", "metric", "observed_at"]).reset_index(drop=True)


def test_a_city_of_scale_1_has_every_device() -> None:
    found = {fleet.kind.id: len(fleet.ids) for fleet in load_fleets(SEED, 200_000)}
    assert found == AT_SCALE_1


def test_fixed_kinds_do_not_scale(fleets: tuple[Fleet, ...]) -> None:
    found = {fleet.kind.id: len(fleet.ids) for fleet in fleets}
    assert (found["water_level"], found["dust"]) == (22, 116)
    assert found["gas"] == round(1840 * 0.015)
    assert found["leak"] == 8


def test_ids_and_numbers_are_unique_and_lie_in_their_county(fleets: tuple[Fleet, ...]) -> None:
    ids = np.concatenate([fleet.ids for fleet in fleets])
    numbers = np.concatenate([fleet.numbers for fleet in fleets])
    assert len(set(ids.tolist())) == len(ids) == len(set(numbers.tolist()))
    places = load_villages()
    for fleet in fleets:
        counties = [device[:6] for device in fleet.ids.tolist()]
        assert set(counties) == set(places.county_codes.tolist()), fleet.kind.id
        assert [str(places.codes[village])[:6] for village in fleet.villages] == counties
        assert fleet.lon.min() > 115.2
        assert fleet.lat.max() < 34.3


@settings(max_examples=6, deadline=None)
@given(st.integers(min_value=1, max_value=95))
def test_an_object_cut_anywhere_says_the_same(cut: int) -> None:
    """What is delivered in two objects is what one object would have said: rows, values and spoilt rows."""
    fleets = load_fleets(SEED, 400)
    begin = STARTED - timedelta(days=1)
    middle = begin + timedelta(minutes=15 * cut)
    whole, _, truth = reading_delivery(SEED, fleets, begin, STARTED, STARTED)
    parts = [
        reading_delivery(SEED, fleets, begin, middle, STARTED),
        reading_delivery(SEED, fleets, middle, STARTED, STARTED),
    ]
    expected = sound(whole, {planted.row for planted in truth})
    found = pd.concat([sound(content, {planted.row for planted in truths}) for content, _, truths in parts])
    found = found.sort_values(["device_id", "metric", "observed_at"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    assert sorted((planted.key, planted.kind) for planted in truth) == sorted(
        (planted.key, planted.kind) for _, _, truths in parts for planted in truths
    )


def test_readings_come_at_their_cadence_and_within_their_range(fleets: tuple[Fleet, ...]) -> None:
    content, rows, truth = reading_delivery(SEED, fleets, STARTED - timedelta(days=2), STARTED, STARTED)
    table = frame(content)
    assert len(table) == rows
    good = sound(content, {planted.row for planted in truth})
    assert not good.duplicated(["device_id", "metric", "observed_at"]).any()
    for kind in load_kinds():
        for metric in kind.metrics:
            part = good[(good.device_kind == kind.id) & (good.metric == metric.id)]
            minutes = part.observed_at.dt.hour * 60 + part.observed_at.dt.minute
            assert (minutes % metric.minutes == 0).all(), metric.id
            assert part.value.between(metric.min, metric.max).all(), metric.id
            devices = part.device_id.nunique()
            full = devices * 2 * 1440 // metric.minutes
            assert 0.8 * full < len(part) <= full, metric.id


def test_the_stories_are_seen_where_they_are_told(fleets: tuple[Fleet, ...]) -> None:
    told = {story["story"]: story for story in sensor_stories(fleets, STARTED)}
    begin = STARTED - timedelta(days=10)
    content, _, truth = reading_delivery(SEED, fleets, begin, STARTED, STARTED)
    good = sound(content, {planted.row for planted in truth})
    levels = {kind.id: kind.alarm.levels for kind in load_kinds() if kind.alarm}

    def of(name: str) -> pd.DataFrame:
        return good[(good.device_id == told[name]["key"]) & (good.metric != "acceleration_mg")]

    gas = of("gas_rises").set_index("observed_at").value
    crossed = [gas[gas >= level].index.min() for level in levels["gas"]]
    assert crossed == sorted(crossed, reverse=True)
    assert crossed[2] > pd.Timestamp(told["gas_rises"]["from"])
    bridge = of("bridge_strain").set_index("observed_at").value
    assert bridge.iloc[-1] > levels["bridge"][2] > bridge.iloc[0]
    drain = of("drain_full")
    during = drain.observed_at.between(told["drain_full"]["from"], told["drain_full"]["to"])
    assert drain[during].value.max() > levels["drainage"][1]
    silent = of("silent_device")
    assert silent.observed_at.max() <= pd.Timestamp(told["silent_device"]["from"])


def test_the_storm_floods_most_points_and_leaves(fleets: tuple[Fleet, ...]) -> None:
    fleet = next(fleet for fleet in fleets if fleet.kind.id == "water_level")
    start = minute_number(STARTED)
    storm = start - 8 * 1440
    minutes = np.arange(storm - 720, storm + 3 * 1440, 15, dtype=np.int64) // 15 * 15
    depth = values_at(SEED, fleet, fleet.kind.metric, minutes, start)
    before, after = minutes < storm, minutes > storm + 2 * 1440
    assert depth[:, before].max() < 5
    assert depth[:, after].max() < 15
    flooded = (depth.max(axis=1) > 15).sum()
    assert 10 <= flooded <= 20


def test_daily_figures_are_ordered_and_whole(fleets: tuple[Fleet, ...]) -> None:
    content, rows, truth = day_delivery(SEED, fleets, date(2025, 5, 1), date(2025, 6, 1), STARTED)
    table = frame(content)
    assert len(table) == rows
    spoilt = {planted.row for planted in truth}
    good = table[[place + 1 not in spoilt for place in range(rows)]]
    assert (good.value_min <= good.value_mean).all()
    assert (good.value_mean <= good.value_max).all()
    assert good.reading_count.between(1, 24).all()
    assert set(good.day) == {date(2025, 5, day) for day in range(1, 32)}


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1)))
def test_the_history_has_no_gap_and_no_overlap(last: date) -> None:
    spans = history_spans(last)
    assert spans[-1][1] == last
    assert all(first < until for first, until in spans)
    assert [until for _, until in spans[:-1]] == [first for first, _ in spans[1:]]
    assert (last - spans[0][0]).days == 730


def test_a_later_call_repeats_two_hours_and_no_more() -> None:
    ledger = Ledger(seed=SEED, enterprises=SMALL, started=STARTED, reached=STARTED)
    later = (STARTED + timedelta(hours=6)).astimezone(SHANGHAI)
    names = [d.name for d in sensor_deliveries(ledger, later) if d.dataset == "sensor_reading"]
    assert names == ["sensor_reading_20260318T0800_20260318T1600.parquet"]
    again = [
        d for d in sensor_deliveries(ledger, STARTED.astimezone(SHANGHAI)) if d.dataset == "sensor_reading"
    ]
    assert again == []


def test_devices_that_publish_stand_in_the_register(fleets: tuple[Fleet, ...]) -> None:
    registered = {device for fleet in fleets for device in fleet.ids.tolist()}
    assert {sensor.device_id for sensor in sensors(SMALL)} == registered
    measured = {(kind.id, metric.id) for kind in load_kinds() for metric in kind.metrics}
    assert {(sensor.kind, sensor.metric.id) for sensor in sensors(SMALL)} == measured


def test_homes_are_told_by_their_village_alone(fleets: tuple[Fleet, ...]) -> None:
    from citybrain.simulate.sensors.register import fleet_rows

    fleet = next(fleet for fleet in fleets if fleet.kind.at_home)
    for row in fleet_rows(SEED, fleet):
        assert (row["lon"], row["lat"], row["place_name"]) == ("", "", "独居老人家庭")
