"""What a threshold with hysteresis and persistence says of one stream of readings, one after the other.

The statement of `compiler` says the same of rows that lie there already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from citybrain.sensing.rule_file import ReadingRule

Said = Literal["", "detected", "cleared"]


@dataclass(frozen=True)
class Limits:
    """Of one subject and class, in the unit of its readings; `sign` is -1 where small values are bad."""

    raise_at: float
    hysteresis: float
    sign: Literal[1, -1]
    minutes: timedelta
    readings: int
    clear_after: int

    @classmethod
    def of(cls, rule: ReadingRule, raise_at: float, hysteresis: float) -> "Limits":
        return cls(
            raise_at,
            hysteresis,
            1 if rule.direction == "up" else -1,
            timedelta(minutes=rule.persist.minutes),
            rule.persist.readings,
            rule.clear_after,
        )


@dataclass
class Standing:
    """A spell that goes on: since when, how many readings were bad, and how many good ones followed."""

    started_at: datetime
    judged_until: datetime
    raised: int
    good: int
    peak: float
    threshold: float
    confirmed_at: datetime | None = None
    told_key: str | None = None
    ended_at: datetime | None = None


def follow(
    standing: Standing | None, at: datetime, value: float, limits: Limits
) -> tuple[Standing | None, Said]:
    """The spell after one more reading (none: all is quiet), and what has to be told now.

    A spell that was told and is over comes back once more, with its end.
    """
    level, limit = limits.sign * value, limits.sign * limits.raise_at
    bad, good = level >= limit, level < limit - limits.hysteresis
    if standing is None:
        if not bad:
            return None, ""
        standing = Standing(at, at, 0, 0, value, limits.raise_at)
    standing.judged_until = at
    standing.peak = max(standing.peak, value, key=lambda one: limits.sign * one)
    standing.good = standing.good + 1 if good else 0
    if bad:
        standing.raised += 1
        long_enough = at - standing.started_at >= limits.minutes
        if standing.confirmed_at is None and standing.raised >= limits.readings and long_enough:
            standing.confirmed_at = at
            return standing, "detected"
    if standing.good < limits.clear_after:
        return standing, ""
    if standing.confirmed_at is None:
        return None, ""
    standing.ended_at = at
    return standing, "cleared"
