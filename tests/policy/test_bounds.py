"""Bounds of an amount hold the exact amount, and who they rule out is never among the largest."""

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_and_rows import Enterprise, enterprises, rules

from citybrain.policy.bounds import Bounds, Facts, bounds, contenders, facts_valued
from citybrain.policy.compiler import GATE_WEIGHT
from citybrain.policy.evaluation import amount_of
from citybrain.policy.rule import Rule
from citybrain.policy.verdicts import Candidates
from citybrain.policy.worth import Worth, worth_of

bounded_rules = rules().filter(lambda rule: worth_of(rule) is not None)


def as_numbers(worth: Worth, rows: list[Enterprise]) -> Facts:
    """What PostgreSQL says of the enterprises."""
    asked = facts_valued([worth])

    def number(name: str, value: Any) -> float:
        if value is None:
            return float("nan")
        if asked[name]:
            return float(asked[name].index(value) + 1 if value in asked[name] else 0)
        return float(value)

    return Facts({name: np.array([number(name, row[name]) for row in rows]) for name in asked}, asked)


@settings(deadline=None, max_examples=60)
@given(bounded_rules, st.lists(enterprises, min_size=1, max_size=20))
def test_an_amount_lies_within_its_bounds(rule: Rule, rows: list[Enterprise]) -> None:
    worth = worth_of(rule)
    assert worth is not None
    assert Worth.from_json(worth.as_json()) == worth
    found = bounds(worth, as_numbers(worth, rows), np.arange(len(rows)))
    for row, low, high, unknown in zip(rows, found.low, found.high, found.unknown, strict=True):
        amount = amount_of(rule, row)
        if high >= 1e14:  # an absurd amount is unknown, and nobody is ruled out by bounds like these
            continue
        assert (amount is None) == unknown
        if amount is not None and (amount > 0 or high > 0):
            assert low <= float(amount) <= high
        if low == high:
            assert amount is None or max(amount, Decimal(0)) == Decimal(repr(float(low)))


places = st.tuples(
    st.integers(1, 2), st.integers(0, 1), st.sampled_from([None, 0, 1, 5, 5, 7]), st.sampled_from([0, 1, 3])
)


@settings(deadline=None, max_examples=60)
@given(st.lists(places, min_size=1, max_size=25), st.integers(0, 6))
def test_nobody_who_has_a_place_is_ruled_out(drawn: list[Any], keep: int) -> None:
    """Each one: distance, unknown criteria, its true amount, and how far its bounds are from it."""
    lenient = np.array([one[0] for one in drawn])
    strict = lenient + np.array([one[1] for one in drawn])
    nothing = np.zeros(len(drawn), dtype=np.int64)
    near = Candidates(np.arange(len(drawn)), nothing, nothing, strict, lenient)
    unknown = np.array([one[2] is None for one in drawn])
    amount = np.array([float(one[2] or 0) for one in drawn])
    width = np.where(unknown, 0.0, [float(one[3]) for one in drawn])
    chosen = contenders(keep, near, Bounds(amount - width, amount + width, unknown))
    ranked = sorted(
        (one for one in range(len(drawn)) if unknown[one] or amount[one] > 0),
        key=lambda one: (lenient[one], strict[one] + GATE_WEIGHT * unknown[one], -amount[one], one),
    )
    assert set(ranked[:keep]) <= set(np.flatnonzero(chosen))
    if not width.any():  # bounds that are exact leave nothing to ask
        assert list(np.flatnonzero(chosen)) == sorted(ranked[:keep])
