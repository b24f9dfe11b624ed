"""When a detector looks: the ticks of its cron expression, city time."""

from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter

from citybrain.vision.detector_file import Detector

CITY_TIME = ZoneInfo("Asia/Shanghai")


def newest_tick(detector: Detector, moment: datetime) -> datetime:
    """The last time a round was due at or before an aware `moment`."""
    return newest_ticks(detector, moment, 1)[0]


def newest_ticks(detector: Detector, moment: datetime, count: int) -> list[datetime]:
    """The last `count` times a round was due at or before an aware `moment`, the earliest first."""
    local = moment.astimezone(CITY_TIME)
    ticks = croniter(detector.schedule, local)
    found: list[datetime] = [local] if croniter.match(detector.schedule, local) and not _seconds(local) else []
    while len(found) < count:
        found.append(ticks.get_prev(datetime))
    return sorted(found)


def _seconds(moment: datetime) -> float:
    return moment.second + moment.microsecond / 1_000_000
