"""The street's generators: what must hold whatever the seed, the scale, and the number of calls."""

import io
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citybrain.catalogue import load_datasets
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban import urban_deliveries, urban_stories
from citybrain.simulate.urban.buses import bus_columns
from citybrain.simulate.urban.column_files import Columns
from citybrain.simulate.urban.components import (
    COMPONENTS_AT_SCALE_1,
    INTACT,
    LOST,
    component_delivery,
    components_of,
    load_component_classes,
    standing_on,
)
from citybrain.simulate.urban.drills import duty_delivery
from citybrain.simulate.urban.fleets import FLEETS, MUCK, kilometres, load_corridors, vehicles_of
from citybrain.simulate.urban.grids import grids_of, load_grids
from citybrain.simulate.urban.ground import load_ground, outlines, points_within
from citybrain.simulate.urban.parking import parking_columns
from citybrain.simulate.urban.spans import days_between, hour_number
from citybrain.simulate.urban.tracks import CHEAT_NIGHT, SILENT, track_columns, unapproved_dump
from citybrain.simulate.urban.traffic import accident_columns, section_columns, storm_at

STARTED = datetime(2026, 3, 18, 2, 7, tzinfo=UTC)
LOCAL = STARTED.astimezone(SHANGHAI)
MINUTE = 60_000_000


def ledger_of(seed: int = 341600, enterprises: int = 3000) -> Ledger:
    return Ledger(seed=seed, enterprises=enterprises, started=STARTED)


def rows_of(columns: Columns) -> set[tuple[object, ...]]:
    return set(zip(*(values.tolist() for values in columns.values()), strict=True))


def test_village_cells_fill_every_county_without_overlap() -> None:
    villages, ground = load_villages(), load_ground()
    for place, county in enumerate(villages.county_codes):
        cells = ground.cells[villages.counties == place]
        outline = outlines()[str(county)]
        assert shapely.area(cells).sum() == pytest.approx(shapely.area(outline), rel=1e-6)
        assert shapely.area(shapely.union_all(cells)) == pytest.approx(shapely.area(outline), rel=1e-6)


def test_grid_codes_are_fifteen_digits_below_their_village_west_first_in_each_row() -> None:
    villages, grids = load_villages(), load_grids(400)
    assert len(set(grids.codes.tolist())) == len(grids.codes)
    assert set(np.strings.str_len(grids.codes).tolist()) == {15}
    assert [code[:12] for code in grids.codes.tolist()] == villages.codes[grids.villages].tolist()
    assert len(set(grids.villages.tolist())) == 1360
    assert shapely.contains_xy(grids.cells, grids.longitudes, grids.latitudes).mean() > 0.995
    busiest = np.argmax(np.bincount(grids.villages))
    of_busiest = grids.longitudes[grids.villages == busiest][:2]
    assert of_busiest[0] < of_busiest[1]


def test_more_grids_leave_villages_where_they_were() -> None:
    few, many = load_grids(10), load_grids(2000)
    assert len(many.codes) > len(few.codes)
    for grids in (few, many):
        areas = np.bincount(grids.villages, weights=shapely.area(grids.cells))
        assert np.allclose(areas, shapely.area(load_ground().cells), rtol=1e-6)


