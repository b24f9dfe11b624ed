"""Time limits in words."""

from datetime import datetime, timedelta

import pytest

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.desk.cases.time_left import age, duration, time_left, urgency

NOW = datetime(2026, 11, 26, 9, 5, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("seconds", "words", "colour"),
    [
        (80 * 60, "还剩 1 小时 20 分", "good"),
        (80 * 60 + 59, "还剩 1 小时 20 分", "good"),
        (2 * 3600, "还剩 2 小时", "good"),
        (15 * 60, "还剩 15 分", "watch"),
        (60, "还剩 1 分", "watch"),
        (59, "还剩不到 1 分", "watch"),
        (0, "刚刚超时", "late"),
        (-59, "刚刚超时", "late"),
        (-35 * 60, "超时 35 分", "late"),
        (-(26 * 3600 + 40), "超时 1 天 2 小时", "late"),
        (3 * 86_400 + 3599, "还剩 3 天", "good"),
        (3 * 86_400 + 3600, "还剩 3 天 1 小时", "good"),
    ],
)
def test_what_is_left_or_has_passed(seconds: int, words: str, colour: str) -> None:
    due_at = NOW + timedelta(seconds=seconds)
    assert (time_left(due_at, NOW), urgency(due_at, NOW)) == (words, colour)


@pytest.mark.parametrize(("hours", "colour"), [(0, "quiet"), (23, "quiet"), (24, "watch"), (72, "late")])
def test_age_is_coloured_after_a_day_and_after_three(hours: int, colour: str) -> None:
    assert age(NOW - timedelta(hours=hours), NOW) == colour


def test_a_duration_is_never_less_than_nothing() -> None:
    assert [duration(seconds) for seconds in (-5, 0, 60, 86_399)] == [
        "不到 1 分",
        "不到 1 分",
        "1 分",
        "23 小时 59 分",
    ]
