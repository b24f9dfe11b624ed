"""The economy's deliveries: pure functions of the seed, whole in themselves, with their stories in place."""

import csv
import io
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely.geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.catalogue import load_areas
from citybrain.settings import SOURCE_TREE
from citybrain.simulate.delivery import Delivery
from citybrain.simulate.dirt import Row
from citybrain.simulate.economy import economy_deliveries, economy_stories
from citybrain.simulate.economy.herbs import load_herbs
from citybrain.simulate.economy.investment import investment_rows
from citybrain.simulate.economy.leftovers import leave_lines
from citybrain.simulate.economy.major import AT_SCALE_1, LAGGING, LEAST, majors
from citybrain.simulate.economy.population import DEFECTS, population_rows
from citybrain.simulate.economy.series import series_rows
from citybrain.simulate.ledger import Ledger

SHANGHAI = ZoneInfo("Asia/Shanghai")
STARTED = datetime(2026, 3, 18, 10, 7, tzinfo=SHANGHAI)
SEEDS = st.integers(min_value=0, max_value=2**31)
DAYS = st.dates(min_value=date(2024, 1, 1), max_value=date(2032, 12, 31))


def ledger(reached: datetime | None = None) -> Ledger:
    return Ledger(seed=7, enterprises=300, started=STARTED, reached=reached)


def owed(moment: datetime, reached: datetime | None = None) -> dict[tuple[str, str], Delivery]:
    return {(found.dataset, found.name): found for found in economy_deliveries(ledger(reached), moment)}


def story(name: str) -> Row:
    return next(story for story in economy_stories(ledger()) if story["story"] == name)


def test_equal_ledgers_send_equal_bytes_and_names_are_unique() -> None:
    sent = list(economy_deliveries(ledger(), STARTED))
    assert len({(found.dataset, found.name) for found in sent}) == len(sent)
    for first, again in zip(sent, economy_deliveries(ledger(), STARTED), strict=True):
        content, rows, truth = first.make()
        assert (content, rows, truth) == again.make(), first.name
        assert all(1 <= planted.row <= rows for planted in truth)


def test_later_calls_send_only_what_is_new() -> None:
    first = owed(STARTED)
    later = owed(STARTED + timedelta(days=40), reached=STARTED)
    new = {name for dataset, name in later.keys() - first.keys()}
    assert new == {
        "economy_series_202602.csv",  # released two days after the city began
        "economy_series_202603.csv",
        "population_2025.xlsx",
        "investment_project_202604.csv",
        "major_project_202604.csv",
        "major_project_milestone_202604.csv",
        "major_project_progress_202603_202603.jsonl",
        "building_permit_202604.geojson",
        "herb_market_price_20260317_20260426.parquet",
        "tcm_output_202603_202603.jsonl",
    }
    assert owed(STARTED, reached=STARTED).keys() < first.keys()  # the same day owes no new prices


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, year=st.integers(min_value=2015, max_value=2032))
def test_ages_and_towns_fit_into_the_residents(seed: int, year: int) -> None:
    rows, keys = population_rows(seed, year)
    assert len(set(keys)) == len(rows) == 40
    for row in rows:
        assert row["age_0_14"] + row["age_15_59"] + row["age_60_plus"] == row["residents"]
        assert 0 < row["age_65_plus"] < row["age_60_plus"]
        assert 0 < row["urban_residents"] < row["residents"]


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, year=st.integers(min_value=2017, max_value=2030), verified=st.booleans())
def test_sums_since_january_only_grow_and_the_city_is_the_sum_of_its_counties(
    seed: int, year: int, verified: bool
) -> None:
    city = load_areas().city.code
    values: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    last: dict[tuple[str, str, str], float] = {}
    for row in series_rows(seed, year, range(12), verified, True, year):
        value, kind = float(row["value"]), row["period_kind"]
        if kind == "年度":
            continue
        assert value > last.get((row["area_code"], row["indicator"], kind), 0.0)
        last[row["area_code"], row["indicator"], kind] = value
        values[row["indicator"], row["period"]][row["area_code"]] = value
    for (indicator, _), areas in values.items():
        counties = [value for code, value in areas.items() if code != city]
        if indicator.startswith("income"):
            assert min(counties) <= areas[city] <= max(counties)
        else:
            assert areas[city] == pytest.approx(sum(counties), abs=0.02)
    parts = ("gdp_primary", "gdp_secondary", "gdp_tertiary")
    whole = values["gdp", f"{year}Q3"][city]
    assert whole == pytest.approx(sum(values[part, f"{year}Q3"][city] for part in parts), abs=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, passed=st.integers(min_value=0, max_value=900))
