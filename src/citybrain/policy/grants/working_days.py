"""How long a public notice runs: whole working days of China's calendar, Asia/Shanghai."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from citybrain.catalogue.working_day import SHANGHAI, is_working_day


@dataclass(frozen=True)
class NoticePeriod:
    """`closes_at`: midnight after the last day. `provisional`: a day's holidays are not published yet."""

    closes_at: datetime
    provisional: bool


def notice_period(opened_at: datetime, working_days: int) -> NoticePeriod:
    """Counts from the day after the opening. Days of an unpublished year follow the plain week."""
    day = opened_at.astimezone(SHANGHAI).date()
    provisional = False
    left = working_days
    while left > 0:
        day += timedelta(days=1)
        works, published = is_working_day(day)
        provisional |= not published
        left -= works
    return NoticePeriod(datetime.combine(day + timedelta(days=1), time(), SHANGHAI), provisional)
