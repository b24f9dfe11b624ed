"""Values that stand in a suspicious crowd: more enterprises just on the paying side of a limit than off it.

Each limit that an item in force compares a number with is looked at over all enterprises: how many lie within
two per cent on the side that is met, how many on the other. Where nobody steers, both are about alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import sqrt
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.facts import NUMBERS, Facts, load_facts
from citybrain.policy.facts_table import NOW, make_facts_now
from citybrain.policy.library import load_policies
from citybrain.policy.matching import CITY_ZONE, matcher_beside
from citybrain.policy.wording import shown
from citybrain.settings import Settings

WINDOW = Decimal("0.02")
LEAST = 20  # enterprises within the window: below it a crowd is chance
FAR = 3.0  # standard deviations of an even split
MET_ABOVE, MET_BELOW = (">=", ">"), ("<=", "<")

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Limit:
    """A number of an item: met at or above it, or at or below it."""

    fact: str
    op: str
    value: Decimal


@dataclass(frozen=True)
class Bunching:
    """`met`, `missed`: enterprises within two per cent of the limit on either side; `items` ask for it."""

    fact: str
    label: str
    limit: str
    met: int
    missed: int
    deviations: float
    items: tuple[str, ...]


def bunchings(settings: Settings, day: date | None = None) -> list[Bunching]:
    """Limits with a crowd on the side that pays, the most unlikely first. Raises ContentError."""
    day = day or datetime.now(CITY_ZONE).date()
    facts = load_facts(settings)
    limits = _limits(settings, day)
    if not limits:
        return []
    with matcher_beside(settings) as connection:
        make_facts_now(connection, facts, day)
        counted = _count(connection, list(limits))
        connection.rollback()
    found = [
        _judged(limit, met, missed, facts, limits[limit])
        for limit, (met, missed) in zip(limits, counted, strict=True)
        if met + missed >= LEAST
    ]
    return sorted((one for one in found if one.deviations > FAR), key=lambda one: -one.deviations)


def _limits(settings: Settings, day: date) -> dict[Limit, tuple[str, ...]]:
    found: dict[Limit, list[str]] = {}
    for policy in load_policies(settings):
        rule = policy.rule_on(day)
        for criterion in rule.criteria if rule else ():
            sides = (*MET_ABOVE, *MET_BELOW)
            if criterion.fact.type not in NUMBERS or criterion.leaf.op not in sides or not criterion.known:
                continue
            value = Decimal(criterion.values[0])  # type: ignore[arg-type]  # a number: its fact is one
            if value > 0:
                found.setdefault(Limit(criterion.leaf.fact, criterion.leaf.op, value), []).append(
                    policy.item.id
                )
    return {limit: tuple(items) for limit, items in found.items()}


def _count(connection: Connection, limits: list[Limit]) -> Iterator[tuple[int, int]]:
    columns = [column for limit in limits for column in _windows(limit)]
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), sql.Identifier(NOW))
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - counts are one row
    return zip(row[::2], row[1::2], strict=True)


def _windows(limit: Limit) -> list[sql.Composed]:
    """Counts of the met and of the missed side."""
    width = max(limit.value * WINDOW, Decimal(1))
    low, high = limit.value - width, limit.value + width
    at_limit_above = limit.op in (">=", "<")  # whether the limit itself lies in the upper window
    upper = ("{f} >= {v} AND {f} < {h}", "{f} > {v} AND {f} <= {h}")[not at_limit_above]
    lower = ("{f} >= {l} AND {f} < {v}", "{f} > {l} AND {f} <= {v}")[not at_limit_above]
    sides = (upper, lower) if limit.op in MET_ABOVE else (lower, upper)
    values = {
        "f": sql.Identifier(limit.fact),
        "v": sql.Literal(limit.value),
        "h": sql.Literal(high),
        "l": sql.Literal(low),
    }
    return [sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(side).format(**values)) for side in sides]


def _judged(limit: Limit, met: int, missed: int, facts: Facts, items: tuple[str, ...]) -> Bunching:
    fact = facts[limit.fact]
    return Bunching(
        limit.fact,
        fact.label,
        f"{limit.op} {shown(limit.value, fact)}",
        met,
        missed,
        round((met - missed) / sqrt(met + missed), 1),
        items,
    )
