"""What is allowed by the format and makes no sense: conditions nobody can meet, branches that are dead,
parameters nobody uses, divisions by something that may be zero. Every finding is a fault with its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from sqlglot import exp

from citybrain.policy.facts import Fact, FactValue
from citybrain.policy.formula import Arithmetic
from citybrain.policy.item_file import All, AnyOf, AtLeast, Formula, Leaf, Node, children
from citybrain.policy.rule import AGO, Criterion, Location, Rule
from citybrain.policy.span import Span

FAR = date(2100, 1, 1)  # where a version has no end, its conditions are looked at on this day, too


@dataclass(frozen=True)
class Allowed:
    """The values of one fact that a conjunction of criteria leaves. Bounds are (value, included)."""

    fact: Fact
    low: tuple[FactValue, bool] | None = None
    high: tuple[FactValue, bool] | None = None
    only: frozenset[FactValue] | None = None
    never: frozenset[FactValue] = frozenset()
    prefixes: tuple[str, ...] | None = None

    def possible(self) -> bool:
        """Whether any value is left."""
        if self.only is not None:
            return any(self._takes(value) for value in self.only)
        if self.prefixes is not None and not self.prefixes:
            return False
        if self.low is None or self.high is None:
            return True
        low, high = self.low[0], self.high[0]
        if low == high:
            return self.low[1] and self.high[1] and low not in self.never
        if self.fact.type == "int":
            first = low if self.low[1] else low + 1  # type: ignore[operator]
            last = high if self.high[1] else high - 1  # type: ignore[operator]
            return first <= last  # type: ignore[operator]
        return low < high  # type: ignore[operator]

    def _takes(self, value: FactValue) -> bool:
        if value in self.never:
            return False
        if self.low is not None and not (value > self.low[0] or (self.low[1] and value == self.low[0])):  # type: ignore[operator]
            return False
        if self.high is not None and not (value < self.high[0] or (self.high[1] and value == self.high[0])):  # type: ignore[operator]
            return False
        return self.prefixes is None or any(str(value).startswith(prefix) for prefix in self.prefixes)

    def excludes_zero(self) -> bool:
        return not replace(self, only=frozenset({Decimal(0)})).possible() or (
            self.only is not None and not any(value == 0 and self._takes(value) for value in self.only)
        )

    def positive(self) -> bool:
        if self.only is not None:
            return all(value > 0 for value in self.only if self._takes(value))  # type: ignore[operator]
        if self.low is None:
            return False
        return self.low[0] > 0 or (self.low[0] == 0 and not self.low[1])  # type: ignore[operator]

    def with_criterion(self, criterion: Criterion, day: date) -> "Allowed":
        """What the criterion leaves of this. One with an unconfirmed value leaves everything."""
        if not criterion.known:
            return self
        op, values = criterion.leaf.op, criterion.values
        if op in AGO:
            then = Span.read(values[0]).before(day)
            return self._below(then, True) if op == "at_least_ago" else self._above(then, True)
        match op:
            case "is" | "==" | "in":
                only = frozenset(values)
                return replace(self, only=only if self.only is None else self.only & only)
            case "!=" | "not_in":
                return replace(self, never=self.never | frozenset(values))
            case ">" | ">=":
                return self._above(values[0], op == ">=")
            case "<" | "<=":
                return self._below(values[0], op == "<=")
            case "between":
                return self._above(values[0], True)._below(values[1], True)
            case "under":
                return replace(self, prefixes=_narrowed(self.prefixes, tuple(map(str, values))))
        raise AssertionError(f"{op} is not looked at")

    def _above(self, value: FactValue, included: bool) -> "Allowed":
        tighter = self.low is None or (value, not included) > (self.low[0], not self.low[1])
        return replace(self, low=(value, included)) if tighter else self

    def _below(self, value: FactValue, included: bool) -> "Allowed":
        tighter = self.high is None or (value, included) < (self.high[0], self.high[1])
        return replace(self, high=(value, included)) if tighter else self


def _narrowed(known: tuple[str, ...] | None, more: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes that lie under one of both lists: the longer of each pair."""
    if known is None:
        return more
    longer = (max(one, other, key=len) for one in known for other in more if _related(one, other))
    return tuple(dict.fromkeys(longer))


