"""What a threshold with hysteresis and persistence means, one reading after the other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Values from `raise_at` on are bad, those below `raise_at - hysteresis` good; minutes from the first."""

    raise_at: float
    hysteresis: float
    minutes: float
    readings: int
    clear_after: int


Spell = tuple[float, float | None, float | None]


def spells_of(readings: list[tuple[float, float]], limits: Limits) -> list[Spell]:
    """(began, confirmed, ended) of each spell of readings `(minute, value)` in order of time."""
    found: list[Spell] = []
    began: float | None = None
    confirmed: float | None = None
    bad = good = 0
    for minute, value in readings:
        is_bad, is_good = value >= limits.raise_at, value < limits.raise_at - limits.hysteresis
        good = good + 1 if is_good else 0
        if began is None and is_bad:
            began, confirmed, bad = minute, None, 0
        if began is None:
            continue
        bad += is_bad
        if confirmed is None and is_bad and bad >= limits.readings and minute - began >= limits.minutes:
            confirmed = minute
        if good >= limits.clear_after:
            found.append((began, confirmed, minute))
            began = None
    if began is not None:
        found.append((began, confirmed, None))
    return found
