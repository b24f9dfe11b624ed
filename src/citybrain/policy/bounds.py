"""Who is certainly not among the largest, without asking what each one's amount is.

Of thousands of enterprises near an item the closest and largest few are kept. To ask PostgreSQL for the
amounts of all of them would be the dearest part of a run, so an amount of one fact is first bounded here from
both sides, outwards by more than floating point is wrong. What the bounds leave open, PostgreSQL is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from citybrain.policy.answers import received
from citybrain.policy.compiler import GATE_WEIGHT, LARGEST_AMOUNT
from citybrain.policy.verdicts import Candidates
from citybrain.policy.worth import EVERY_VALUE, Worth

FACT_ERROR = 1e-12  # relative; a fact as a double is wrong by at most 1.2e-16 of itself
RATE_ERROR = 1e-9
SURELY_PLAUSIBLE = float(LARGEST_AMOUNT) / 10

Connection = psycopg.Connection[Any]
Vector = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Facts:
    """What amounts look at, of every enterprise by `ord`: numbers, NaN where one is missing; of a fact that
    decides a rate the place of its value in `values`, from 1, 0 for any other value."""

    numbers: Mapping[str, Vector]
    values: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Bounds:
    """Yuan after cap and rounding; 0 where the amount is unknown. Equal bounds are the amount itself."""

    low: Vector
    high: Vector
    unknown: Vector


# The facts


def facts_valued(worths: Iterable[Worth]) -> dict[str, list[str]]:
    """The facts that bounds are worked out from; the values of those that decide a rate, else none."""
    asked: dict[str, dict[str, None]] = {}
    for worth in worths:
        if worth.of is not None:
            asked.setdefault(worth.of, {})
        if worth.by is not None:
            asked.setdefault(worth.by, {}).update(dict.fromkeys(worth.rates))
    return {name: list(values) for name, values in asked.items()}


def numbers_of(
    connection: Connection, table: str, asked: Mapping[str, Sequence[str]], between: tuple[int, int]
) -> dict[str, Vector]:
    """The facts of the enterprises whose `ord` lies in the half-open range, as doubles."""
    first, last = between
    if first >= last or not asked:
        return {name: np.empty(0) for name in asked}
    columns = []
    for name, values in asked.items():
        fact = sql.Identifier(name)
        column = sql.SQL("{}::float8").format(fact)
        if values:
            place = sql.SQL("coalesce(array_position({}::text[], {}), 0)")
            known = place.format(sql.Literal(list(values)), fact)
            column = sql.SQL("CASE WHEN {} IS NOT NULL THEN {} END").format(fact, known)
        columns.append(sql.SQL("coalesce({}, 'NaN'::float8)").format(column))
    query = sql.SQL(
        "COPY (SELECT ord, {} FROM {} WHERE ord >= {} AND ord < {}) TO STDOUT (FORMAT binary)"
    ).format(sql.SQL(", ").join(columns), sql.Identifier(table), sql.Literal(first), sql.Literal(last))
    rows = received(connection, query, len(columns), ">f8", last - first)
    place_of = rows["ord"].astype(np.intp) - first
    found = {}
    for number, name in enumerate(asked):
        found[name] = np.empty(last - first)
        found[name][place_of] = rows[f"value{number}"]
    return found


# Bounds


def bounds(worth: Worth, facts: Facts, which: Vector) -> Bounds:
    """Of some enterprises, by their `ord`."""
    unknown = np.zeros(len(which), dtype=bool)
    rate: Vector | float = worth.rates.get(EVERY_VALUE, 0.0)
    if worth.by is not None:
        place = facts.numbers[worth.by][which]
        unknown |= np.isnan(place)
        known = [0.0, *(worth.rates.get(value, 0.0) for value in facts.values[worth.by])]
        rate = np.array(known)[np.where(unknown, 0, place).astype(np.intp)]
    if worth.of is None:
        exact = np.where(unknown, 0.0, rate)
        return Bounds(exact, exact, unknown)
    base = facts.numbers[worth.of][which]
    unknown |= np.isnan(base)
    base = np.where(unknown, 0.0, base)
    ends = [_before_rates(worth, base * factor) * rate for factor in (1 - FACT_ERROR, 1 + FACT_ERROR)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    low, high = low - np.abs(low) * RATE_ERROR, high + np.abs(high) * RATE_ERROR
    nothing = high <= 0
    at_cap = np.zeros(len(which), dtype=bool) if worth.cap is None else low >= worth.cap
    if worth.cap is not None:
        high = np.minimum(high, worth.cap * (1 + RATE_ERROR))
    low, high = low - worth.step, np.where(nothing, 0.0, high + worth.step)
    if worth.capped is not None:
        low, high = np.where(at_cap, worth.capped, low), np.where(at_cap, worth.capped, high)
    return Bounds(np.where(unknown, 0.0, low), np.where(unknown, 0.0, high), unknown)


def _before_rates(worth: Worth, base: Vector) -> Vector:
    """What the rate is a share of: the fact, or what its tiers come to."""
    if not worth.tiers:
        return base
    starts = np.array([tier[0] for tier in worth.tiers])
    if worth.marginal:
        tops = np.append(starts[1:], np.inf)
        parts = [
            np.maximum(np.minimum(base, top) - start, 0.0) * tier[1]
            for start, top, tier in zip(starts, tops, worth.tiers, strict=True)
        ]
        return np.add.reduce(parts)  # type: ignore[no-any-return]
    reached = np.searchsorted(starts, base, side="right")
    rates = np.array([0.0, *(tier[1] for tier in worth.tiers)])
    yuan = np.array([0.0, *(tier[2] for tier in worth.tiers)])
    return base * rates[reached] + yuan[reached]  # type: ignore[no-any-return]


def contenders(keep: int, near: Candidates, worth: Bounds) -> Vector:
    """Who may be among the `keep` closest and largest of near ones that come to more than nothing.

    Near ones are ranked by distance (unknown ones counted as met, then as unmet, the amount among them), then
    by amount, the largest first and an unknown one last, then by `ord`. Only who is certainly behind `keep`
    others is left out.
    """
    if bool((worth.high >= SURELY_PLAUSIBLE).any()):  # an absurd amount is an unknown one
        return np.ones(len(near), dtype=bool)
    possible = worth.unknown | (worth.high > 0)
    sure = worth.unknown | (worth.low > 0)
    far = near.lenient.astype(np.int64) << 32 | (near.strict + GATE_WEIGHT * worth.unknown)
    groups, sizes = np.unique(far[sure], return_counts=True)
    before = np.cumsum(sizes)
    last = int(np.searchsorted(before, keep))
    if keep < 1 or last == len(groups):
        return possible if keep else np.zeros(len(near), dtype=bool)
    wanted = keep - (int(before[last - 1]) if last else 0)
    within = far == groups[last]
    lows = worth.low[within & sure]
    least = np.partition(lows, len(lows) - wanted)[len(lows) - wanted]
    exact = within & sure & (worth.low == least) & (worth.high == least)
    behind = exact & (np.cumsum(exact) + int((lows > least).sum()) > wanted)
    found: Vector = possible & ((far < groups[last]) | (within & (worth.high >= least) & ~behind))
    return found
