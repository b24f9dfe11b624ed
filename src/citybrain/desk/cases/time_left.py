"""Time limits in the words of the desk: what is left, or by how much a limit has passed."""

from datetime import datetime, timedelta
from typing import Literal

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

Urgency = Literal["good", "watch", "late"]


def time_left(due_at: datetime, now: datetime) -> str:
    """`还剩 1 小时 20 分` before `due_at` (both aware), `超时 35 分` after it; in whole minutes."""
    seconds = int((due_at - now) / timedelta(seconds=1))
    if seconds > 0:
        return f"还剩 {duration(seconds)}" if seconds >= _MINUTE else "还剩不到 1 分"
    return f"超时 {duration(-seconds)}" if seconds <= -_MINUTE else "刚刚超时"


def duration(seconds: int) -> str:
    """`2 天 3 小时`, `1 小时 20 分`, `35 分`: two units, the smaller one only when it is not 0."""
    days, rest = divmod(max(seconds, 0), _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes = rest // _MINUTE
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分" if minutes else "不到 1 分"


def age(found_at: datetime, now: datetime) -> Literal["quiet", "watch", "late"]:
    """How an open case's age is coloured: watch after a day, late after three."""
    old = now - found_at
    return "late" if old >= timedelta(days=3) else "watch" if old >= timedelta(days=1) else "quiet"


def urgency(due_at: datetime, now: datetime) -> Urgency:
    """How the words are coloured: late once it has passed, watch in the last quarter of an hour."""
    if due_at <= now:
        return "late"
    return "watch" if due_at - now <= timedelta(minutes=15) else "good"
