"""Values that stand in a suspicious crowd: more enterprises just on the paying side of a limit than off it.

Each limit that an item in force compares a number with is looked at over all enterprises: how many lie near
it on the side that is met, how many on the other. Where nobody steers, both are about alike. How close, how
many and how far from even: `policies/anomalies.yml`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import sqrt
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.anomaly_file import Crowd, load_anomalies
from citybrain.policy.facts import NUMBERS, Fact, Facts
from citybrain.policy.facts_table import fresh_facts
from citybrain.policy.library import load_policies
from citybrain.policy.matching import CITY_ZONE
from citybrain.policy.rule import Rule
from citybrain.policy.sessions import matcher_beside
from citybrain.policy.wording import shown
from citybrain.settings import Settings

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
    """`met`, `missed`: enterprises close to the limit on either side; `items` ask for it."""

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
    found = ((policy.item.id, policy.rule_on(day)) for policy in load_policies(settings))
    rules = [(item_id, rule) for item_id, rule in found if rule is not None]
    with matcher_beside(settings) as connection:
        return bunchings_of(connection, rules, day, load_anomalies(settings).crowd)


def bunchings_of(
    connection: Connection, rules: Iterable[tuple[str, Rule]], day: date, crowd: Crowd
) -> list[Bunching]:
    """As `bunchings`, of the limits of some rules, named by their item."""
    limits, facts = _limits(rules)
    if not limits:
        return []
    counted = _count(connection, list(limits), facts, day, crowd.within)
    found = [
        _judged(limit, met, missed, facts[limit.fact], limits[limit])
        for limit, (met, missed) in zip(limits, counted, strict=True)
        if met + missed >= crowd.least
    ]
    unlikely = (one for one in found if one.deviations > crowd.deviations)
    return sorted(unlikely, key=lambda one: -one.deviations)


def _limits(rules: Iterable[tuple[str, Rule]]) -> tuple[dict[Limit, tuple[str, ...]], Facts]:
    found: dict[Limit, list[str]] = {}
    facts: Facts = {}
    for item_id, rule in rules:
        for criterion in rule.criteria:
            sides = (*MET_ABOVE, *MET_BELOW)
            if criterion.fact.type not in NUMBERS or criterion.leaf.op not in sides or not criterion.known:
                continue
            value = Decimal(criterion.values[0])  # type: ignore[arg-type]  # a number: its fact is one
            if value > 0:
                facts[criterion.leaf.fact] = criterion.fact
                limit = Limit(criterion.leaf.fact, criterion.leaf.op, value)
                found.setdefault(limit, []).append(item_id)
    return {limit: tuple(items) for limit, items in found.items()}, facts


def _count(
    connection: Connection, limits: list[Limit], facts: Facts, day: date, within: Decimal
) -> Iterator[tuple[int, int]]:
    columns = [column for limit in limits for column in _windows(limit, within)]
    query = sql.SQL("SELECT {} FROM ({}) AS fresh").format(
        sql.SQL(", ").join(columns), fresh_facts(facts, day)
    )
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - counts are one row
    return zip(row[::2], row[1::2], strict=True)


def _windows(limit: Limit, within: Decimal) -> list[sql.Composed]:
    """Counts of the met and of the missed side."""
    width = max(limit.value * within, Decimal(1))
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


def _judged(limit: Limit, met: int, missed: int, fact: Fact, items: tuple[str, ...]) -> Bunching:
    return Bunching(
        limit.fact,
        fact.label,
        f"{limit.op} {shown(limit.value, fact)}",
        met,
        missed,
        round((met - missed) / sqrt(met + missed), 1),
        items,
    )
