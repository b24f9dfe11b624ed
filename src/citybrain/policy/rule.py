"""An item version with every name looked up: typed criteria, numbers in place of parameters, facts it needs.

Everything after this (SQL, sentences, the evaluator) works on a Rule and can trust its types.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from citybrain.policy.facts import NUMBERS, ORDERED, Fact, Facts, FactValue
from citybrain.policy.formula import Arithmetic, FormulaError, parse_formula
from citybrain.policy.item_file import (
    MOST_CRITERIA,
    All,
    AnyOf,
    AtLeast,
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
    Version,
    children,
)
from citybrain.policy.span import Span
from citybrain.policy.values import Scalar

Location = tuple[int | str, ...]
Parameter = Scalar | list[Scalar]
AGO = ("at_least_ago", "at_most_ago")
AMOUNT_ID = "amount_positive"  # the last bit of the masks: the amount is known and above zero
OPERATORS: dict[str, tuple[str, ...]] = {
    "bool": ("is",),
    "enum": ("==", "!=", "in", "not_in"),
    "code": ("==", "!=", "in", "not_in", "under"),
    **dict.fromkeys(ORDERED, ("==", "!=", ">", ">=", "<", "<=", "between", "in", "not_in")),
}
OPERATORS["date"] += AGO


class RuleError(ValueError):
    """What of a version the facts catalogue does not allow; `faults` say where."""

    def __init__(self, faults: Sequence[tuple[Location, str]]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{'.'.join(map(str, where))}: {reason}" for where, reason in faults))


@dataclass(frozen=True)
class Criterion:
    """One leaf and its bit. `values`: what the fact is compared with; None while nobody confirmed it.

    For `at_least_ago` and `at_most_ago` the value is a span, as text.
    """

    bit: int
    leaf: Leaf
    fact: Fact
    values: tuple[FactValue, ...]

    @property
    def known(self) -> bool:
        return None not in self.values

    @property
    def by_time(self) -> bool:
        """Whether its answer may change though the fact does not."""
        return self.leaf.op in AGO and self.known


@dataclass(frozen=True)
class Rule:
    """`amount_names`: facts the amount needs, all of them. `parameters`: numbers a formula may name.
    `later`: by part of `pay`, the criteria it waits for; they have no bit of the masks.
    """

    version: Version
    facts: Facts
    criteria: tuple[Criterion, ...]
    amount_names: tuple[str, ...]
    parameters: dict[str, Decimal]
    arithmetic: Arithmetic | None
    unconfirmed: tuple[str, ...]
    by_leaf: dict[str, Criterion] = field(default_factory=dict)
    later: dict[str, tuple[Criterion, ...]] = field(default_factory=dict)

    @property
    def payable(self) -> bool:
        return not self.unconfirmed

    @property
    def amount_bit(self) -> int:
        return len(self.criteria)

    @property
    def used(self) -> tuple[str, ...]:
        """Facts the rule looks at, in order of appearance."""
        named = [criterion.leaf.fact for criterion in self.criteria]
        later = [criterion.leaf.fact for criteria in self.later.values() for criterion in criteria]
        return tuple(dict.fromkeys([*named, *self.amount_names, *self.version.recheck_before_pay, *later]))

    def criterion(self, leaf: Leaf) -> Criterion:
        return self.by_leaf[leaf.id]

    @property
    def top_gates(self) -> list[Criterion]:
        """Gates that every way to the grant goes through: who fails one is out, whatever else holds."""
        root = self.version.require
        nodes = root.all if isinstance(root, All) else [root]
        return [self.criterion(node) for node in nodes if isinstance(node, Leaf) and node.gate]


def resolve(version: Version, facts: Facts) -> Rule:
    """Look everything up. Raises RuleError with every fault of the version."""
    faults: list[tuple[Location, str]] = []
    criteria: list[Criterion] = []
    seen: set[str] = set()
    params = _parameters(version, faults)
    for where, leaf in located_leaves(version.require, ("require",)):
        if leaf.id in seen or leaf.id == AMOUNT_ID:
            faults.append(((*where, "id"), f"{leaf.id!r} is taken"))
        seen.add(leaf.id)
        criterion = _criterion(len(criteria), leaf, where, params, facts, faults)
        if criterion is not None:
            criteria.append(criterion)
    if len(seen) > MOST_CRITERIA:
        faults.append((("require",), f"{len(seen)} criteria: a version has at most {MOST_CRITERIA}"))
    for place, name in enumerate(version.recheck_before_pay):
        if name not in facts:
            faults.append((("recheck_before_pay", place), _unknown(name)))
    for name in version.params:
        if name in facts:
            faults.append((("params", name), f"{name!r} is a fact: call the parameter something else"))
    names, arithmetic, missing = _amount(version, params, facts, faults)
    later = {
        stage.id: tuple(_later(stage.when, ("pay", place, "when"), params, facts, faults))
        for place, stage in enumerate(version.pay)
        if stage.when is not None
    }
    if faults:
        raise RuleError(faults)
    parameters = {
        name: Decimal(value)
        for name, value in params.items()
        if isinstance(value, int | Decimal) and not isinstance(value, bool)
    }
    unknown = [f"参数 {name} 待核定" for name, value in params.items() if value is None]
    return Rule(
        version=version,
        facts=facts,
        criteria=tuple(criteria),
        amount_names=names,
        parameters=parameters,
        arithmetic=arithmetic,
        unconfirmed=tuple(dict.fromkeys([*version.unconfirmed, *unknown, *missing])),
        by_leaf={criterion.leaf.id: criterion for criterion in criteria},
        later=later,
    )


def _parameters(version: Version, faults: list[tuple[Location, str]]) -> dict[str, Parameter]:
    """The parameters, those that name another one (`$name`) looked up."""
    found: dict[str, Parameter] = {}
    for name in version.params:
        path = [name]
        value = version.params[name]
        while isinstance(value, str) and value.startswith("$"):
            following = value[1:]
            if following in path:
                way = " -> ".join([*path, following])
                faults.append((("params", name), f"the parameters go round in a circle: {way}"))
                break
            if following not in version.params:
                faults.append((("params", name), f"no parameter is called {following!r}"))
                break
            path.append(following)
            value = version.params[following]
        found[name] = value
    return found


def _later(
    when: Node,
    where: Location,
    params: dict[str, Parameter],
    facts: Facts,
    faults: list[tuple[Location, str]],
) -> Iterator[Criterion]:
    for place, (inner, leaf) in enumerate(located_leaves(when, where)):
        criterion = _criterion(place, leaf, inner, params, facts, faults)
        if criterion is not None:
            yield criterion


def _unknown(name: str) -> str:
    return f"no fact is called {name!r}: policies/facts.yml lists them"


def located_leaves(node: Node, where: Location) -> Iterator[tuple[Location, Leaf]]:
    """The criteria of a tree and where each stands in the file."""
    if isinstance(node, Leaf):
        yield where, node
        return
    key = {All: "all", AnyOf: "any", AtLeast: "of"}[type(node)]
    for place, child in enumerate(children(node)):
        yield from located_leaves(child, (*where, key, place))


def _criterion(
    bit: int,
    leaf: Leaf,
    where: Location,
    params: dict[str, Parameter],
    facts: Facts,
    faults: list[tuple[Location, str]],
) -> Criterion | None:
    fact = facts.get(leaf.fact)
    if fact is None:
        faults.append(((*where, "fact"), _unknown(leaf.fact)))
        return None
    if leaf.op not in OPERATORS[fact.type]:
        allowed = " ".join(OPERATORS[fact.type])
        faults.append(((*where, "op"), f"{leaf.op} does not fit {leaf.fact} ({fact.type}): use {allowed}"))
        return None
    try:
        values = tuple(_typed(fact, leaf, value) for value in _values(leaf.value, params))
    except ValueError as error:
        faults.append(((*where, "value"), str(error)))
        return None
    if leaf.op == "between" and len(values) != 2:
        faults.append(((*where, "value"), "between takes two values, both included"))
        return None
    if leaf.op == "between" and None not in values and values[0] > values[1]:  # type: ignore[operator]
        faults.append(((*where, "value"), f"nothing lies between {values[0]} and {values[1]}"))
        return None
    return Criterion(bit, leaf, fact, values)


def _typed(fact: Fact, leaf: Leaf, value: Any) -> FactValue:
    if leaf.op in AGO and value is not None:
        return str(Span.read(value))
    return fact.typed(value)


def _values(written: Any, params: dict[str, Parameter]) -> list[Any]:
    """The value or values, parameters looked up. Raises ValueError for a parameter that is not there."""
    values: list[Any] = []
    for value in written if isinstance(written, list) else [written]:
        if isinstance(value, str) and value.startswith("$"):
            if value[1:] not in params:
                raise ValueError(f"no parameter is called {value[1:]!r}")
            given = params[value[1:]]
            values += given if isinstance(given, list) else [given]
        else:
            values.append(value)
    return values


def _amount(
    version: Version, params: dict[str, Parameter], facts: Facts, faults: list[tuple[Location, str]]
) -> tuple[tuple[str, ...], Arithmetic | None, list[str]]:
    """Facts the amount needs, its formula if it is one, and what of its numbers is unconfirmed."""
    amount = version.amount
    missing: list[str] = []

    def number(name: str, key: str) -> None:
        if name not in facts:
            faults.append((("amount", key), _unknown(name)))
        elif facts[name].type not in NUMBERS:
            faults.append((("amount", key), f"{name} is {facts[name].type}, not a number"))

    def table(name: str, numbers: dict[str, Decimal | None], key: str) -> None:
        fact = facts.get(name)
        if fact is None or fact.type != "enum":
            faults.append((("amount", "by"), f"{name} is not an enum fact of policies/facts.yml"))
            return
        for value, given in numbers.items():
            if value not in fact.values:
                faults.append((("amount", key, value), f"{name} is never {value!r}"))
            if given is None:
                missing.append(f"{fact.label}“{fact.values.get(value, value)}”的标准待核定")

    match amount:
        case Flat():
            if amount.value is None:
                missing.append("补助标准待核定")
            return (), None, missing
        case FlatBy():
            table(amount.by, amount.values, "values")
            return (amount.by,), None, missing
        case RateOf():
            number(amount.of, "of")
            if amount.rate is None:
                missing.append("补助比例待核定")
            return (amount.of,), None, missing
        case RateBy():
            number(amount.of, "of")
            table(amount.by, amount.rates, "rates")
            return (amount.of, amount.by), None, missing
        case Tiers():
            number(amount.of, "of")
            missing += [f"{tier.start} 起的一档待核定" for tier in amount.tiers if tier.unconfirmed]
            return (amount.of,), None, missing
        case PerUnit():
            number(amount.of, "of")
            if amount.value is None:
                missing.append("补助标准待核定")
            return (amount.of,), None, missing
        case Match():
            number(amount.of, "of")
            if amount.of in facts and facts[amount.of].type != "money":
                faults.append((("amount", "of"), f"{amount.of} is {facts[amount.of].type}, not money"))
            if amount.ratio is None:
                missing.append("配套比例待核定")
            return (amount.of,), None, missing
        case Formula():
            return (*_formula(amount, params, facts, faults), missing)


def _formula(
    amount: Formula, params: dict[str, Parameter], facts: Facts, faults: list[tuple[Location, str]]
) -> tuple[tuple[str, ...], Arithmetic | None]:
    try:
        arithmetic = parse_formula(amount.expr)
    except FormulaError as error:
        faults.append((("amount", "expr"), str(error)))
        return (), None
    named = []
    for name in arithmetic.names:
        value = params.get(name)
        if name in params:
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
                faults.append((("amount", "expr"), f"parameter {name} is not a number"))
        elif name not in facts:
            faults.append((("amount", "expr"), _unknown(name)))
        elif facts[name].type not in NUMBERS:
            faults.append((("amount", "expr"), f"{name} is {facts[name].type}, not a number"))
        else:
            named.append(name)
    return tuple(named), arithmetic