def test_investment_projects_take_their_steps_in_order_and_never_undo_one(seed: int, passed: int) -> None:
    first = date(2026, 3, 18)
    day = first + timedelta(days=passed)
    before = {row["project_code"]: row for row in investment_rows(seed, 240, first, first)[0]}
    after = {row["project_code"]: row for row in investment_rows(seed, 240, first, day)[0]}
    assert before.keys() <= after.keys()
    for code, row in after.items():
        steps = [row[name] for name in ("signed_on", "landed_on", "started_on", "producing_on")]
        taken = [step for step in steps if step]
        assert taken == sorted(taken) == steps[: len(taken)]
        assert max(taken) <= day.isoformat()
        assert 0 <= float(row["invested_wan"]) <= float(row["agreed_wan"])
        assert taken[: len([s for s in steps if s and s <= first.isoformat()])] == [
            step for step in taken if step <= first.isoformat()
        ]
        if code in before:
            assert float(before[code]["invested_wan"]) <= float(row["invested_wan"])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, first=DAYS)
def test_investment_in_major_projects_never_goes_back(seed: int, first: date) -> None:
    for major in majors(seed, 60, first):
        shares = [major.share_at(major.start + timedelta(days=days)) for days in range(-30, 1200, 30)]
        assert shares == sorted(shares)
        assert shares[0] == 0
        assert major.share_at(major.finish) == pytest.approx(1.0)


def test_left_lines_leave_every_row_sound() -> None:
    rows, keys = population_rows(7, 2025)
    sound = [dict(row) for row in rows]
    truth = leave_lines(
        7,
        "population_county_year",
        rows,
        np.array(keys),
        lambda row: f"{row['county_code']} {row['year']}",
        DEFECTS,
    )
    assert rows[:40] == sound
    assert {planted.kind for planted in truth} == {defect.kind for defect in DEFECTS}
    assert {planted.row for planted in truth if planted.kind != "sent_twice"} <= set(range(41, len(rows) + 1))


def test_every_permit_is_a_plot_within_its_county() -> None:
    ((content, rows, truth),) = [
        found.make() for (dataset, _), found in owed(STARTED).items() if dataset == "building_permit"
    ]
    spoilt = {planted.row for planted in truth}
    features = json.loads(content)["features"]
    assert len(features) == rows
    for number, feature in enumerate(features, 1):
        if number in spoilt:
            continue
        plot = shapely.geometry.shape(feature["geometry"])
        assert plot.is_valid
        assert plot.exterior.is_ccw
        assert 115.1 < plot.centroid.x < 116.9
        assert 32.8 < plot.centroid.y < 34.1
        place = np.cos(np.radians(plot.centroid.y)) * 111_320 * 110_900
        assert plot.area * place == pytest.approx(feature["properties"]["land_area_m2"], rel=0.05)
    unpermitted = story("major_project_unpermitted")["key"]
    permitted = {feature["properties"]["project_code"] for feature in features}
    assert unpermitted not in permitted
    assert story("major_project_lags")["key"] in permitted


def test_the_herb_of_the_story_jumps_and_the_others_do_not() -> None:
    ((content, _, _),) = [
        found.make() for (dataset, _), found in owed(STARTED).items() if dataset == "herb_market_price_day"
    ]
    prices: dict[str, dict[date, float]] = defaultdict(dict)
    for row in pq.read_table(io.BytesIO(content)).to_pylist():
        if row["grade"] == "统货" and 1 <= row["price_yuan_kg"] <= 2000:
            prices[row["herb_code"]].setdefault(row["price_date"], row["price_yuan_kg"])
    told = story("herb_price_jump")
    moved = {
        code: days[max(days)] / days[date.fromisoformat(told["from"]) - timedelta(days=1)] - 1
        for code, days in prices.items()
        if code != "H999"
    }
    assert moved.pop(told["key"]) > 0.3
    assert max(abs(change) for change in moved.values()) < 0.2


def test_the_projects_of_the_stories_stand_out() -> None:
    plan = majors(7, max(LEAST, round(AT_SCALE_1 * 300 / 200_000)), STARTED.date())
    progress: dict[str, dict[str, float]] = defaultdict(dict)
    for (dataset, _), found in owed(STARTED).items():
        if dataset == "major_project_progress":
            for line in found.make()[0].splitlines():
                row = json.loads(line)
                if row["project_code"] and isinstance(row["invested_wan"], float) and row["month"] < "2030":
                    progress[row["project_code"]].setdefault(row["month"], row["invested_wan"])
    silent = progress[story("major_project_silent")["key"]]
    newest = sorted(silent)[-3:]
    assert [silent[month] > 0 for month in newest] == [True, False, False]
    lagging = plan[LAGGING]
    assert lagging.code == story("major_project_lags")["key"]
    end = date(2026, 2, 28)
    gone = (end - lagging.start) / (lagging.finish - lagging.start)
    assert gone - sum(progress[lagging.code].values()) / lagging.total_wan > 0.15


def test_the_index_weighs_the_herbs_of_the_market() -> None:
    with (SOURCE_TREE / "dbt_project" / "seeds" / "herb.csv").open(encoding="utf-8", newline="") as file:
        weighed = {(row["herb_code"], row["herb_name"], float(row["weight"])) for row in csv.DictReader(file)}
    assert weighed == {(herb.code, herb.name, herb.weight) for herb in load_herbs()}
    assert sum(weight for _, _, weight in weighed) == pytest.approx(1.0)
