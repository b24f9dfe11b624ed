"""The holidays and make-up working days of China as a dbt seed: what differs from the plain week.

The chinesecalendar library knows the years the State Council has published; days past them follow the plain
week and are provisional in dim_calendar.
"""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import chinese_calendar
from chinese_calendar.constants import holidays

from citybrain.settings import Settings

FIRST_DAY = date(2015, 1, 1)


def calendar_seed() -> str:
    """The seed as CSV: day, kind (holiday or makeup_workday), the holiday's Chinese name; by day."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["day", "kind", "holiday_name"])
    writer.writerows(_exceptions())
    return text.getvalue()


def calendar_seed_path(settings: Settings) -> Path:
    return settings.dbt_dir / "seeds" / "calendar_exception.csv"


def write_calendar_seed(settings: Settings) -> Path:
    """Write the seed anew; needed when a newer chinesecalendar knows another year. Returns its path."""
    path = calendar_seed_path(settings)
    path.write_text(calendar_seed(), encoding="utf-8")
    return path


def _exceptions() -> Iterator[tuple[str, str, str]]:
    published_until = date(max(day.year for day in holidays), 12, 31)
    day = FIRST_DAY
    while day <= published_until:
        off_day, name = chinese_calendar.get_holiday_detail(day)
        if name is not None:
            kind = "holiday" if off_day else "makeup_workday"
            yield day.isoformat(), kind, chinese_calendar.Holiday(name).chinese
        day += timedelta(days=1)
