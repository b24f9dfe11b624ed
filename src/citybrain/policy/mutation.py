"""How much the cases of a rule would notice: its operators and limits are changed one by one, and each change
must make at least one case come out otherwise. What no case notices is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from citybrain.policy.edges import Edge, edges
from citybrain.policy.evaluation import evaluate
from citybrain.policy.facts import Facts
from citybrain.policy.item_file import All, AnyOf, AtLeast, Leaf, Node, Version, children
from citybrain.policy.rule import OPERATORS, Rule, RuleError, resolve

OTHER_OPERATORS = {
    ">=": (">", "<=", "=="), ">": (">=", "<", "!="), "<=": ("<", ">=", "=="), "<": ("<=", ">", "!="),
    "==": ("!=",), "!=": ("==",), "in": ("not_in",), "not_in": ("in",),
    "at_least_ago": ("at_most_ago",), "at_most_ago": ("at_least_ago",),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A rule with one thing changed; `what` says which."""

    what: str
    rule: Rule


@dataclass(frozen=True)
class Score:
    """`survivors`: changes that no case noticed."""

    made: int
    survivors: tuple[str, ...]

    @property
    def killed(self) -> int:
        return self.made - len(self.survivors)

    @property
    def share(self) -> float:
        return self.killed / self.made if self.made else 1.0


def score(rule: Rule, cases: Sequence[Edge] | None = None) -> Score:
    """`cases`: default those that `edges` makes of the rule."""
    cases = list(edges(rule)) if cases is None else cases
    expected = [evaluate(rule, case.facts, case.day) for case in cases]
    made, survivors = 0, []
    for mutant in mutants(rule):
        made += 1
        if all(
            evaluate(mutant.rule, case.facts, case.day) == outcome
            for case, outcome in zip(cases, expected, strict=True)
        ):
            survivors.append(mutant.what)
    return Score(made, tuple(survivors))


def mutants(rule: Rule) -> Iterator[Mutant]:
    for what, require in _trees(rule.version.require, rule):
        mutant = _resolved(rule.version.model_copy(update={"require": require}), rule.facts)
        if mutant is not None:
            yield Mutant(what, mutant)
    cap = rule.version.caps.per_enterprise
    if cap is not None:
        caps = rule.version.caps.model_copy(
            update={"per_enterprise": cap + Decimal(rule.version.amount.round.to)}
        )
        yield Mutant(
            "caps.per_enterprise", replace(rule, version=rule.version.model_copy(update={"caps": caps}))
        )


def _resolved(version: Version, facts: Facts) -> Rule | None:
    try:
        return resolve(version, facts)
    except RuleError:  # the change makes no rule
        return None


def _trees(node: Node, rule: Rule) -> Iterator[tuple[str, Node]]:
    """The tree with one operator or node changed, each in turn."""
    if isinstance(node, Leaf):
        fact = rule.facts[node.fact]
        if not rule.criterion(node).known:
            return
        if node.op == "is":
            yield (
                f"{node.id}: is not",
                node.model_copy(update={"value": rule.criterion(node).values[0] is not True}),
            )
        for op in OTHER_OPERATORS.get(node.op, ()):
            if op in OPERATORS[fact.type]:
                yield f"{node.id}: {node.op} -> {op}", node.model_copy(update={"op": op})
        return
    if len(children(node)) > 1:
        yield from _other_nodes(node)
    key = {All: "all", AnyOf: "any", AtLeast: "of"}[type(node)]
    for place, child in enumerate(children(node)):
        for what, changed in _trees(child, rule):
            parts = [*children(node)[:place], changed, *children(node)[place + 1 :]]
            yield what, node.model_copy(update={key: parts})


def _other_nodes(node: Node) -> Iterator[tuple[str, Node]]:
    match node:
        case All():
            yield "all -> any", AnyOf(any=node.all)
        case AnyOf():
            yield "any -> all", All(all=node.any)
        case AtLeast():
            for number in (node.at_least - 1, node.at_least + 1):
                if 1 <= number <= len(node.of):
                    yield f"at_least {number}", node.model_copy(update={"at_least": number})
