"""A delivery is held against days of its kind: working days, weekends, statutory holidays."""

from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue import usable_datasets
from citybrain.catalogue.working_day import day_kind, is_working_day
from citybrain.quality import Card, Expectations, expectations_for, judge_batch
from citybrain.quality.history import median_of_such_days
from citybrain.settings import DatabaseRole, Settings, get_settings

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))
SUNDAY_BEFORE_SPRING_FESTIVAL = date(2026, 2, 15)
MAKE_UP_SATURDAY = date(2026, 2, 28)


@given(DAYS)
def test_kinds_part_days_as_working_days_do(day: date) -> None:
    assert (day_kind(day) == "working day") == is_working_day(day)[0]


def test_kinds_of_known_days() -> None:
    assert day_kind(SUNDAY_BEFORE_SPRING_FESTIVAL) == "holiday"
    assert day_kind(MAKE_UP_SATURDAY) == "working day"
    assert day_kind(date(2026, 3, 7)) == "weekend"
    assert day_kind(date(2049, 10, 2)) == "weekend"  # nobody has published that year: the plain week


@given(
    day=DAYS,
    gone=st.dictionaries(st.integers(-20, 400), st.integers(0, 10_000), max_size=60),
    weeks=st.integers(1, 52),
    least=st.integers(1, 5),
)
def test_the_median_is_of_such_days_alone(day: date, gone: dict[int, int], weeks: int, least: int) -> None:
    history = [(day - timedelta(days=ago), rows) for ago, rows in gone.items()]
    found = median_of_such_days(history, day, weeks, least)
    longest = 366 if day_kind(day) == "holiday" else 7 * weeks
    such = [
        rows
        for ago, rows in gone.items()
        if 0 < ago <= longest and day_kind(day - timedelta(days=ago)) == day_kind(day)
    ]
    assert found == (median(such) if len(such) >= least else None)
    # what came on days of another kind, on the day itself or later changes nothing
    others = [(of, rows * 7 + 1) for of, rows in history if of >= day or day_kind(of) != day_kind(day)]
    kept = [(of, rows) for of, rows in history if of < day and day_kind(of) == day_kind(day)]
    assert median_of_such_days(kept + others, day, weeks, least) == found


def test_at_least_five_datasets_are_held_to_it() -> None:
    users = [
        name
        for name in usable_datasets(get_settings())
        if any(rule.kind == "row_count_against_same_days" for rule in expectations_for(name).batch_rules)
    ]
    assert len(users) >= 5, users


@pytest.mark.integration
def test_the_gate_holds_a_day_against_such_days(
    clean_city: Settings, stage: Callable[..., str], expect: Callable[..., Expectations]
) -> None:
    expectations = expect(
        {
            "id": "such_days",
            "kind": "row_count_against_same_days",
            "yellow_outside": {"min": 0.8, "max": 1.25},
        }
    )
    first = date(2026, 1, 19)  # a Monday; Spring Festival is from 15 to 23 February, 14 and 28 are worked
    usual = {"working day": 100, "weekend": 20, "holiday": 5}
    with psycopg.connect(clean_city.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        for number in range(40):
            day = first + timedelta(days=number)
            owner.execute(
                "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version,"
                " logical_date, landed_at, state, rows_in, rows_loaded, rows_quarantined, rows_rejected,"
                " settled_at)"
                " VALUES ('trial', %s, %s, 1, 'x', '1', %s, now(), 'loaded', %s, %s, 0, 0, now())",
                (f"d{number}", f"{number:064d}", day, usual[day_kind(day)], usual[day_kind(day)]),
            )

    def card(day: date, rows: int) -> Card:
        return judge_batch(
            clean_city.dsn(DatabaseRole.LOADER),
            "stage",
            stage([{}] * rows),
            expectations.dataset,
            expectations,
            "trial",
            logical_date=day,
            settings=clean_city,
        ).card

    assert card(MAKE_UP_SATURDAY, 100) is Card.GREEN
    assert card(MAKE_UP_SATURDAY, 20) is Card.YELLOW  # as many as on other Saturdays
    assert card(date(2026, 3, 1), 20) is Card.GREEN
    assert card(date(2026, 3, 1), 100) is Card.YELLOW
    assert card(date(2026, 4, 5), 5) is Card.GREEN  # Tomb-Sweeping: the last holiday lies six weeks back
    assert card(date(2026, 4, 5), 20) is Card.YELLOW
    assert card(first, 1) is Card.GREEN  # nothing came before it: not judged
