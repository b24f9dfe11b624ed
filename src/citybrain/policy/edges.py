"""Enterprises at the edges of a rule, made from the rule itself: each limit met, just missed and just passed,
each fact missing, each day around a span of time, and the first and last day of the version.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from citybrain.policy.evaluation import amount_of, evaluate, met
from citybrain.policy.facts import Fact, FactValue
from citybrain.policy.item_file import FlatBy, Match, PerUnit, RateBy, RateOf, Tiers
from citybrain.policy.rule import AGO, Criterion, Rule
from citybrain.policy.span import Span

STEP = {"int": 1, "decimal": Decimal("0.000001"), "money": Decimal("0.01")}
PLAIN = Decimal(1000)  # of a number nothing is asked about: enough for an amount above zero

Facts = dict[str, FactValue]


@dataclass(frozen=True)
class Edge:
    """One made-up enterprise on one day. `about` says which edge it stands at."""

    about: str
    day: date
    facts: Mapping[str, FactValue]


def version_days(rule: Rule) -> list[date]:
    """The first day of a version and its last one, or one of the next year where it has no end."""
    valid = rule.version.valid
    return sorted({valid.start, valid.end or valid.start + timedelta(days=364)})


def edges(rule: Rule) -> Iterator[Edge]:
    """The same rule gives the same ones, in the same order."""
    for day in version_days(rule):
        sound = soundest(rule, day)
        yield Edge("everything met as far as it can be", day, sound)
        for name in rule.used:
            yield Edge(f"{name} is missing", day, {**sound, name: None})
            for value in _values_of(rule, name, day):
                yield Edge(f"{name} is {value}", day, {**sound, name: value})
        yield Edge("nothing is known", day, {})
        for criterion in rule.criteria:  # all but one unmet: what a tree makes of a single answer
            failing = {each.leaf.fact: _missing_it(each, rule, day) for each in rule.criteria}
            yield Edge(
                f"only {criterion.leaf.id} is met", day,
                {**sound, **failing, criterion.leaf.fact: sound.get(criterion.leaf.fact)},
            )  # fmt: skip


def soundest(rule: Rule, day: date) -> Facts:
    """Facts that meet as many criteria as one value for each fact can, and make an amount above zero."""
    facts: Facts = {}
    for name in rule.used:
        asked = [criterion for criterion in rule.criteria if criterion.leaf.fact == name]
        values = _values_of(rule, name, day)
        facts[name] = max(values, key=lambda value: sum(bool(met(each, value, day)) for each in asked))
    for name in rule.amount_names:
        best = [value for value in _values_of(rule, name, day) if _keeps(rule, facts, name, value, day)]
        facts[name] = max(best, key=lambda value: amount_of(rule, {**facts, name: value}) or Decimal(-1))
    return facts


def _keeps(rule: Rule, facts: Facts, name: str, value: FactValue, day: date) -> bool:
    now, then = evaluate(rule, facts, day), evaluate(rule, {**facts, name: value}, day)
    return len(then.unmet) <= len(now.unmet)


def _missing_it(criterion: Criterion, rule: Rule, day: date) -> FactValue:
    values = _values_of(rule, criterion.leaf.fact, day)
    return next((value for value in values if met(criterion, value, day) is False), None)


def _values_of(rule: Rule, name: str, day: date) -> list[FactValue]:
    """Values around everything the rule compares the fact with, in rising order of interest."""
    fact = rule.facts[name]
    found: list[FactValue] = list(_plain(fact, day))
    for criterion in rule.criteria:
        if criterion.leaf.fact == name and criterion.known:
            found += _around(criterion, fact, day)
    found += _around_amount(rule, name, fact)
    return list(dict.fromkeys(found))


def _plain(fact: Fact, day: date) -> Iterator[FactValue]:
    match fact.type:
        case "bool":
            yield from (True, False)
        case "enum":
            yield from fact.values
        case "code":
            yield "~"
        case "date":
            yield day
        case "int":
            yield int(PLAIN)
        case _:
            yield PLAIN


def _around(criterion: Criterion, fact: Fact, day: date) -> Iterator[FactValue]:
    for value in criterion.values:
        if criterion.leaf.op in AGO:
            then = Span.read(value).before(day)
            yield from (then - timedelta(days=1), then, then + timedelta(days=1))
        elif isinstance(value, bool):
            yield value
        elif isinstance(value, date):
            yield from (value - timedelta(days=1), value, value + timedelta(days=1))
        elif isinstance(value, int | Decimal):
            step = STEP[fact.type]
            yield from (value - step, value, value + step)  # type: ignore[operator]
        elif fact.type == "code":
            yield from (value, f"{value}0", f"0{value}", str(value)[:-1] or "~")
        else:
            yield value


def _around_amount(rule: Rule, name: str, fact: Fact) -> Iterator[FactValue]:
    amount = rule.version.amount
    if name not in rule.amount_names or fact.type not in STEP:
        return
    yield from (0, fact.typed(0))
    step = STEP[fact.type]
    if isinstance(amount, Tiers):
        for tier in amount.tiers:
            start = int(tier.start) if fact.type == "int" else tier.start
            yield from (start - step, start, start + step, start * 2 + step)  # type: ignore[operator]
    cap = rule.version.caps.per_enterprise
    if cap is not None and isinstance(amount, RateOf | RateBy | PerUnit | Match):
        yield from (fact.typed(int(cap) * factor) for factor in (1, 1000))
    if not isinstance(amount, FlatBy):
        yield from (fact.typed(number) for number in (7, 12345, 10_000_000))
