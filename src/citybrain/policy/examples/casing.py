"""Test cases of an example item: an enterprise that gets it, one that just misses it, one with a gap.

The enterprise stands exactly on every bound it can stand on. What must come out is worked out by the
evaluator in Python; the SQL is held to the same answers by the tests.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from citybrain.policy.evaluation import Outcome, evaluate, met
from citybrain.policy.examples.template_file import Raw
from citybrain.policy.facts import NUMBERS, Fact, Facts, FactValue
from citybrain.policy.item_file import All, AnyOf, FlatBy, Leaf, Node, RateBy, Version, children
from citybrain.policy.rule import AGO, Criterion, Rule, resolve
from citybrain.policy.span import Span

USUAL: dict[str, FactValue] = {"int": 10, "decimal": Decimal(100), "money": Decimal(1_000_000)}
STEP = Decimal("0.01")  # just beside a bound; alone it is too little money to make a grant of
Profile = dict[str, FactValue]


class CasingError(ValueError):
    """No enterprise was found that gets the item: its template or its sample is at fault."""


def cases_of(item: Raw, sample: Raw, facts: Facts) -> tuple[Raw, list[Raw]]:
    """`given` and `cases` of an item, as the file writes them. Raises CasingError."""
    rules = [resolve(Version.model_validate(version), facts) for version in item["versions"]]
    rule = rules[-1]
    day = rule.version.valid.start
    given = _profile(rule, sample, day)
    granted = evaluate(rule, given, day)
    if granted.status != "eligible":
        raise CasingError(
            f"{item['id']} {item['title']}: {granted.status}, unmet {', '.join(granted.unmet) or 'nothing'},"
            f" unknown {', '.join(granted.unknown) or 'nothing'}"
        )
    on = {} if len(rules) == 1 else {"on": day}
    cases = [{"name": "恰好达到各项标准", **on, "expect": _expected(granted, with_amount=True)}]
    cases.append({**_near_miss(rule, given, day), **on})
    missing = _missing(rule)
    gap = evaluate(rule, {**given, missing: None}, day)
    name = f"{facts[missing].label}缺失不得发放"
    cases.append({"name": name, **on, "facts": {missing: None}, "expect": _expected(gap)})
    if len(rules) > 1:
        before = rules[0].version.valid.start
        earlier = evaluate(rules[0], given, before)
        with_amount = earlier.status == "eligible"
        cases.append({"name": "旧标准", "on": before, "expect": _expected(earlier, with_amount)})
    return dict(given), cases


def _expected(outcome: Outcome, with_amount: bool = False) -> Raw:
    told: Raw = {"status": outcome.status}
    if with_amount:
        told["amount"] = outcome.amount
    elif outcome.status == "needs_data":
        told["unknown"] = list(outcome.unknown)
    else:
        told["unmet"] = list(outcome.unmet)
    return told


def _profile(rule: Rule, sample: Raw, day: date) -> Profile:
    """Facts that meet every condition on the way to the grant, as close to the bounds as they go."""
    needed = [rule.criterion(leaf) for leaf in _needed(rule.version.require)]
    found: Profile = {}
    for name in dict.fromkeys([*(each.leaf.fact for each in needed), *rule.amount_names]):
        asked = [criterion for criterion in needed if criterion.leaf.fact == name]
        choices = [*_given(rule.facts[name], sample.get(name)), *_by(rule, name)]
        choices += _around(asked, rule.facts[name], day)
        choices.append(USUAL.get(rule.facts[name].type))
        fitting = [value for value in choices if value is not None and value != STEP]
        found[name] = next((value for value in fitting if all(met(each, value, day) for each in asked)), None)
    return found


def _given(fact: Fact, value: Any) -> list[FactValue]:
    return [] if value is None else [fact.typed(value)]


def _needed(node: Node) -> Iterator[Leaf]:
    """The criteria of one way through the tree: the first branch of every choice."""
    if isinstance(node, Leaf):
        yield node
        return
    some = 1 if isinstance(node, AnyOf) else len(children(node)) if isinstance(node, All) else node.at_least
    for child in children(node)[:some]:
        yield from _needed(child)


def _by(rule: Rule, name: str) -> list[FactValue]:
    """Values the amount has a number for."""
    amount = rule.version.amount
    if isinstance(amount, FlatBy) and amount.by == name:
        return list(amount.values)
    return list(amount.rates) if isinstance(amount, RateBy) and amount.by == name else []


def _around(asked: list[Criterion], fact: Fact, day: date) -> list[FactValue]:
    """Values on the bounds of the criteria, and just beside them."""
    values: list[FactValue] = []
    for criterion in asked:
        for value in criterion.values:
            if criterion.leaf.op in AGO:
                then = Span.read(value).before(day)
                values += [then, then - timedelta(days=1), then + timedelta(days=1)]
            elif fact.type in NUMBERS:
                step = 1 if fact.type == "int" else STEP
                values += [value, value + step, value - step]  # type: ignore[operator]
            elif fact.type == "code":
                values += [str(value), "341699"]
            else:
                values.append(value)
    if fact.type == "bool":
        values += [True, False]
    return values + list(fact.values)


def _near_miss(rule: Rule, given: Profile, day: date) -> Raw:
    """The first criterion that can be worked on, just not met, everything else as before; where every one
    has a way around it, an enterprise that has closed."""
    leaves = [leaf for leaf in _needed(rule.version.require) if not leaf.gate]
    leaves.sort(key=lambda leaf: rule.facts[leaf.fact].type not in NUMBERS)
    for leaf in leaves:
        others = [each for each in rule.criteria if each.leaf.fact == leaf.fact and each.leaf.id != leaf.id]
        own = rule.criterion(leaf)
        for value in _around([own], rule.facts[leaf.fact], day):
            if met(own, value, day) is False and all(met(each, value, day) for each in others):
                outcome = evaluate(rule, {**given, leaf.fact: value}, day)
                if outcome.status in ("near", "ineligible") and leaf.id in outcome.unmet:
                    return {"name": "一项差一点", "facts": {leaf.fact: value}, "expect": _expected(outcome)}
    closed = evaluate(rule, {**given, "is_active": False}, day)
    return {"name": "已不存续", "facts": {"is_active": False}, "expect": _expected(closed)}


def _missing(rule: Rule) -> str:
    """The fact left out: the last one that every way to the grant asks for."""
    if rule.amount_names:
        return rule.amount_names[0]
    root = rule.version.require
    return [node.fact for node in children(root) if isinstance(node, Leaf)][-1]
