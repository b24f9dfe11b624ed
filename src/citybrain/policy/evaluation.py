"""One enterprise against one rule, in Python: what the SQL must come to, worked out a second way.

Decimal throughout, None for what is not known. The test cases of item files run on it without a server, and
the tests hold it and PostgreSQL to the same answers on made-up enterprises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from itertools import combinations

from citybrain.policy.compiler import FARTHEST, GATE_WEIGHT, LARGEST_AMOUNT
from citybrain.policy.facts import FactValue
from citybrain.policy.formula import formula_value
from citybrain.policy.item_file import (
    All,
    AnyOf,
    Flat,
    FlatBy,
    Formula,
    Leaf,
    Match,
    Node,
    PerUnit,
    RateBy,
    RateOf,
    Tiers,
    children,
)
from citybrain.policy.rule import AMOUNT_ID, Criterion, Rule
from citybrain.policy.span import Span

ROUNDING = {"half_up": ROUND_HALF_UP, "down": ROUND_DOWN, "up": ROUND_UP}


@dataclass(frozen=True)
class Outcome:
    """`unmet`, `unknown`: ids of criteria in the order of their bits. All near ones, not only the best."""

    status: str
    unmet: tuple[str, ...]
    unknown: tuple[str, ...]
    distance: int
    amount: Decimal | None


def evaluate(rule: Rule, facts: Mapping[str, FactValue], day: date) -> Outcome:
    """On one day. A fact that is not in `facts` is missing."""
    amount = amount_of(rule, facts)
    answers: list[tuple[str, bool | None]] = [
        (criterion.leaf.id, met(criterion, facts.get(criterion.leaf.fact), day))
        for criterion in rule.criteria
    ]
    answers.append((AMOUNT_ID, None if amount is None else amount > 0))
    known = dict(answers)
    strict, lenient = (
        min(
            FARTHEST,
            _distance(rule.version.require, known, unknown_is_met)
            + _cost(known[AMOUNT_ID], GATE_WEIGHT, unknown_is_met),
        )
        for unknown_is_met in (False, True)
    )
    if strict == 0:
        status = "eligible"
    elif lenient == 0:
        status = "needs_data"
    else:
        status = "near" if lenient <= rule.version.near.within else "ineligible"
    return Outcome(
        status=status,
        unmet=tuple(name for name, answer in answers if answer is False),
        unknown=tuple(name for name, answer in answers if answer is None),
        distance=strict,
        amount=amount,
    )


def met(criterion: Criterion, value: FactValue, day: date) -> bool | None:
    """Three-valued: None when the fact is missing or nobody has confirmed what it is compared with."""
    if value is None or not criterion.known:
        return None
    values = criterion.values
    match criterion.leaf.op:
        case "is" | "==":
            return value == values[0]
        case "!=":
            return value != values[0]
        case ">":
            return value > values[0]  # type: ignore[operator]
        case ">=":
            return value >= values[0]  # type: ignore[operator]
        case "<":
            return value < values[0]  # type: ignore[operator]
        case "<=":
            return value <= values[0]  # type: ignore[operator]
        case "in":
            return value in values
        case "not_in":
            return value not in values
        case "between":
            return values[0] <= value <= values[1]  # type: ignore[operator]
        case "under":
            return any(str(value).startswith(str(prefix)) for prefix in values)
        case "at_least_ago":
            return value <= Span.read(values[0]).before(day)  # type: ignore[operator]
        case "at_most_ago":
            return value >= Span.read(values[0]).before(day)  # type: ignore[operator]


def holds(node: Node, criteria: tuple[Criterion, ...], facts: Mapping[str, FactValue], day: date) -> bool:
    """Whether a tree is known to hold: what a later part of a payment waits for."""
    answers = {each.leaf.id: met(each, facts.get(each.leaf.fact), day) for each in criteria}
    return _distance(node, answers, unknown_is_met=False) == 0


def _distance(node: Node, known: Mapping[str, bool | None], unknown_is_met: bool) -> int:
    if isinstance(node, Leaf):
        return _cost(known[node.id], GATE_WEIGHT if node.gate else 1, unknown_is_met)
    parts = [_distance(child, known, unknown_is_met) for child in children(node)]
    if isinstance(node, All):
        return sum(parts)
    if isinstance(node, AnyOf):
        return min(parts)
    return min(sum(some) for some in combinations(parts, node.at_least))


def _cost(answer: bool | None, weight: int, unknown_is_met: bool) -> int:
    return 0 if answer or (answer is None and unknown_is_met) else weight


def amount_of(rule: Rule, facts: Mapping[str, FactValue]) -> Decimal | None:
    """Yuan; None when a fact it needs is missing, when a number of it is unconfirmed or it is absurd."""
    if not rule.payable or any(facts.get(name) is None for name in rule.amount_names):
        return None
    with localcontext() as context:
        context.prec = 120
        raw = _raw(rule, facts)
        cap = rule.version.caps.per_enterprise
        if raw is not None and cap is not None:
            raw = min(raw, cap)
        if raw is None or abs(raw) >= LARGEST_AMOUNT:
            return None
        rounding = rule.version.amount.round
        step = Decimal(1).scaleb(-rounding.places)
        mode = ROUNDING[rounding.mode] if raw >= 0 or rounding.mode != "up" else ROUND_DOWN
        return raw.quantize(step, rounding=mode).quantize(Decimal("0.01"))


def _raw(rule: Rule, facts: Mapping[str, FactValue]) -> Decimal | None:
    def number(name: str) -> Decimal:
        return Decimal(facts[name])  # type: ignore[arg-type]  # present, and the rule knows it is a number

    amount = rule.version.amount
    match amount:
        case Flat():
            return amount.value
        case FlatBy():
            return amount.values.get(str(facts[amount.by]), Decimal(0))
        case RateOf():
            return number(amount.of) * _given(amount.rate)
        case RateBy():
            return number(amount.of) * _given(amount.rates.get(str(facts[amount.by]), Decimal(0)))
        case PerUnit():
            return number(amount.of) * _given(amount.value)
        case Match():
            return number(amount.of) * _given(amount.ratio)
        case Tiers():
            return _tiers(amount, number(amount.of))
        case Formula():
            assert rule.arithmetic is not None  # noqa: S101 - a rule with a formula has read it
            named = {name: number(name) for name in rule.amount_names}
            return formula_value(rule.arithmetic, {**named, **rule.parameters})


def _tiers(amount: Tiers, base: Decimal) -> Decimal:
    if amount.mode == "whole":
        reached = [tier for tier in amount.tiers if base >= tier.start]
        if not reached:
            return Decimal(0)
        return reached[-1].value if reached[-1].value is not None else base * _given(reached[-1].rate)
    total = Decimal(0)
    for tier, following in zip(amount.tiers, [*amount.tiers[1:], None], strict=True):
        top = base if following is None else min(base, following.start)
        total += max(top - tier.start, Decimal(0)) * _given(tier.rate)
    return total


def _given(value: Decimal | None) -> Decimal:
    assert value is not None  # noqa: S101 - a rule with an unconfirmed number has no amount
    return value
