"""Spans of whole years, months or days before the day of a run, written as ISO 8601 says: P2Y, P6M, P30D."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

PATTERN = re.compile(r"^P([1-9][0-9]{0,4})([YMD])$")
MOST = {"Y": 200, "M": 2_400, "D": 73_000}
UNIT_ZH = {"Y": "年", "M": "个月", "D": "天"}


@dataclass(frozen=True)
class Span:
    """`number` of one unit: Y, M or D."""

    number: int
    unit: str

    @classmethod
    def read(cls, value: Any) -> "Span":
        """Raises ValueError for anything but one whole number of one unit."""
        found = PATTERN.match(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{value!r} is not a span of time: write P2Y, P6M or P30D")
        number, unit = int(found[1]), found[2]
        if number > MOST[unit]:
            raise ValueError(f"{value} is longer than two hundred years")
        return cls(number, unit)

    def before(self, day: date) -> date:
        """The day this long before `day`; a day the month does not have is its last one, as in PostgreSQL."""
        if self.unit == "D":
            return day - timedelta(days=self.number)
        months = day.year * 12 + day.month - 1 - self.number * (12 if self.unit == "Y" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

    def __str__(self) -> str:
        return f"P{self.number}{self.unit}"

    @property
    def zh(self) -> str:
        return f"{self.number} {UNIT_ZH[self.unit]}"