def _related(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@dataclass(frozen=True)
class Context:
    """By fact what is still allowed where a branch begins."""

    rule: Rule
    day: date
    allowed: dict[str, Allowed] = field(default_factory=dict)

    def narrowed(self, leaf: Leaf) -> "Context":
        criterion = self.rule.criterion(leaf)
        known = self.allowed.get(leaf.fact) or _everything(criterion.fact)
        return replace(self, allowed={**self.allowed, leaf.fact: known.with_criterion(criterion, self.day)})

    @property
    def possible(self) -> bool:
        return all(allowed.possible() for allowed in self.allowed.values())


def _everything(fact: Fact) -> Allowed:
    if fact.type == "bool":
        return Allowed(fact, only=frozenset({True, False}))
    return Allowed(fact, only=frozenset(fact.values) if fact.type == "enum" else None)


def lint(rule: Rule) -> list[tuple[Location, str]]:
    """Every finding of a version, with its place in it."""
    valid = rule.version.valid
    first, last = (
        list(_branches(rule.version.require, ("require",), Context(rule, day)))
        for day in (valid.start, valid.end or FAR)
    )
    found = [finding for finding in first if finding in last]  # on some day it may hold
    found += _unused(rule)
    if rule.arithmetic is not None and isinstance(rule.version.amount, Formula):
        context = _conjunction(rule.version.require, Context(rule, valid.start))
        found += [(("amount", "expr"), reason) for reason in _divisions(rule.arithmetic, context)]
    return found


# Conditions


def _conjunction(node: Node, context: Context) -> Context:
    """The context narrowed by every criterion that must hold for the node to hold."""
    if isinstance(node, Leaf):
        return context.narrowed(node)
    everything_needed = isinstance(node, All) or (isinstance(node, AtLeast) and node.at_least == len(node.of))
    if everything_needed or (isinstance(node, AnyOf) and len(node.any) == 1):
        for child in children(node):
            context = _conjunction(child, context)
    return context


def _branches(node: Node, where: Location, context: Context) -> Iterator[tuple[Location, str]]:
    """Contradictions and dead branches at and below the node."""
    inner = _conjunction(node, context)
    if not inner.possible:
        names = [name for name, allowed in inner.allowed.items() if not allowed.possible()]
        told = "、".join(inner.allowed[name].fact.label for name in names)
        if context.allowed and isinstance(where[-1], int) and where[-2] in ("any", "of"):
            yield where, f"this branch is dead: with what stands around it, nothing is left for {told}"
        else:
            yield where, f"this contradicts itself: no value is left for {told}"
        return
    key = {All: "all", AnyOf: "any", AtLeast: "of"}.get(type(node))
    for place, child in enumerate(children(node)):
        if not isinstance(child, Leaf) or not isinstance(node, All):
            yield from _branches(child, (*where, key or "", place), inner)


def _unused(rule: Rule) -> list[tuple[Location, str]]:
    """Parameters that no criterion, no other parameter and no formula names."""
    version = rule.version
    trees = [version.require, *(stage.when for stage in version.pay if stage.when is not None)]
    named = {value[1:] for tree in trees for value in _parameter_names(tree)}
    named |= {value[1:] for value in version.params.values() if isinstance(value, str) and value[:1] == "$"}
    named |= set(rule.arithmetic.names) if rule.arithmetic else set()
    return [
        (("params", name), f"nothing uses the parameter {name!r}")
        for name in version.params
        if name not in named
    ]


def _parameter_names(node: Node) -> Iterator[str]:
    if isinstance(node, Leaf):
        written = node.value if isinstance(node.value, list) else [node.value]
        yield from (value for value in written if isinstance(value, str) and value.startswith("$"))
    for child in children(node):
        yield from _parameter_names(child)


# Divisions


def _divisions(arithmetic: Arithmetic, context: Context) -> Iterator[str]:
    for division in arithmetic.root.find_all(exp.Div):
        if not _never_zero(division.expression, division, context):
            divisor = division.expression.sql(dialect="postgres")
            yield (
                f"{divisor} may be zero, and a division by zero pays nobody: require it to be above zero,"
                " or divide inside `case when … > 0 then … else … end`"
            )


def _never_zero(node: exp.Expr, division: exp.Expr, context: Context) -> bool:
    match node:
        case exp.Paren() | exp.Neg():
            return _never_zero(node.this, division, context)
        case exp.Literal():
            return Decimal(node.this) != 0
        case exp.Mul():
            return all(_never_zero(part, division, context) for part in (node.this, node.expression))
        case exp.Column() if node.name in context.allowed and context.allowed[node.name].excludes_zero():
            return True
        case exp.Column() if node.name in context.rule.version.params:
            return context.rule.parameters.get(node.name) != 0
    return _positive(node, division, context)


def _positive(node: exp.Expr, division: exp.Expr, context: Context) -> bool:
    match node:
        case exp.Paren():
            return _positive(node.this, division, context)
        case exp.Literal():
            return Decimal(node.this) > 0
        case exp.Add() | exp.Mul() | exp.Div():
            return all(_positive(part, division, context) for part in (node.this, node.expression))
        case exp.Greatest():
            return any(_positive(part, division, context) for part in (node.this, *node.expressions))
        case exp.Column() if node.name in context.rule.parameters:
            return context.rule.parameters[node.name] > 0
        case exp.Column():
            allowed = context.allowed.get(node.name)
            return (allowed is not None and allowed.positive()) or _guarded(node.name, division)
    return False


def _guarded(name: str, division: exp.Expr) -> bool:
    """Whether the division stands where a case has tested that the fact is above zero."""
    inner: exp.Expr = division
    outer = division.parent
    while outer is not None:
        if isinstance(outer, exp.If) and inner is outer.args["true"] and _says_positive(outer.this, name):
            return True
        inner, outer = outer, outer.parent
    return False


def _says_positive(test: exp.Expr, name: str) -> bool:
    match test:
        case exp.Paren():
            return _says_positive(test.this, name)
        case exp.And():
            return _says_positive(test.this, name) or _says_positive(test.expression, name)
        case exp.GT() | exp.GTE() if isinstance(test.this, exp.Column) and test.this.name == name:
            limit = test.expression
            if not isinstance(limit, exp.Literal):
                return False
            least = Decimal(limit.this)
            return least > 0 or (least == 0 and isinstance(test, exp.GT))
    return False
