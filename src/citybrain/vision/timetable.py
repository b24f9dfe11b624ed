"""When a detector looks: the ticks of its schedule, a cron expression in city time."""

from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter

CITY_TIME = ZoneInfo("Asia/Shanghai")


def newest_tick(schedule: str, moment: datetime) -> datetime:
    """The last time a round was due at or before an aware `moment`."""
    return newest_ticks(schedule, moment, 1)[0]


def newest_ticks(schedule: str, moment: datetime, count: int) -> list[datetime]:
    """The last `count` times a round was due at or before an aware `moment`, the earliest first."""
    local = moment.astimezone(CITY_TIME)
    ticks = croniter(schedule, local)
    found: list[datetime] = [local] if croniter.match(schedule, local) and not _seconds(local) else []
    while len(found) < count:
        found.append(ticks.get_prev(datetime))
    return sorted(found)


def _seconds(moment: datetime) -> float:
    return moment.second + moment.microsecond / 1_000_000
