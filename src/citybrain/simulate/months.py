"""Months as whole numbers: year * 12 + month - 1."""

from datetime import date, timedelta


def month_number(day: date) -> int:
    """Months since the year 0."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    return first_day(month + 1) - timedelta(days=1)


def newest_reported(day: date, reported_on: int) -> int:
    """The newest month that is reported by `day` when each is on a fixed day of the month after it."""
    return month_number(day) - (1 if day.day >= reported_on else 2)
