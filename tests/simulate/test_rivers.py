"""Sections, outlets and gauges: classes follow the standard, days each other, the storm is over the mark."""

import csv
import io
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.simulate.delivery import Content
from citybrain.simulate.rivers.gauges import gauge_delivery
from citybrain.simulate.rivers.outlets import HEADERS as OUTLET_HEADERS
from citybrain.simulate.rivers.outlets import OUTLETS, outlet_delivery
from citybrain.simulate.rivers.sections import HEADERS, load_sections, months_between, section_delivery
from citybrain.simulate.rivers.standard import CLASSES, LIMITS, OXYGEN, classes_of
from citybrain.simulate.water import GAUGES

SEED = 20260101


def sound_rows(content: Content, headers: dict[str, str]) -> list[dict[str, str]]:
    """The rows nothing was done to, under the dataset's own names."""
    text, _, truth = content
    names = {header: name for name, header in headers.items()}
    spoilt = {planted.row for planted in truth}
    rows = csv.DictReader(io.StringIO(text.decode(), newline=""))
    return [
        {names[header]: value for header, value in row.items()}
        for place, row in enumerate(rows, 1)
        if place not in spoilt
    ]


def test_classes_at_the_limits_of_the_standard() -> None:
    """Each pollutant at its limit has the class, a little beyond it the next."""
    clean = {name: np.array([0.0]) for name in LIMITS} | {"dissolved_oxygen": np.array([9.0])}
    assert classes_of(clean).tolist() == [0]
    for name, limits in LIMITS.items():
        for place, limit in enumerate(limits):
            reached = next(place for place, other in enumerate(limits) if other == limit)
            assert classes_of(clean | {name: np.array([limit])}).tolist() == [reached]
            beyond = max(place for place, other in enumerate(limits) if other == limit) + 1
            assert classes_of(clean | {name: np.array([limit + 0.001])}).tolist() == [beyond], (name, place)
    for place, limit in enumerate(OXYGEN):
        assert classes_of(clean | {"dissolved_oxygen": np.array([limit])}).tolist() == [place]
        assert classes_of(clean | {"dissolved_oxygen": np.array([limit - 0.01])}).tolist() == [place + 1]


def test_sections_vary_and_say_the_class_of_their_figures() -> None:
    rows = sound_rows(
        section_delivery(SEED, months_between(date(2024, 3, 1), date(2026, 2, 1)), date(2026, 3, 18)), HEADERS
    )
    assert len({row["section_code"] for row in rows}) == len(load_sections()) == 4 * len(GAUGES)
    assert len({row["month"] for row in rows}) == 24
    for row in rows:
        figures = {name: np.array([float(row[name])]) for name in ("dissolved_oxygen", *LIMITS)}
        assert row["quality_class"] == CLASSES[classes_of(figures)[0]]
    reached = sum(row["quality_class"] in CLASSES[:3] for row in rows) / len(rows)
    assert 0.4 < reached < 0.85


def test_a_month_sent_alone_says_the_same() -> None:
    months = months_between(date(2025, 11, 1), date(2026, 2, 1))
    whole = sound_rows(section_delivery(SEED, months, date(2026, 3, 18)), HEADERS)
    alone = [
        row
        for month in months
        for row in sound_rows(section_delivery(SEED, [month], date(2026, 3, 18)), HEADERS)
    ]
    key = lambda row: (row["section_code"], row["month"])  # noqa: E731
    assert sorted(whole, key=key) == sorted(alone, key=key)


@settings(max_examples=20, deadline=None)
@given(st.dates(min_value=date(2026, 3, 18), max_value=date(2028, 1, 1)))
def test_days_of_an_outlet_follow_each_other(today: date) -> None:
    rows = sound_rows(outlet_delivery(SEED, date(2026, 3, 18), today), OUTLET_HEADERS)
    assert len({row["outlet_code"] for row in rows}) == len(rows) <= OUTLETS
    for row in rows:
        days = [row[name] for name in ("found_on", "surveyed_on", "reviewed_on", "put_right_on")]
        come = [day for day in days if day]
        assert come == sorted(come)
        assert days[: len(come)] == come  # no step without the one before
        assert all(day <= today.isoformat() for day in come)
        assert row["found_on"] < row["due_on"]


def test_the_storm_goes_over_the_warning_stage_of_every_gauge() -> None:
    text, rows, _ = gauge_delivery()
    found = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert rows == len(found) == len(GAUGES)
    for gauge, row in zip(GAUGES, found, strict=True):
        warning, guaranteed = float(row["警戒水位"]), float(row["保证水位"])
        assert gauge.base < warning < gauge.base + gauge.storm_rise < guaranteed