@given(seed=st.integers(0, 2**31), keys=st.lists(st.integers(0, 2**40), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_points_lie_in_their_cells_and_depend_on_their_keys_alone(seed: int, keys: list[int]) -> None:
    numbers = np.array(keys, dtype=np.int64)
    cells = load_ground().cells[numbers % 1360]
    lons, lats = points_within(seed, "test", cells, numbers)
    near = shapely.distance(shapely.points(lons, lats), cells)
    assert near.max() < 2e-6  # rounded to a tenth of a metre
    alone = points_within(seed, "test", cells[:1], numbers[:1])
    assert (float(alone[0][0]), float(alone[1][0])) == (float(lons[0]), float(lats[0]))


def test_shares_of_component_classes_are_shares() -> None:
    classes = load_component_classes()
    assert sum(each.share for each in classes) == pytest.approx(1, abs=0.05)
    assert len({(each.big, each.small) for each in classes}) == len(classes)
    for each in classes:
        assert 0 < each.damage_a_month < 0.1
        assert 0 <= each.lost_share <= 0.3


def test_most_components_are_sound_and_the_stolen_covers_are_gone() -> None:
    ledger = ledger_of(enterprises=20_000)
    parts = components_of(ledger, grids_of(ledger))
    assert len(parts) == COMPONENTS_AT_SCALE_1 // 10
    before = standing_on(ledger, parts, LOCAL.date() - timedelta(days=12))
    today = standing_on(ledger, parts, LOCAL.date())
    assert 0.94 < (before.states == INTACT).mean() < 0.995
    assert parts.stolen.sum() > 5
    assert (today.states[parts.stolen] == LOST).all()
    assert (before.states[parts.stolen] == LOST).mean() < 0.1
    assert (today.since[today.states != INTACT] <= np.datetime64(LOCAL.date())).all()


@given(days=st.integers(0, 60))
@settings(max_examples=15, deadline=None)
def test_a_component_stays_damaged_until_it_is_repaired(days: int) -> None:
    """Whoever was damaged on a day, and still is on the next, has been so since the same day."""
    ledger = ledger_of()
    parts = components_of(ledger, grids_of(ledger))
    day = date(2026, 1, 5) + timedelta(days=days)
    one, next_one = standing_on(ledger, parts, day), standing_on(ledger, parts, day + timedelta(days=1))
    still = (one.states != INTACT) & (next_one.states != INTACT) & (next_one.since <= np.datetime64(day))
    assert (one.since[still] == next_one.since[still]).all()


def test_history_in_one_piece_is_the_history_piece_by_piece() -> None:
    ledger = ledger_of()
    first, middle, last = date(2026, 2, 1), date(2026, 2, 20), date(2026, 3, 17)
    for make in (accident_columns, bus_columns):
        whole = rows_of(make(ledger, days_between(first, last))[0])
        parts = rows_of(make(ledger, days_between(first, middle))[0])
        parts |= rows_of(make(ledger, days_between(middle + timedelta(days=1), last))[0])
        assert parts == whole
    begin = hour_number(LOCAL)
    for make in (section_columns, parking_columns):
        whole = rows_of(make(ledger, np.arange(begin - 200, begin))[0])
        parts = rows_of(make(ledger, np.arange(begin - 200, begin - 77))[0])
        assert parts | rows_of(make(ledger, np.arange(begin - 77, begin))[0]) == whole


@given(cut=st.integers(1, 2 * 24 * 60 - 1))
@example(cut=954)  # within a cheat's night
@settings(max_examples=10, deadline=None)
def test_a_track_cut_anywhere_is_the_same_track(cut: int) -> None:
    ledger = ledger_of()
    since, until = STARTED.replace(second=0) - timedelta(days=2), STARTED.replace(second=0)
    between = since + timedelta(minutes=cut)
    whole = rows_of(track_columns(ledger, since, until)[0])
    parts = rows_of(track_columns(ledger, since, between)[0]) | rows_of(
        track_columns(ledger, between, until)[0]
    )
    assert parts == whole


def test_figures_lie_where_they_must() -> None:
    ledger = ledger_of()
    hours = np.arange(hour_number(LOCAL) - 720, hour_number(LOCAL))
    sections, _ = section_columns(ledger, hours)
    assert sections["congestion_index"].min() >= 1
    parking, _ = parking_columns(ledger, hours)
    assert (parking["free_berths"] >= 0).all()
    assert (parking["free_berths"] <= parking["berths"]).all()
    buses, _ = bus_columns(ledger, days_between(date(2024, 4, 1), date(2026, 3, 17)))
    assert (buses["trips_on_time"] <= buses["trips_run"]).all()
    assert (buses["trips_run"] <= buses["trips_planned"]).all()
    accidents, keys = accident_columns(ledger, days_between(date(2024, 4, 1), date(2026, 3, 17)))
    assert len(set(keys.tolist())) == len(keys)
    assert len(set(accidents["accident_code"].tolist())) == len(keys)
    assert 0 < accidents["dead"].sum() < accidents["injured"].sum()


def test_the_storm_slows_the_roads() -> None:
    ledger = ledger_of()
    hours = np.arange(hour_number(LOCAL) - 720, hour_number(LOCAL))
    sections, _ = section_columns(ledger, hours)
    index = sections["congestion_index"].reshape(-1, len(hours)).mean(axis=0)
    wet = storm_at(ledger, hours) > 0.5
    assert 10 < wet.sum() < 30
    assert index[wet].mean() > index[~wet].mean() + 0.2


def test_corridors_stay_in_their_county_and_have_some_length() -> None:
    for corridor in load_corridors():
        assert shapely.contains_xy(outlines()[corridor.county], corridor.lons, corridor.lats).all()
        assert kilometres(corridor.lons, corridor.lats).sum() == pytest.approx(corridor.km)
        assert corridor.km > 0.5


def test_the_cheats_cheat_and_nobody_else_does() -> None:
    ledger = ledger_of()
    vehicles = vehicles_of(ledger)
    cheats = set(vehicles.codes[vehicles.cheats()].tolist())
    stories = {story["story"]: story for story in urban_stories(ledger)}
    assert set(stories["muck_fleet_dumps"]["key"].split(",")) == cheats
    columns, _ = track_columns(ledger, STARTED - timedelta(days=7), STARTED)
    of_day = columns["observed_at"] // MINUTE % 1440 + 480
    of_day = np.where(of_day >= 1440, of_day - 1440, of_day)
    muck = np.strings.startswith(columns["vehicle_code"].astype(str), MUCK.upper())
    at_night = muck & (of_day >= CHEAT_NIGHT[0]) & (of_day < CHEAT_NIGHT[1])
    assert set(columns["vehicle_code"][at_night].tolist()) == cheats
    assert (columns["speed_kmh"][at_night].max()) > FLEETS[MUCK].limit
    cheat = sorted(cheats)[0]
    number = vehicles.codes.tolist().index(cheat)
    lon, lat = unapproved_dump(load_corridors()[vehicles.corridors[number]])
    own = at_night & (columns["vehicle_code"] == cheat)
    there = own & (np.hypot(columns["longitude"] - lon, columns["latitude"] - lat) < 1e-4)
    assert (there & (columns["speed_kmh"] == 0)).sum() >= 30
    days = (columns["observed_at"] // MINUTE + 480) // 1440
    mid_morning = (columns["vehicle_code"] == cheat) & (of_day >= SILENT[0]) & (of_day < SILENT[1])
    heard, cheated = set(days[mid_morning].tolist()), set(days[own].tolist())
    assert len(cheated) == 3
    assert heard.isdisjoint(cheated)
    assert heard
    assert (columns["speed_kmh"] <= 160).all()


def test_the_weekend_gap_is_in_one_county_alone() -> None:
    content, _, _ = duty_delivery(1, date(2026, 3, 1), date(2026, 3, 31), STARTED, LOCAL.replace(tzinfo=None))
    empty, known = set(), 0
    for line in content.decode().splitlines()[1:]:
        day, _department, county, shift, _role, phone, signed = line.split(",")
        if not phone:
            empty.add((county, shift, date.fromisoformat(day).weekday() >= 5))
            assert signed == ""
        if len(signed) == len("2026-03-18 07:50"):
            assert signed[:10] <= LOCAL.date().isoformat()
            known += 1
    assert known > 700
    assert empty == {("341623", "夜班", True)}


def test_deliveries_are_the_same_bytes_and_are_not_sent_twice() -> None:
    ledger = ledger_of(enterprises=300)
    first = list(urban_deliveries(ledger, LOCAL))
    again = list(urban_deliveries(ledger_of(enterprises=300), LOCAL))
    assert [(each.dataset, each.name) for each in first] == [(each.dataset, each.name) for each in again]
    assert len({(each.dataset, each.name) for each in first}) == len(first) == 16
    small = {
        "unit_grid",
        "municipal_component",
        "emergency_store",
        "fleet_vehicle",
        "parking_lot_hour",
        "emergency_drill",
    }
    for one, other in zip(first, again, strict=True):
        if one.dataset in small:
            assert one.make() == other.make(), one.dataset
    ledger.reached = STARTED
    later = list(urban_deliveries(ledger, LOCAL + timedelta(minutes=1)))
    new = {each.name for each in later} - {each.name for each in first}
    assert len(new) == 1
    assert new.pop().startswith("vehicle_track_")


def test_files_carry_the_headers_their_datasets_name() -> None:
    datasets = load_datasets(Settings(project=SOURCE_TREE))
    for delivery in urban_deliveries(ledger_of(enterprises=300), LOCAL):
        dataset = datasets[delivery.dataset]
        content = delivery.make()[0]
        if delivery.name.endswith(".csv"):
            header = content.decode(dataset.format.encoding).splitlines()[0].split(",")
            assert header == [column.accepted_headers[0] for column in dataset.columns], delivery.dataset
        elif delivery.name.endswith(".parquet"):
            names = pq.read_schema(io.BytesIO(content)).names
            assert names == [column.name for column in dataset.columns], delivery.dataset


def test_no_plate_is_one_that_is_issued() -> None:
    ledger = ledger_of()
    vehicles = next(each for each in urban_deliveries(ledger, LOCAL) if each.dataset == "fleet_vehicle")
    lines = vehicles.make()[0].decode("gb18030").splitlines()[1:]
    plates = [line.split(",")[1] for line in lines]
    sound = [plate for plate in plates if len(plate) == 7]
    assert len(sound) > 0.95 * len(plates)
    assert all(plate.startswith("皖SO") for plate in sound)


def test_the_register_tells_a_state_of_the_standard() -> None:
    ledger = ledger_of()
    content, rows, truth = component_delivery(ledger, LOCAL.date())
    lines = content.decode("gb18030").splitlines()[1:]
    assert len(lines) == rows
    spoilt = {planted.row for planted in truth}
    states = {line.split(",")[4] for number, line in enumerate(lines, 1) if number not in spoilt}
    assert states <= {"完好", "破损", "丢失"}
