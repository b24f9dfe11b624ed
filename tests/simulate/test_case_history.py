"""The demo city's past: the same whenever it is told, as large as the city, and full of stories."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.told import ToldCase
from citybrain.simulate.case_history.mix import ClassMix, load_mix
from citybrain.simulate.case_history.places import spots_of
from citybrain.simulate.case_history.planning import plan_cases, planned_cases
from citybrain.simulate.case_history.weather import is_stormy
from citybrain.simulate.ledger import Ledger

STARTED = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)


def ledger(enterprises: int = 4000) -> Ledger:
    return Ledger(seed=341600, enterprises=enterprises, started=STARTED)


@pytest.fixture(scope="module")
def cases() -> list[ToldCase]:
    return [case for batch in plan_cases(ledger()) for case in batch.cases]


def test_the_mix_is_the_citys_size() -> None:
    classes = load_mix().classes
    assert sum(one.a_day for one in classes) == pytest.approx(1430)
    cameras = sum(
        one.a_day * one.sources.get("video", 0) / sum(one.sources.values())
        for one in classes
        if one.scenario == "street_order"
    )
    assert cameras == pytest.approx(300)


def test_told_again_it_is_the_same_and_fewer_months_are_its_end(cases: list[ToldCase]) -> None:
    whole, part = list(plan_cases(ledger())), list(plan_cases(ledger(), 6))
    assert [case for batch in whole for case in batch.cases] == cases
    assert part == whole[-len(part) :]
    assert len({case.number for case in cases}) == len(cases)
    assert len(cases) == pytest.approx(planned_cases(ledger()), rel=0.03)


def test_nobody_knows_what_came_later(cases: list[ToldCase]) -> None:
    until = STARTED.astimezone(SHANGHAI)
    for case in cases:
        times = [case.found_at, *(step.at for step in case.steps)]
        assert times == sorted(times)
        assert times[-1] <= until
    still_open = [case for case in cases if case.steps[-1].action not in ("approve", "pass_check", "void")]
    assert 0 < len(still_open) < 0.02 * len(cases)
    assert "fire_lane_occupancy" not in {case.scenario for case in still_open}  # the patrol finds those anew


def test_storms_flood_winter_leaks_and_places_repeat(cases: list[ToldCase]) -> None:
    floods = [case.found_at.date() for case in cases if case.scenario == "flood_waterlogging"]
    assert sum(is_stormy(STARTED, floods)) > 0.6 * len(floods)
    months = Counter(case.found_at.month for case in cases if case.scenario == "gas_leak_monitoring")
    assert sum(months[month] for month in (12, 1, 2)) > 2 * sum(months[month] for month in (6, 7, 8))
    vendors = [case for case in cases if case.class_code == "street_vendor"]
    weekend = sum(case.found_at.weekday() >= 5 for case in vendors) / len(vendors)
    assert weekend > 2 / 7 * 1.15
    places = Counter(case.place_id for case in vendors)
    assert places.most_common(1)[0][1] > 3 * len(vendors) / len(places)


def test_counties_differ_and_the_city_gets_better(cases: list[ToldCase]) -> None:
    def sent_back(some: list[ToldCase]) -> float:
        return sum(
            any(step.action in ("reject", "fail_check") for step in case.steps) for case in some
        ) / len(some)

    by_county = {code: [case for case in cases if case.area_code[:6] == code] for code in load_mix().counties}
    assert sent_back(by_county["341623"]) > sent_back(by_county["341602"])
    middle = STARTED - timedelta(days=365)
    assert sent_back([case for case in cases if case.found_at < middle]) > sent_back(
        [case for case in cases if case.found_at >= middle]
    )


@pytest.mark.parametrize("one", load_mix().classes, ids=lambda one: one.name)
@pytest.mark.parametrize("scale", [0.02, 0.1, 1.0])
def test_no_place_comes_near_the_trouble_spot(one: ClassMix, scale: float) -> None:
    told = spots_of(one, 341600, scale, load_mix().trouble_spot)
    shares = np.diff(told.cumulated, prepend=0)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0
    assert shares[0] >= load_mix().trouble_spot
    assert shares[0] >= 1.9 * shares[1:].max()
