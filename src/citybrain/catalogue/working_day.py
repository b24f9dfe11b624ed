"""Working days of China: the State Council's holidays and make-up days, as far as they are published."""

from datetime import date
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import chinese_calendar

DayKind = Literal["working day", "weekend", "holiday"]

SHANGHAI = ZoneInfo("Asia/Shanghai")


@cache
def is_working_day(day: date) -> tuple[bool, bool]:
    """Whether people work on the day, and whether its year is published; else the plain week counts."""
    try:
        return bool(chinese_calendar.is_workday(day)), True
    except NotImplementedError:
        return day.weekday() < 5, False


@cache
def day_kind(day: date) -> DayKind:
    """A make-up Saturday is a working day, a Sunday within a statutory holiday is the holiday's."""
    try:
        free, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        free, name = day.weekday() >= 5, None
    if not free:
        return "working day"
    return "weekend" if name is None else "holiday"
