"""Working days of China: the State Council's holidays and make-up days, as far as they are published."""

from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


@cache
def is_working_day(day: date) -> tuple[bool, bool]:
    """Whether people work on the day, and whether its year is published; else the plain week counts."""
    try:
        return bool(chinese_calendar.is_workday(day)), True
    except NotImplementedError:
        return day.weekday() < 5, False
